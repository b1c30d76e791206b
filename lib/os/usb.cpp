// SPDX-License-Identifier: MIT
// USB devices from sysfs: the file uevent has what the kernel's usb_uevent() puts there (PRODUCT)
// and what every device with a node has (DEVNAME).
#include "os/usb.h"

#include "base/text.h"

namespace hwa::os {

static constexpr size_t device_limit = 1024; // 127 on each bus, and few machines have ten

/// Interfaces have a colon in their names, root hubs are called after their bus.
static bool is_device(std::string_view name) {
    return !name.empty() && name[0] >= '0' && name[0] <= '9' &&
           name.find(':') == std::string_view::npos;
}

static uint32_t hex(std::string_view text) {
    const auto value = base::parse_u64(text, 16);
    return value && *value <= 0xffff ? static_cast<uint32_t>(*value) : 0;
}

static void read_line(std::string_view line, UsbDevice &device) {
    constexpr std::string_view product = "PRODUCT=", node = "DEVNAME=";
    if (line.starts_with(node))
        device.node = base::sanitise(line.substr(node.size()), 64);
    if (!line.starts_with(product))
        return;
    const auto parts = base::split(line.substr(product.size()), '/');
    if (parts.size() < 2)
        return;
    device.vendor = hex(parts[0]);
    device.product = hex(parts[1]);
}

std::vector<UsbDevice> usb_bus(const Host &host) {
    std::vector<UsbDevice> devices;
    const auto names = host.list("/sys/bus/usb/devices", 8 * device_limit);
    if (!names)
        return devices;
    for (const std::string &name : *names) {
        if (!is_device(name) || devices.size() == device_limit)
            continue;
        const auto text = host.read_file(usb_folder + name + "/uevent");
        if (!text)
            continue;
        UsbDevice device;
        device.place = base::sanitise(name, 64);
        for (const std::string_view line : base::split(*text, '\n'))
            read_line(line, device);
        if (device.vendor != 0)
            devices.push_back(std::move(device));
    }
    return devices;
}

} // namespace hwa::os
