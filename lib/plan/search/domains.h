// SPDX-License-Identifier: MIT
// Domains: devices of one class that lie close enough together to split tensors over them.
#pragma once

#include "plan/search/candidates.h"

namespace hwa::plan {

/// Sorts the devices of a class, given by their ids, into its domains.
void set_domains(const Links &links, DeviceClass &one);

} // namespace hwa::plan
