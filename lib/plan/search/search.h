// SPDX-License-Identifier: MIT
// Search: the best of all cases that the pins leave open.
#pragma once

#include "plan/plan.h"

namespace hwa::plan {

/// For inference. The workload is settled and the options have been checked; the headroom is set.
base::Result<Plan> search_inference(const core::System &system, const core::Model &model,
                                    const Options &options, const Workload &workload);

enum class Fit { Finest, Smallest };

/// The name of the finest format in which inference fits the devices, whatever its speed, or of the
/// smallest, which is sooner found; empty where none does.
std::string fitting_format(const core::System &system, const core::Model &model,
                           const Options &options, const Workload &workload, Fit which);

/// For training and tuning, likewise.
base::Result<Plan> search_training(const core::System &system, const core::Model &model,
                                   const Options &options, const Workload &workload);

/// What a plan is worth beside others with weights of the same format.
struct Worth {
    double seconds = 0; ///< that the objective counts; 0: not known
    uint64_t devices = 0;
};

/// Of an inference with these times.
Worth worth_of(Objective objective, const Workload &workload, double prompt, double token,
               uint64_t devices);
Worth worth_of(Objective objective, const Plan &plan);

/// Known speeds before unknown ones, then the shorter time, then fewer devices. Differences below a
/// millionth count as none, so that rounding does not decide.
bool better(const Worth &one, const Worth &other);

/// Whether one plan serves the objective better than another.
bool better(Objective objective, const Plan &one, const Plan &other);

} // namespace hwa::plan
