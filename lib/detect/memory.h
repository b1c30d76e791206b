// SPDX-License-Identifier: MIT
// Memory of the host, as a process may use it.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Fills in the host's memory.
void find_memory(const os::Host &host, core::System &system);

} // namespace hwa::detect
