// SPDX-License-Identifier: MIT
// Search: the best of all cases that the pins leave open.
#pragma once

#include "plan/plan.h"

namespace hwa::plan {

/// For inference. The workload is settled and the options have been checked; the headroom is set.
base::Result<Plan> search_inference(const core::System &system, const core::Model &model,
                                    const Options &options, const Workload &workload);

/// For training and tuning, likewise.
base::Result<Plan> search_training(const core::System &system, const core::Model &model,
                                   const Options &options, const Workload &workload);

/// Whether one plan serves the objective better than another with weights of the same format:
/// known speeds before unknown ones, then the objective, then fewer devices. Differences below a
/// millionth count as none, so that rounding does not decide.
bool better(Objective objective, const Plan &one, const Plan &other);

} // namespace hwa::plan
