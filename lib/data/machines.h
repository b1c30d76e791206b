// SPDX-License-Identifier: MIT
// Machines for hire, from machines.csv, and the devices in them, from machine_devices.csv.
#pragma once

#include "core/system.h"

#include <span>
#include <string_view>

namespace hwa::data {

/// An offer: so many of one device in a machine, and its price where and when that was read.
struct Machine {
    const char *name;   ///< "nebius/gpu-h100-sxm_1gpu-16vcpu-200gb"
    const char *device; ///< name of its devices, as their driver tells it
    uint32_t count;
    uint64_t host_bytes;
    double usd_per_hour;
    const char *region; ///< where it has that price
    const char *source; ///< repository, path and revision
    const char *date;   ///< of the reading
};

/// All of them, by name.
std::span<const Machine> machines();

/// The machine of that name, or NULL; case does not count.
const Machine *find_machine(std::string_view name);

/// The machine as a system to plan over. Host memory is told, the processor is not.
core::System hired_system(const Machine &machine);

} // namespace hwa::data
