// SPDX-License-Identifier: MIT
// The devices that the device tree of a Host describes: what sits on the chip, on no bus that lists
// its devices by itself.
#pragma once

#include "os/host.h"

#include <string>
#include <string_view>
#include <vector>

namespace hwa::os {

/// Folder of all platform devices, each by address and node name: "fdab0000.npu".
inline constexpr const char *platform_folder = "/sys/bus/platform/devices/";

struct PlatformDevice {
    std::string name;
    std::string driver;                  ///< "" if none is bound
    std::vector<std::string> compatible; ///< most specific first: "rockchip,rk3588-rknpu"

    bool is(std::string_view what) const;
};

/// Every platform device that a device tree describes, in order of name; none on a machine without
/// one.
std::vector<PlatformDevice> platform_bus(const Host &host);

} // namespace hwa::os
