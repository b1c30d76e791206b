// SPDX-License-Identifier: MIT
// Shortfall: why nothing fits, and the smallest changes after which something would.
#pragma once

#include "plan/plan.h"
#include "plan/search/candidates.h"

#include <string>

namespace hwa::plan {

/// "needs 41.2 GiB at q4_k ... on RTX 4090, 23.4 GiB usable: 17.8 GiB short".
std::string shortfall_text(const core::Model &model, const Sized &smallest,
                           const Workload &workload, const Options &options,
                           const Candidates &found);

} // namespace hwa::plan
