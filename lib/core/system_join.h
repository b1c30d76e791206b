// SPDX-License-Identifier: MIT
// Many machines as one, to plan over.
#pragma once

#include "base/status.h"
#include "core/system.h"

#include <span>

namespace hwa::core {

/// Devices of a joined system, more than any cluster has.
inline constexpr size_t joined_device_limit = size_t{1} << 22;

/// Devices and links of all systems. An id gets the host's name before it, "node-3/gpu-0", and a
/// device the attributes "host.name" and, where its host has ports that are up,
/// "host.network_bytes_per_second". Facts that hold for the whole machine, such as which backends
/// looked, are left behind.
base::Result<System> join(std::span<const System *const> systems);

} // namespace hwa::core
