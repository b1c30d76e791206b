// SPDX-License-Identifier: MIT
// The network ports that link this machine to others.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Puts in "network.N.name", ".kind" ("infiniband", "roce", "ethernet"), ".bytes_per_second" each
/// way, ".pci" and ".state" ("up", "down"), for each port of hardware in order of name.
void find_network(const os::Host &host, core::System &system);

} // namespace hwa::detect
