// SPDX-License-Identifier: MIT
// A step over a pipeline of unequal devices.
#pragma once

#include "plan/time/collectives.h"
#include "plan/time/step.h"

#include <span>

namespace hwa::plan {

/// Whether the stages of a pipeline are on devices that differ.
bool is_mixed(const Case &one);

/// Each stage takes its own time, and the slowest decides.
base::Result<StepTime> mixed_time(const Case &one);

/// The slowest way from a stage to the next where these differ, given a device of each.
Fabric slowest_way(const core::System &system, std::span<const core::Device *const> stages);

} // namespace hwa::plan
