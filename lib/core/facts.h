// SPDX-License-Identifier: MIT
// The facts of a device by name, in the order documents list them.
#pragma once

#include "core/device.h"

#include <cstdint>
#include <string>

namespace hwa::core {

// A quantity of 0 and an empty text are not known; memory node 0 is one like any other.
inline bool known(const std::string &text) {
    return !text.empty();
}
inline bool known(uint32_t quantity) {
    return quantity != 0;
}
inline bool known(uint64_t quantity) {
    return quantity != 0;
}
inline bool known(double quantity) {
    return quantity != 0;
}
inline bool known(int32_t node) {
    return node >= 0;
}

/// Calls `visit(name, fact)` for each fact that a device, const or not, keeps with its source.
template <class AnyDevice, class Visit> void each_fact(AnyDevice &device, Visit &&visit) {
    visit("name", device.name);
    visit("vendor", device.vendor);
    visit("architecture", device.architecture);
    visit("driver", device.driver);
    visit("numa_node", device.numa_node);
    visit("pci_vendor", device.pci_vendor);
    visit("pci_device", device.pci_device);
    visit("compute_units", device.compute_units);
    visit("power_limit_mw", device.power_limit_mw);
    visit("clock_hz", device.clock_hz);
}

} // namespace hwa::core
