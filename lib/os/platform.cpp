// SPDX-License-Identifier: MIT
// Platform devices from sysfs: the file uevent has what the kernel's of_device_uevent() puts there
// (OF_COMPATIBLE_0 and on) and what every device has (DRIVER).
#include "os/platform.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::os {

static constexpr size_t device_limit = 4096; // large chips have some hundreds

bool PlatformDevice::is(std::string_view what) const {
    return std::find(compatible.begin(), compatible.end(), what) != compatible.end();
}

static void read_line(std::string_view line, PlatformDevice &device) {
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos)
        return;
    const std::string_view key = line.substr(0, equals);
    const std::string value = base::sanitise(line.substr(equals + 1), 128);
    if (key == "DRIVER")
        device.driver = value;
    else if (key.starts_with("OF_COMPATIBLE_") && key != "OF_COMPATIBLE_N")
        device.compatible.push_back(value);
}

std::vector<PlatformDevice> platform_bus(const Host &host) {
    std::vector<PlatformDevice> devices;
    // Machines without a device tree have platform devices, too, but none that is asked for here.
    if (!host.exists("/sys/firmware/devicetree/base"))
        return devices;
    const auto names = host.list("/sys/bus/platform/devices", device_limit);
    if (!names)
        return devices;
    for (const std::string &name : *names) {
        const auto text = host.read_file(platform_folder + name + "/uevent");
        if (!text)
            continue;
        PlatformDevice device;
        device.name = base::sanitise(name, 128);
        for (const std::string_view line : base::split(*text, '\n'))
            read_line(line, device);
        if (!device.compatible.empty())
            devices.push_back(std::move(device));
    }
    return devices;
}

} // namespace hwa::os
