// SPDX-License-Identifier: MIT
// Work: what a stage does in a step, counted over its layers. Bytes and numbers, no times.
#pragma once

#include "plan/case.h"
#include "plan/memory/weights.h"

#include <cstdint>

namespace hwa::plan {

/// Of one stage, over all ranks that share it.
struct Work {
    double layers = 0;
    double expert_layers = 0;
    double recurrent_layers = 0;
    double latent_layers = 0;
    double index_layers = 0; ///< that pick the tokens to look at
    // Products with weights.
    double parameters = 0; ///< in matrices that every token passes
    double bytes = 0;
    double expert_parameters = 0; ///< in routed experts, all of them
    double expert_bytes = 0;
    double experts = 0; ///< of one layer
    double experts_per_token = 0;
    double output_parameters = 0; ///< of the matrix to the vocabulary; 0: another stage has it
    double output_bytes = 0;
    // Attention, with as many tokens in the cache as asked.
    double cache_bytes = 0; ///< of one sequence, what a token reads
    double state_bytes = 0; ///< of one sequence, what recurrent layers read and write
    double prompt_ops = 0;  ///< of one token of a prompt
    double token_ops = 0;   ///< of one token alone
    double pairs = 0;       ///< of a query head with a token
    double spread = 1;      ///< query heads for each head of keys
    double kv_heads = 1;    ///< that ranks can share out
    double hidden = 0;
};

/// `held` are the weights in the format of the case; `tokens` are in the cache of each sequence.
Work work_of(const Case &one, const HeldWeights &held, const Slice &slice, double tokens);

} // namespace hwa::plan
