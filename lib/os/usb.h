// SPDX-License-Identifier: MIT
// The USB devices of a Host, one small file for each.
#pragma once

#include "os/host.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::os {

/// Folder of all devices, each by its place: "2-1.4" is port 4 of the hub at port 1 of bus 2.
inline constexpr const char *usb_folder = "/sys/bus/usb/devices/";

struct UsbDevice {
    std::string place;
    uint32_t vendor = 0;
    uint32_t product = 0;
    std::string node; ///< "bus/usb/002/004", below /dev; "" if the kernel does not tell
};

/// Every device that is no root hub, in order of place. What cannot be read is left out.
std::vector<UsbDevice> usb_bus(const Host &host);

} // namespace hwa::os
