// SPDX-License-Identifier: MIT
// Alternatives: plans that lost, and why.
#pragma once

#include "plan/plan.h"

#include <string>
#include <vector>

namespace hwa::plan {

struct Alternative {
    Plan plan;
    std::string reason; ///< "1.8 times slower"
};

/// The best plans that differ from the winner in one thing: with weights of the next smaller
/// format, on fewer devices, on others, for the other objective. The next best first; none where
/// the pins leave nothing to search.
std::vector<Alternative> alternatives_of(const core::System &system, const core::Model &model,
                                         const Options &options, const Plan &best);

/// How many there can be at most, without a search.
uint32_t most_alternatives(const Options &options);

} // namespace hwa::plan
