// SPDX-License-Identifier: MIT
// Cut: which devices a case takes, and which layers each of them holds.
#pragma once

#include "plan/case.h"
#include "plan/plan.h"

namespace hwa::plan {

/// Fills the slices of a case from its pins and the devices of the options, or where these name
/// none, the roomiest of the system.
base::Done cut(const Options &options, Case &one);

} // namespace hwa::plan
