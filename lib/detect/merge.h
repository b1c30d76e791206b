// SPDX-License-Identifier: MIT
// Merge: one physical device is one device, whatever interfaces show it.
#pragma once

#include "core/system.h"

#include <string>
#include <vector>

namespace hwa::detect {

/// Puts what one backend showed into the system. A device is the same as one that is there if both
/// have the same PCI address or are the same part of one; else if both have the same uuid and no
/// other has it; else if maker, model and name agree and there is one candidate on each side; else,
/// of graphics that are on no bus, if each side has one of that maker. The more trusted source wins
/// each fact, and what the other said becomes an attribute. Software devices never merge.
void merge(core::System &system, const std::string &backend, std::vector<core::Device> devices);

/// Lets each device that `concerned` is true of hear what one backend told of all of them, and says
/// how many these are.
uint32_t tell_all(core::System &system, const std::string &backend,
                  bool (*concerned)(const core::Device &device), const core::Device &told);

} // namespace hwa::detect
