// SPDX-License-Identifier: MIT
// The network ports that link this machine to others.
#pragma once

#include "core/system.h"
#include "os/host.h"

#include <cstdint>
#include <string_view>

namespace hwa::detect {

/// Bits a second, of the file "rate" of an RDMA port: "400 Gb/sec (4X NDR)"; 0 if it is none.
uint64_t rdma_rate(std::string_view text);

/// Puts in "network.N.name", ".kind" ("infiniband", "roce", "ethernet"), ".bytes_per_second" each
/// way, ".pci" and ".state" ("up", "down"), for each port of hardware in order of name.
void find_network(const os::Host &host, core::System &system);

} // namespace hwa::detect
