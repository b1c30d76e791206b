// SPDX-License-Identifier: MIT
// Memory and engines of Intel's graphics, out of what its drivers answer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace hwa::detect {

/// Regions of memory, in the order of the driver.
struct IntelMemory {
    std::vector<uint64_t> own; ///< of the device, one for each tile
    uint64_t host = 0;         ///< what it may use of the host's
};

struct IntelEngines {
    uint32_t cores = 0; ///< Xe-cores; subslices before there were any
    uint32_t units = 0; ///< vector engines in all of them
};

/// What does not hold together gives nothing at all.
IntelMemory read_xe_memory(std::string_view answer);
IntelMemory read_i915_memory(std::string_view answer);
IntelEngines read_xe_engines(std::string_view answer);
IntelEngines read_i915_engines(std::string_view answer);

} // namespace hwa::detect
