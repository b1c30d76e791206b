// SPDX-License-Identifier: MIT
// Over how many devices a plan splits each thing.
#include "plan/degrees.h"

#include <algorithm>

namespace hwa::plan {

static uint64_t degree(const Choice<uint32_t> &choice) {
    return std::max(1U, choice.value_or(1));
}

Degrees degrees_of(const Plan &plan) {
    Degrees made;
    made.tensor = degree(plan.run.tensor);
    made.groups = degree(plan.run.attention_data);
    made.data = degree(plan.run.data);
    made.expert = degree(plan.run.expert);
    made.context = degree(plan.run.context);
    // What is left open is a pipeline over all devices.
    const uint64_t others = made.tensor * made.data * made.context;
    made.pipeline = plan.run.pipeline ? degree(plan.run.pipeline)
                                      : std::max<uint64_t>(1, plan.stages.size() / others);
    return made;
}

std::vector<uint64_t> stage_layers(const Plan &plan) {
    const Degrees by = degrees_of(plan);
    std::vector<uint64_t> layers;
    for (uint64_t stage = 0; stage < by.pipeline; ++stage) {
        const uint64_t at = stage * by.tensor * by.context; // ranks of a stage lie together
        if (at < plan.stages.size())
            layers.push_back(plan.stages[static_cast<size_t>(at)].layer_count);
    }
    return layers;
}

} // namespace hwa::plan
