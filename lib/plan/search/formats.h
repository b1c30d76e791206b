// SPDX-License-Identifier: MIT
// The formats worth trying for a model's weights, best quality first.
#pragma once

#include "plan/memory/footprint.h"

#include <vector>

namespace hwa::plan {

/// The published format, then those that take fewer bytes; only the one asked for if the workload
/// names one.
std::vector<Format> formats_for(const core::Model &model, const Workload &workload);

} // namespace hwa::plan
