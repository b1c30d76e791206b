// SPDX-License-Identifier: MIT
// What follows for NVIDIA's devices from what all witnesses have told of them.
#include "base/text.h"
#include "detect/nvidia.h"
#include "detect/peak.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;

/// 10 * major + minor of "9.0"; 0 if it is not known.
static uint32_t capability_of(const Device &device) {
    const core::Attr *attr = device.find_attr("cuda.compute_capability");
    const size_t point = attr != nullptr ? attr->s.find('.') : std::string::npos;
    if (point == std::string::npos)
        return 0;
    const auto major = base::parse_u64(attr->s.substr(0, point));
    const auto minor = base::parse_u64(attr->s.substr(point + 1));
    return major && minor && *major < 100 && *minor < 10
               ? static_cast<uint32_t>(10 * *major + *minor)
               : 0;
}

static bool has_memory(const Device &device) {
    return std::any_of(device.memories.begin(), device.memories.end(), [](const auto &memory) {
        return memory.role != core::MemoryRole::Cache && memory.size_bytes.value != 0;
    });
}

/// Rates that follow from the highest clock that can be set, for want of another, are never reached
/// for long.
static void mark_bound(Device &device) {
    const bool highest = device.clock_hz.source == core::Source::Derived &&
                         device.find_attr("nvml.max_sm_mhz") != nullptr &&
                         device.find_attr("nvml.boost_mhz") == nullptr;
    if (highest)
        device.put_attr(core::attr_text("nvidia.clock", "highest", core::Source::Derived));
}

void finish_nvidia(core::System &system) {
    for (Device &device : system.devices) {
        if (device.find_attr("nvml.unified") != nullptr && !has_memory(device))
            share_host_memory(system, device);
        mark_bound(device);
        if (const uint32_t capability = capability_of(device); capability != 0)
            put_peaks(
                data::nvidia_rates(capability, data::nvidia_tensor(capability, device.name.value)),
                device);
    }
}

} // namespace hwa::detect
