// SPDX-License-Identifier: MIT
// Degrees: over how many devices a plan splits each thing.
#pragma once

#include "plan/plan.h"

namespace hwa::plan {

/// The stages of a plan lie by replica, in it by stage of the pipeline, in that by context rank,
/// and there by tensor rank.
struct Degrees {
    uint64_t tensor = 1;
    uint64_t groups = 1; ///< of tensor ranks, each with sequences of its own
    uint64_t pipeline = 1;
    uint64_t data = 1;
    uint64_t expert = 1;
    uint64_t context = 1;
};

Degrees degrees_of(const Plan &plan);

/// Layers of each stage of the pipeline, those of the first replica.
std::vector<uint64_t> stage_layers(const Plan &plan);

} // namespace hwa::plan
