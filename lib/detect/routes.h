// SPDX-License-Identifier: MIT
// Routes: the ways to run work on each device, and why one that might do does not.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Adds to each device of a live system the runtimes that could drive it and have not shown it,
/// each with a sentence on what is in the way, and puts those that work first, best first. Notes
/// under which variables of the environment the drivers were asked. Goes by the rows of the
/// backends, so all of them must be there.
void find_routes(const os::Host &host, core::System &system);

} // namespace hwa::detect
