// SPDX-License-Identifier: MIT
// Devices on the PCI bus: every display and accelerator function, whoever made it. Classes are
// those of the PCI Code and ID Assignment Specification.
#include "detect/pci.h"

#include "base/text.h"
#include "base/units.h"
#include "data/pci_vendors.h"
#include "detect/pci_access.h"
#include "os/pci.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;
using os::Host;
using os::PciFunction;

static constexpr uint32_t class_display = 0x03;
static constexpr uint32_t class_accelerator = 0x12;
static constexpr uint32_t subclass_coprocessor = 0x0b40;
static constexpr uint32_t vendor_amd = 0x1022;
static constexpr uint32_t vendor_intel = 0x8086;
/// More than any machine has, virtual functions counted; a bus of more is no bus.
static constexpr size_t device_limit = 1024;

/// QuickAssist by the device ids of Linux drivers/crypto/intel/qat.
static bool is_quick_assist(uint32_t device) {
    static constexpr uint16_t ids[] = {0x0435, 0x0443, 0x37c8, 0x37c9, 0x19e2, 0x19e3,
                                       0x18a0, 0x18a1, 0x18ee, 0x18ef, 0x6f54};
    for (const uint16_t id : ids)
        if (device == id)
            return true;
    return device >= 0x4940 && device <= 0x4949;
}

/// AMD's neural engines, which sit in a class of sensors and thermal controllers, by the device ids
/// of Linux drivers/accel/amdxdna and those of the driver's own repository.
static bool is_xdna(const PciFunction &function) {
    const uint32_t device = function.device;
    return function.vendor == vendor_amd &&
           (device == 0x1502 || (device >= 0x17f0 && device <= 0x17f3) ||
            (device >= 0x1b0a && device <= 0x1b0c));
}

static bool is_listed(const PciFunction &function) {
    const uint32_t base_class = function.class_code >> 16;
    return base_class == class_display || base_class == class_accelerator ||
           function.class_code >> 8 == subclass_coprocessor || is_xdna(function);
}

static Kind kind_of(const PciFunction &function, const data::PciVendor *vendor) {
    if (function.class_code >> 16 == class_display)
        return Kind::Gpu;
    if (is_xdna(function))
        return Kind::Npu;
    if (function.vendor == vendor_intel && is_quick_assist(function.device))
        return Kind::Offload;
    if (function.class_code >> 16 == class_accelerator && vendor != nullptr)
        return vendor->accelerator;
    return Kind::Unknown;
}

static void put_text(Device &device, const char *key, std::string value) {
    device.put_attr(core::attr_text(key, std::move(value), Source::Kernel));
}

static std::string attribute(const Host &host, const std::string &folder, const char *name) {
    const auto text = host.read_file(folder + name);
    return text ? std::string(base::trim(*text)) : std::string();
}

/// A virtual function belongs to the physical one that its link names.
static void find_parent(const Host &host, const std::string &folder, Device &device) {
    const auto target = host.read_link(folder + "/physfn");
    if (!target)
        return;
    device.flags |= core::DevicePartition;
    device.parent = "pci-" + target->substr(target->rfind('/') + 1);
}

/// amdgpu tells the size of its memory without waking the device (Linux
/// Documentation/gpu/amdgpu/driver-misc.rst).
static void find_vram(const Host &host, const std::string &folder, Device &device) {
    constexpr uint64_t sane = uint64_t{1} << 50;
    const auto total = base::parse_u64(attribute(host, folder, "/mem_info_vram_total"));
    if (!total || *total == 0 || *total >= sane)
        return;
    core::Memory memory;
    memory.size_bytes = {*total, Source::Kernel};
    memory.usable_bytes = *total;
    // Only memory chips have a maker; what firmware set apart of the host's memory has none.
    const bool chips = host.exists(folder + "/mem_info_vram_vendor");
    memory.role = chips ? core::MemoryRole::Dedicated : core::MemoryRole::Unknown;
    device.memories.push_back(std::move(memory));
}

static void put_identity(const PciFunction &function, const data::PciVendor *vendor,
                         Device &device) {
    const std::string ids = base::format("%04x:%04x", function.vendor, function.device);
    device.id = "pci-" + function.address;
    device.kind = kind_of(function, vendor);
    device.backends = {"pci"};
    device.name = {vendor != nullptr ? std::string(vendor->name) + ' ' + ids : ids,
                   Source::Derived};
    if (vendor != nullptr)
        device.vendor = {vendor->name, Source::Table};
    if (!function.driver.empty())
        device.driver = {function.driver, Source::Kernel};
    device.pci_vendor = {function.vendor, Source::Kernel};
    device.pci_device = {function.device, Source::Kernel};
    put_text(device, "pci.class", base::format("%06x", function.class_code));
    if (function.subsystem_vendor != 0)
        put_text(device, "pci.subsystem",
                 base::format("%04x:%04x", function.subsystem_vendor, function.subsystem_device));
    // Intel's own graphics sit on the first bus; its cards never do.
    if (function.vendor == vendor_intel && device.kind == Kind::Gpu &&
        function.address.find(":00:02.") != std::string::npos)
        device.flags |= core::DeviceIntegrated;
}

static Device make_device(const Host &host, const PciFunction &function) {
    Device device;
    put_identity(function, data::find_pci_vendor(function.vendor), device);
    const std::string folder = os::pci_folder + function.address;
    constexpr int64_t sane_node = 1024;
    const auto node = base::parse_i64(attribute(host, folder, "/numa_node"));
    if (node && *node >= 0 && *node < sane_node)
        device.numa_node = {static_cast<int32_t>(*node), Source::Kernel};
    const std::string power = attribute(host, folder, "/power/runtime_status");
    if (!power.empty())
        put_text(device, "power.runtime_status", base::sanitise(power, 32));
    find_parent(host, folder, device);
    if (function.driver == "amdgpu")
        find_vram(host, folder, device);
    find_access(host, function, device);
    return device;
}

base::Done find_pci(const Host &host, core::System &system) {
    auto bus = os::pci_bus(host);
    if (!bus && bus.error().status == base::Status::NotFound)
        return base::error(base::Status::NotFound, "the kernel shows no PCI bus at %s",
                           os::pci_folder);
    if (!bus)
        return std::move(bus.error());
    const size_t first = system.devices.size();
    size_t listed = 0;
    for (const PciFunction &function : bus->functions)
        if (is_listed(function) && ++listed <= device_limit)
            system.devices.push_back(make_device(host, function));
    // A parent that is not listed is no device one could look up.
    for (size_t i = first; i < system.devices.size(); ++i)
        if (system.find_device(system.devices[i].parent) == nullptr)
            system.devices[i].parent.clear();
    if (listed > device_limit)
        return base::error(base::Status::Range,
                           "%s has %zu devices, and those past %zu are left out", os::pci_folder,
                           listed, device_limit);
    if (bus->fault && listed == 0)
        return base::error(
            base::Status::NotFound,
            "none of the %zu functions on the PCI bus is a display or an accelerator",
            bus->functions.size());
    return std::move(bus->fault);
}

} // namespace hwa::detect
