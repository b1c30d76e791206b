// SPDX-License-Identifier: MIT
// Links between devices, as far as the kernel tells.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// The socket that a device hangs on: the one of its memory node, or the only one; else NULL.
const core::Device *socket_of(const core::System &system, const core::Device &device);

/// Adds the link of each PCI device to its processor, and those between processor sockets.
void find_links(const os::Host &host, core::System &system);

} // namespace hwa::detect
