// SPDX-License-Identifier: MIT
// Limits that control groups set on this process.
#pragma once

#include "os/host.h"

#include <cstdint>
#include <optional>

namespace hwa::detect {

/// The tightest limits of a process's control groups and all their ancestors.
struct CgroupLimits {
    uint32_t version = 0;                ///< of the hierarchy that limits memory: 1 or 2; 0: none
    std::optional<uint64_t> memory_max;  ///< bytes; beyond it the process is killed
    std::optional<uint64_t> memory_high; ///< bytes; beyond it the process is slowed down
    double processors = 0;               ///< time on this many at once; 0: no limit
    bool contained = false;              ///< the names of the groups are those of a container
};

CgroupLimits read_cgroup_limits(const os::Host &host);

} // namespace hwa::detect
