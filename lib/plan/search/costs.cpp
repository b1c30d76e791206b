// SPDX-License-Identifier: MIT
// Bytes and seconds of stages, by the functions that evaluate whole cases.
#include "plan/search/costs.h"

#include "plan/memory/inference.h"
#include "plan/time/step.h"

#include <algorithm>

namespace hwa::plan {

namespace {

/// Whether all runs of as many layers hold the same.
bool is_uniform(const Sized &sized) {
    const auto even = [](const std::vector<uint64_t> &sums) {
        for (size_t i = 2; i < sums.size(); ++i)
            if (sums[i] - sums[i - 1] != sums[1])
                return false;
        return true;
    };
    return even(sized.weights) && even(sized.cache) && even(sized.reads);
}

double weigh(const Case &one, Objective objective, double prompt, double token) {
    if (objective != Objective::Latency)
        return token;
    return prompt + static_cast<double>(one.workload.output_tokens) * token;
}

} // namespace

InferenceCosts::InferenceCosts(const Case &one, const DeviceClass &where, Objective objective)
    : one_(one), where_(where), objective_(objective), uniform_(is_uniform(*one.sized)) {}

uint64_t InferenceCosts::bytes(uint32_t from, uint32_t count) const {
    Slice slice;
    slice.device = where_.devices[0];
    slice.first_layer = from;
    slice.layer_count = count;
    slice.embedding = from == 0;
    slice.output = from + count == layers();
    const auto footprint = inference_bytes(one_, slice);
    return footprint ? footprint->total() : UINT64_MAX;
}

double InferenceCosts::layer(uint32_t index) const {
    const StageTime time = time_of(*one_.model, *one_.sized, one_.workload, index, 1, where_.rates);
    return weigh(one_, objective_, time.prompt, known() ? time.step() : 0);
}

double hop_cost(const Case &one, const Way &way, Objective objective) {
    const HopTime time = hop_time(one, way);
    return weigh(one, objective, time.prompt, time.step);
}

} // namespace hwa::plan
