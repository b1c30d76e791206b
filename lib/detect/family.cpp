// SPDX-License-Identifier: MIT
// One device for each function of a family: identity and place as any PCI device has them (Linux
// Documentation/ABI/testing/sysfs-bus-pci, Documentation/PCI/pci-iov-howto.rst), then the family's
// own facts, then those of the data sheet.
#include "detect/family.h"

#include "base/text.h"
#include "data/pci_vendors.h"
#include "detect/pci_access.h"
#include "detect/sheet.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;
using os::PciFunction;

/// More than any machine has, virtual functions counted; a bus of more is no bus.
static constexpr size_t device_limit = 1024;

std::string PciSubject::path(const char *file) const {
    return os::pci_folder + function.address + '/' + file;
}

std::string PciSubject::text(const char *file) const {
    const auto content = host.read_file(path(file));
    return content ? base::legible(*content) : std::string();
}

std::optional<uint64_t> PciSubject::number(const char *file, int base) const {
    return base::parse_u64(text(file), base);
}

bool PciSubject::asleep() const {
    return text("power/runtime_status") == "suspended";
}

static void put_text(Device &device, const char *key, std::string value) {
    if (!value.empty())
        device.put_attr(core::attr_text(key, std::move(value), Source::Kernel));
}

static Kind kind_of(const PciSubject &subject, const data::PciVendor *vendor) {
    const uint32_t base_class = subject.function.class_code >> 16;
    if (subject.chip != nullptr)
        return subject.chip->kind;
    if (base_class == 0x03)
        return Kind::Gpu;
    return base_class == 0x12 && vendor != nullptr ? vendor->accelerator : Kind::Unknown;
}

static void identify(const PciSubject &subject, Device &device) {
    const PciFunction &function = subject.function;
    const data::PciVendor *vendor = data::find_pci_vendor(function.vendor);
    const std::string ids = base::format("%04x:%04x", function.vendor, function.device);
    device.id = "pci-" + function.address;
    device.kind = kind_of(subject, vendor);
    if (subject.chip != nullptr && *subject.chip->name != '\0')
        device.name = {subject.chip->name, Source::Table};
    else
        device.name = {vendor != nullptr ? std::string(vendor->name) + ' ' + ids : ids,
                       Source::Derived};
    if (vendor != nullptr)
        device.vendor = {vendor->name, Source::Table};
    if (subject.chip != nullptr && *subject.chip->architecture != '\0')
        device.architecture = {subject.chip->architecture, Source::Table};
    if (!function.driver.empty())
        device.driver = {function.driver, Source::Kernel};
    device.pci_vendor = {function.vendor, Source::Kernel};
    device.pci_device = {function.device, Source::Kernel};
    put_text(device, "pci.class", base::format("%06x", function.class_code));
    if (function.subsystem_vendor != 0)
        put_text(device, "pci.subsystem",
                 base::format("%04x:%04x", function.subsystem_vendor, function.subsystem_device));
}

void put_version(Device &device, const char *key, std::string version) {
    constexpr std::string_view allowed = "0123456789abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ ._,+-";
    if (version.size() <= 64 && version.find_first_not_of(allowed) == std::string::npos)
        put_text(device, key, std::move(version));
}

/// The words of Linux Documentation/ABI/testing/sysfs-devices-power.
static void put_power(const PciSubject &subject, Device &device) {
    const std::string status = subject.text("power/runtime_status");
    for (const char *word :
         {"active", "suspended", "suspending", "resuming", "error", "unsupported"})
        if (status == word)
            put_text(device, "power.runtime_status", status);
}

/// A virtual function belongs to the physical one that its link names.
static void find_parent(const PciSubject &subject, Device &device) {
    const auto target = subject.host.read_link(subject.path("physfn"));
    if (!target)
        return;
    device.flags |= core::DevicePartition;
    device.parent = "pci-" + target->substr(target->rfind('/') + 1);
}

Device pci_device(const PciSubject &subject, const char *backend, const Family &family) {
    Device device;
    device.backends = {backend};
    identify(subject, device);
    constexpr uint64_t sane_node = 1024;
    if (const auto node = subject.number("numa_node"); node && *node < sane_node)
        device.numa_node = {static_cast<int32_t>(*node), Source::Kernel};
    put_power(subject, device);
    find_parent(subject, device);
    find_access(subject, family, device);
    if (family.describe != nullptr)
        family.describe(subject, device);
    put_sheet(device);
    return device;
}

static const Chip *find_chip(const Family &family, const PciFunction &function) {
    for (const Chip &chip : family.chips)
        if (chip.vendor == function.vendor && chip.first <= function.device &&
            function.device <= chip.last)
            return &chip;
    return nullptr;
}

base::Done find_family(const Machine &machine, const char *backend, const Family &family,
                       core::System &system) {
    // What is wrong with the bus itself is told once, by the backend "pci".
    if (!machine.pci)
        return {};
    size_t listed = 0;
    for (const PciFunction &function : machine.pci->functions) {
        const Chip *chip = find_chip(family, function);
        if (chip == nullptr && (family.claims == nullptr || !family.claims(function)))
            continue;
        if (system.find_device("pci-" + function.address) != nullptr || ++listed > device_limit)
            continue;
        const PciSubject subject{machine.host, function, chip};
        system.devices.push_back(pci_device(subject, backend, family));
    }
    if (listed > device_limit)
        return base::error(base::Status::Range,
                           "%s has %zu devices, and those past %zu are left out", os::pci_folder,
                           listed, device_limit);
    return {};
}

void join_functions(std::string_view backend, core::System &system) {
    for (Device &device : system.devices) {
        if (device.backends[0] != backend || !device.parent.empty())
            continue;
        const std::string first = device.id.substr(0, device.id.size() - 1) + '0';
        const Device *other = first == device.id ? nullptr : system.find_device(first);
        if (other != nullptr && other->backends[0] == backend)
            device.parent = first;
    }
}

} // namespace hwa::detect
