// SPDX-License-Identifier: MIT
// Kernels: seconds of one operator on one device, from the roofline with a soft knee. What is
// counted in tiles and waves is in docs/plan.md; the constants are in curves.cpp.
#pragma once

#include "plan/time/chip.h"

#include <cstdint>

namespace hwa::plan {

enum class Operator : uint8_t { Gemm, PromptAttention, TokenAttention, Experts };

/// C (m x n) = A (m x k) * B (k x n), B being weights.
struct Gemm {
    double m = 0;
    double n = 0;
    double k = 0;
    Math math = Math::Bf16;
    double weight_bytes = 0; ///< of one weight, where packed otherwise than `math` says
    bool warm = false;       ///< what fits the last cache is there, as in a loop over one product
};

/// Causal attention of `batch` sequences, all of their tokens at once.
struct PromptAttention {
    double batch = 0;
    double tokens = 0;
    double heads = 0; ///< of queries, on this device
    double kv_heads = 0;
    double key_size = 0;
    double value_size = 0;
    double window = 0; ///< 0: none
    bool fp8_cache = false;
};

/// Attention of one token of each sequence over its `context`.
struct TokenAttention {
    double batch = 0;
    double context = 0;
    double heads = 0;
    double kv_heads = 0;
    double key_size = 0;
    double value_size = 0; ///< 0: values are a part of the keys, as in latent attention
    double window = 0;
    bool fp8_cache = false;
    bool warm = false;
};

/// Both products of the routed experts that one device of `ranks` holds.
struct Experts {
    double tokens = 0; ///< of all ranks that route to these experts
    double hidden = 0;
    double ffn = 0; ///< of one expert, on this device
    double experts = 0;
    double per_token = 0;
    double ranks = 1; ///< that the experts are spread over
    Math math = Math::Bf16;
    double skew = 0; ///< exponent of the power law of the load; 0: balanced
    bool gated = true;
    bool warm = false;
};

/// Seconds; 0 where the rates of the chip are not known.
double seconds_of(const Chip &chip, const Gemm &shape);
double seconds_of(const Chip &chip, const PromptAttention &shape);
double seconds_of(const Chip &chip, const TokenAttention &shape);
double seconds_of(const Chip &chip, const Experts &shape);

/// What 80 % of such predictions stay within, up and down; learnt from what the fit leaves.
double kernel_error(ChipClass kind, Operator what, Math math);

/// Bytes of one weight.
double math_bytes(Math math);

} // namespace hwa::plan
