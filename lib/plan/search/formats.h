// SPDX-License-Identifier: MIT
// The formats worth trying for a model's weights, best quality first.
#pragma once

#include "plan/memory/footprint.h"
#include "plan/search/candidates.h"

#include <span>
#include <vector>

namespace hwa::plan {

/// The published format, then those that take fewer bytes; only the one asked for if the workload
/// names one. Those that engines alone run which share tensors out stand `beside` the one of their
/// quality, where a class of the devices can run them.
std::vector<Format> formats_for(const core::Model &model, const Workload &workload,
                                std::span<const DeviceClass> classes);

} // namespace hwa::plan
