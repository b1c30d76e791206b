// SPDX-License-Identifier: MIT
// Shares: how the ranks of a deployment for inference divide a model and its sequences.
#pragma once

#include "plan/run.h"
#include "plan/workload.h"

#include <cstdint>

namespace hwa::plan {

/// Each is a number of ranks, and at least 1.
struct Shares {
    uint32_t attention = 1; ///< over which heads, dense matrices and the vocabulary are split
    uint32_t experts = 1;   ///< over which routed experts are spread or split
    uint32_t groups = 1;    ///< that answer sequences of their own
    uint32_t context = 1;   ///< over which the tokens of a sequence are spread
    uint32_t replicas = 1;

    /// Whole sequences that the fullest rank answers.
    uint64_t sequences(const Workload &workload) const;
    /// Tokens of each sequence that a rank keeps.
    uint64_t tokens(uint64_t context_tokens) const;
};

Shares shares_of(const Run &run);

} // namespace hwa::plan
