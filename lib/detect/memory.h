// SPDX-License-Identifier: MIT
// Memory of the host, as a process may use it.
#pragma once

#include "core/system.h"
#include "os/host.h"

#include <string_view>

namespace hwa::detect {

/// Fills in the host's memory, the limits of its control groups and the affinity mask.
void find_memory(const os::Host &host, core::System &system);

/// What this process may use of the host's memory, by the attributes of find_memory().
uint64_t usable_memory(const core::System &system);

/// The value of a key such as "MemTotal" in /proc/meminfo or in the meminfo file of a node, in
/// bytes; 0 if it is not there or makes no sense.
uint64_t meminfo_bytes(std::string_view text, std::string_view key);

} // namespace hwa::detect
