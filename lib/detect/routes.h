// SPDX-License-Identifier: MIT
// Routes: the ways to run work on each device.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Notes with each device under which variables of the environment its drivers showed it.
void find_routes(const os::Host &host, core::System &system);

} // namespace hwa::detect
