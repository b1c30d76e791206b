// SPDX-License-Identifier: MIT
// Links between devices, as far as the kernel tells.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Adds the link of each PCI device to its processor, and those between processor sockets.
void find_links(const os::Host &host, core::System &system);

} // namespace hwa::detect
