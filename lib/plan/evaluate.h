// SPDX-License-Identifier: MIT
// Evaluate: the plan of one case, without a search.
#pragma once

#include "plan/case.h"
#include "plan/plan.h"

namespace hwa::plan {

/// The plan that a case is. Not held against the memory of the devices.
base::Result<Plan> evaluate(const Case &one);

/// The case that the pins describe, over the devices of the options in their order.
/// NoFit where a device of known memory lacks room.
base::Result<Plan> evaluate(const core::System &system, const core::Model &model,
                            const Options &options, const Workload &workload);

} // namespace hwa::plan
