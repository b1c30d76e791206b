// SPDX-License-Identifier: MIT
// Evaluate: the plan of one case, without a search.
#pragma once

#include "plan/case.h"
#include "plan/plan.h"

namespace hwa::plan {

/// What is pinned, taken as it is: the layers go over the devices of the options in their order.
/// NoFit where a device of known memory lacks room.
base::Result<Plan> evaluate(const core::System &system, const core::Model &model,
                            const Options &options, const Workload &workload);

} // namespace hwa::plan
