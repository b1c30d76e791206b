// SPDX-License-Identifier: MIT
// The disks that models are read from.
#pragma once

#include "core/system.h"
#include "os/host.h"

namespace hwa::detect {

/// Puts in "storage.N.name", ".class" ("nvme", "ssd", "hdd", "virtio", "mmc"), ".size_bytes", and
/// ".bytes_per_second" and ".link" of its bus, for each disk in order of name.
void find_storage(const os::Host &host, core::System &system);

} // namespace hwa::detect
