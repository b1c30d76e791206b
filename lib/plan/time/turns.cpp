// SPDX-License-Identifier: MIT
// Seconds where no engine is named: stages take turns, each as fast as the roofline of its device.
#include "plan/time/step.h"

#include <algorithm>

namespace hwa::plan {

namespace {

/// Sums over slices.
struct Sums {
    double memory = 0, compute = 0, step = 0, prompt = 0, links = 0, peak = 0;
    double error_factor = 0;
    bool step_known = true, prompt_known = true, link_unknown = false;
};

StageTime add(const StageTime &a, const StageTime &b) {
    return {a.memory + b.memory, a.compute + b.compute, a.start + b.start, a.prompt + b.prompt};
}

void add_slice(const Case &one, const Sized &sized, const Slice &slice, Sums &sums) {
    const Rates rates = rates_of(*slice.device);
    StageTime all;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const StageTime layer =
            time_of(*one.model, sized, one.workload, slice.first_layer + i, 1, rates);
        sums.step += layer.step();
        all = add(all, layer);
    }
    sums.memory += all.memory;
    sums.compute += all.compute;
    sums.prompt += all.prompt;
    sums.peak += rates.peak_ops_per_second;
    sums.error_factor = std::max(sums.error_factor, rates.error_factor);
    sums.step_known = sums.step_known && rates.bytes_per_second > 0;
    sums.prompt_known = sums.prompt_known && rates.ops_per_second > 0;
}

void add_hop(const Case &one, const Slice &from, const Slice &to, Sums &sums) {
    const Way way = one.links != nullptr ? one.links->between(*from.device, *to.device) : Way();
    const HopTime time = hop_time(one, way);
    sums.links += time.step;
    sums.prompt += time.prompt;
    sums.link_unknown = sums.link_unknown || way.bytes_per_second == 0;
}

StepTime settle(const Case &one, const Sums &sums) {
    StepTime made;
    made.unknown_link = sums.link_unknown;
    if (sums.prompt_known)
        made.prompt = sums.prompt;
    if (!sums.step_known)
        return made;
    made.token = sums.step + sums.links;
    made.error_factor = sums.error_factor;
    made.bound = sums.links > std::max(sums.memory, sums.compute) ? Bound::Link
                 : sums.compute > sums.memory                     ? Bound::Compute
                                                                  : Bound::Memory;
    const double tokens = static_cast<double>(one.workload.batch) / made.token;
    if (sums.prompt_known && sums.peak > 0)
        made.utilization = std::min(1.0, 2 * static_cast<double>(one.model->active_parameters) *
                                             tokens / sums.peak);
    return made;
}

} // namespace

/// The hidden states of one step, 4 bytes each.
HopTime hop_time(const Case &one, const Way &way) {
    if (way.bytes_per_second == 0)
        return {};
    const double rows = static_cast<double>(one.workload.batch);
    const double bytes = 4.0 * one.model->hidden_size / static_cast<double>(way.bytes_per_second);
    const double start = 1e-9 * way.latency_ns;
    return {start + rows * bytes,
            start + rows * static_cast<double>(one.workload.prompt_tokens) * bytes};
}

double slice_seconds(const Case &one, const Slice &slice) {
    const bool named = one.run.engine.value_or(Engine::Any) != Engine::Any;
    if (named || one.workload.trains() || one.sized == nullptr)
        return 0;
    Sums sums;
    add_slice(one, *one.sized, slice, sums);
    return sums.step_known ? sums.step : 0;
}

/// Stages take turns on each token, so that their times add up.
base::Result<StepTime> turns_time(const Case &one) {
    Sized made;
    if (one.sized == nullptr) {
        HWA_TRY(made, size_up(*one.model, one.format, one.workload));
    }
    const Sized &sized = one.sized != nullptr ? *one.sized : made;
    Sums sums;
    for (size_t i = 0; i < one.slices.size(); ++i) {
        add_slice(one, sized, one.slices[i], sums);
        if (i > 0)
            add_hop(one, one.slices[i - 1], one.slices[i], sums);
    }
    return settle(one, sums);
}

} // namespace hwa::plan
