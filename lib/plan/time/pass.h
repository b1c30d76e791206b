// SPDX-License-Identifier: MIT
// Pass: seconds of one pass through a stage, from its work, the chip and the pace.
#pragma once

#include "plan/time/pace.h"
#include "plan/time/work.h"

namespace hwa::plan {

/// How ranks share a stage. Attention is split over `tensor`, and `groups` of such ranks answer
/// sequences of their own; experts are spread over `expert` ranks, and split over the rest. Each of
/// `context` times as many ranks keeps a part of every sequence.
struct Ranks {
    double tensor = 1;
    double groups = 1;
    double expert = 1;
    double context = 1;

    double all() const { return tensor * groups; }
    /// Whether experts are spread over ranks of context too.
    bool spread() const { return expert > all(); }
    double over_experts() const { return spread() ? expert : all(); }
};

/// Tokens that pass at once, in each group.
struct Tokens {
    double sequences = 1;
    double each = 1; ///< of a prompt; of an answer, those that are drafted too
    bool prompt = false;

    double all() const { return sequences * each; }
    /// Those of a prompt are shared out over ranks of context; a token of an answer is not.
    double mine(const Ranks &ranks) const { return all() / (prompt ? ranks.context : 1); }
};

/// Where the seconds of a pass go.
struct PassTime {
    double memory = 0;
    double compute = 0;
    double rest = 0; ///< launches and links
    double all = 0;

    PassTime &operator+=(const PassTime &other) {
        memory += other.memory;
        compute += other.compute;
        rest += other.rest;
        all += other.all;
        return *this;
    }
};

/// Bits of a weight that kernels are chosen by: 16, 8 or 4. Of the whole model, so that the times
/// of its stages are those of one kind of kernels.
struct Bits {
    uint8_t dense = 16;
    uint8_t experts = 16;
    uint8_t output = 16;
};
Bits bits_of(const Work &whole);

struct Speeds {
    Chip chip;
    double integer_ops_per_second = 0; ///< in eight bits
    double link_bytes_per_second = 0;  ///< between ranks
    Setting setting;
    std::span<const PaceFactor> table;
    Bits bits;
};

PassTime pass_time(const Work &work, const Ranks &ranks, const Tokens &tokens,
                   const Speeds &speeds);

} // namespace hwa::plan
