// SPDX-License-Identifier: MIT
// Device nodes of PCI devices: render nodes (Linux Documentation/gpu/drm-uapi.rst), compute
// accelerators (Documentation/accel/introduction.rst), NVIDIA's own.
#include "detect/pci_access.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>

namespace hwa::detect {

using base::Status;
using core::Device;
using os::Host;

/// Name of a numeric group by /etc/group (group(5)), or its number.
static std::string group_name(const Host &host, uint32_t number) {
    const std::string digits = std::to_string(number);
    const auto text = host.read_file("/etc/group", 64 * base::KiB);
    // "name:password:number:members"; few files have a password between the colons.
    const size_t mark = text ? text->find(":x:" + digits + ':') : std::string::npos;
    if (mark == std::string::npos)
        return digits;
    const size_t line = text->rfind('\n', mark) + 1;
    return base::sanitise(std::string_view(*text).substr(line, mark - line), 32);
}

std::string drm_node(const Host &host, const std::string &folder, bool display) {
    struct Place {
        const char *below, *prefix, *dev;
    };
    // Display functions have render nodes, accelerators mostly the other kind; either may have
    // both.
    static constexpr Place render = {"drm", "renderD", "/dev/dri/"};
    static constexpr Place accel = {"accel", "accel", "/dev/accel/"};
    for (const Place &place : {display ? render : accel, display ? accel : render})
        if (const auto names = host.list(folder + place.below, 64))
            for (const std::string &name : *names)
                if (name.starts_with(place.prefix))
                    return place.dev + name;
    return "";
}

std::string render_node(const PciSubject &subject) {
    const bool display = subject.function.class_code >> 16 == 0x03;
    return drm_node(subject.host, subject.path(""), display);
}

std::string class_node(const PciSubject &subject, const char *class_name) {
    const auto names = subject.host.list(subject.path(class_name), 16);
    if (!names)
        return "";
    for (const std::string &name : *names) {
        const auto text =
            subject.host.read_file(subject.path(class_name) + '/' + name + "/uevent", 1024);
        if (!text)
            continue;
        // The kernel's dev_uevent() writes where the node lies below /dev.
        for (const std::string_view line : base::split(*text, '\n'))
            if (constexpr std::string_view key = "DEVNAME="; line.starts_with(key))
                return "/dev/" + base::sanitise(line.substr(key.size()), 64);
    }
    return "";
}

/// How many devices a driver of the PCI bus has.
static size_t bound_to(const Host &host, const std::string &driver) {
    size_t count = 0;
    if (const auto names = host.list("/sys/bus/pci/drivers/" + driver, 4096))
        for (const std::string &name : *names)
            count += name.find(':') != std::string::npos && name.find('.') != std::string::npos;
    return count;
}

std::string lone_node(const PciSubject &subject, const char *class_name, const char *prefix) {
    std::string found = class_node(subject, class_name);
    if (!found.empty() || bound_to(subject.host, subject.function.driver) != 1)
        return found;
    const auto names = subject.host.list(std::string("/sys/class/") + class_name, 256);
    if (!names)
        return "";
    const std::string_view start = prefix;
    for (const std::string &name : *names) {
        if (!name.starts_with(start) || !base::parse_u64(name.substr(start.size())))
            continue;
        if (!found.empty())
            return "";
        found = "/dev/" + name;
    }
    return found;
}

std::string vfio_node(const PciSubject &subject) {
    if (subject.function.driver != "vfio-pci")
        return "";
    const auto group = subject.host.read_link(subject.path("iommu_group"));
    return group ? "/dev/vfio/" + base::sanitise(group->substr(group->rfind('/') + 1), 16) : "";
}

static constexpr uint32_t class_network = 0x02;

static void deny(Device &device, Status status, std::string message) {
    device.access = status;
    device.access_message = std::move(message);
}

void try_node(const Host &host, const std::string &node, Device &device) {
    device.put_attr(core::attr_text("device.node", node, core::Source::Kernel));
    const Status status = host.access(node);
    if (status == Status::Ok) {
        device.access = Status::Ok;
        device.flags |= core::DeviceUsable;
    } else if (status == Status::Denied) {
        const auto group = host.group(node);
        const std::string member =
            group ? "; become a member of the group " + group_name(host, *group) : "";
        deny(device, Status::Denied, "no permission to open " + node + member);
    } else {
        deny(device, Status::Unavailable,
             "the device node " + node + " is not here; a container must be given it");
    }
}

/// Of nodes that nobody says whose they are, enough for all functions, each of which may be opened,
/// are as good as known ones.
static void try_loose(const PciSubject &subject, std::string_view prefix, Device &device) {
    const std::string &driver = subject.function.driver;
    const size_t wanted = bound_to(subject.host, driver);
    size_t open = 0;
    if (const auto names = subject.host.list("/dev"))
        for (const std::string &name : *names)
            if (name.starts_with(prefix) && base::parse_u64(name.substr(prefix.size())))
                open += subject.host.access("/dev/" + name) == Status::Ok ? 1 : 0;
    if (wanted != 0 && open >= wanted) {
        device.access = Status::Ok;
        device.flags |= core::DeviceUsable;
        return;
    }
    deny(
        device, Status::Unsupported,
        base::format("its driver %s does not say which of its device nodes is this one's, and this "
                     "process may open %zu of those of %zu devices",
                     driver.c_str(), open, wanted));
}

void find_access(const PciSubject &subject, const Family &family, Device &device) {
    const std::string &driver = subject.function.driver;
    if (driver.empty()) {
        const std::string wanted = *family.drivers != '\0' ? std::string("; it needs ") : "";
        deny(device, Status::Unavailable,
             "no kernel driver is bound to it" + wanted + family.drivers);
        return;
    }
    if (driver == "pci-stub") {
        deny(device, Status::Unavailable, "bound to pci-stub, which keeps it from all drivers");
        return;
    }
    const bool listed = base::list_holds(family.drivers, driver);
    const bool by_vfio = listed || family.node == vfio_node;
    const std::string node = family.node != nullptr ? family.node(subject) : render_node(subject);
    if (!node.empty())
        try_node(subject.host, node, device);
    else if (driver == "vfio-pci" && !by_vfio)
        deny(device, Status::Unavailable,
             "bound to " + driver + ", which keeps it for a virtual machine");
    else if (*family.loose_nodes != '\0')
        try_loose(subject, family.loose_nodes, device);
    else if (device.kind == core::Kind::Gpu && family.node == nullptr)
        deny(device, Status::Unavailable,
             "its driver " + driver + " offers no render node to compute with");
    else if (subject.function.class_code >> 16 == class_network)
        deny(device, Status::Unsupported,
             "its driver " + driver +
                 " makes it a network device, which computes nothing for a host");
    else if (listed)
        deny(device, Status::Unavailable,
             "its driver " + driver + " made no device node; the kernel's log says why");
    else
        deny(device, Status::Unsupported,
             "this version knows no device node of its driver " + driver);
}

} // namespace hwa::detect
