// SPDX-License-Identifier: MIT
// Roofline: seconds of a step on a device, from its bandwidth and its peak rate.
#pragma once

#include "core/device.h"
#include "core/model.h"
#include "plan/memory/footprint.h"

#include <cstdint>

namespace hwa::plan {

/// The values of hwa_bound_t.
enum class Bound : int32_t { Unknown = 0, Compute = 1, Memory = 2, Link = 3 };

/// What a device brings to the roofline, its efficiencies taken in; 0 is not known.
struct Rates {
    double bytes_per_second = 0;
    double ops_per_second = 0;
    double peak_ops_per_second = 0;
    double layer_seconds = 0; ///< to get one layer under way
    double error_factor = 0;  ///< of the speed
};

Rates rates_of(const core::Device &device);

/// Times of one stage; 0 where a rate is not known.
struct StageTime {
    double memory = 0;  ///< of one step, to read the weights and the cache
    double compute = 0; ///< of one step, to multiply
    double start = 0;   ///< of one step, to get the layers under way
    double prompt = 0;  ///< of all prompts

    double step() const { return (memory > compute ? memory : compute) + start; }
};

/// Step: one token of each sequence, with the cache as full as it is on average.
StageTime time_of(const core::Model &model, const Sized &sized, const Workload &workload,
                  uint64_t from, uint64_t count, const Rates &rates);

} // namespace hwa::plan
