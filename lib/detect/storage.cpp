// SPDX-License-Identifier: MIT
// Disks from sysfs (Linux Documentation/ABI/stable/sysfs-block). A disk's folder is a link that
// leads through the PCI function it hangs on.
#include "detect/storage.h"

#include "base/text.h"
#include "base/units.h"
#include "detect/pci_link.h"

namespace hwa::detect {

using core::Source;
using os::Host;

static constexpr size_t disk_limit = 32;
static constexpr uint64_t sector_bytes = 512; // whatever the disk has, /sys counts in these

/// Parts, mappings and memory in the shape of a disk are none.
static bool is_disk(std::string_view name) {
    for (const char *prefix : {"loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "zd"})
        if (name.starts_with(prefix))
            return false;
    return true;
}

static std::optional<uint64_t> number(const Host &host, const std::string &path) {
    const auto text = host.read_file(path, 64);
    return text ? base::parse_u64(base::trim(*text)) : std::nullopt;
}

/// The last PCI address on the way to the disk, or "".
static std::string address_of(std::string_view target) {
    std::string found;
    for (const std::string_view part : base::split(target, '/'))
        if (part.size() >= 12 && part.find(':') != part.rfind(':') &&
            part.find('.') == part.size() - 2)
            found = part;
    return found;
}

static const char *class_of(const Host &host, const std::string &name) {
    if (name.starts_with("nvme"))
        return "nvme";
    if (name.starts_with("mmcblk"))
        return "mmc";
    if (name.starts_with("vd"))
        return "virtio";
    const auto turns = number(host, "/sys/block/" + name + "/queue/rotational");
    return !turns ? nullptr : *turns != 0 ? "hdd" : "ssd";
}

static void put_disk(const Host &host, const std::string &name, size_t index,
                     core::System &system) {
    const std::string key = base::format("storage.%zu.", index);
    system.put_attr(core::attr_text(key + "name", base::sanitise(name, 64), Source::Kernel));
    if (const char *kind = class_of(host, name))
        system.put_attr(core::attr_text(key + "class", kind, Source::Kernel));
    const auto sectors = number(host, "/sys/block/" + name + "/size");
    const auto size = base::checked_mul(sectors.value_or(0), sector_bytes).value_or(0);
    if (size > 0 && size <= uint64_t{INT64_MAX})
        system.put_attr(
            core::attr_int(key + "size_bytes", static_cast<int64_t>(size), Source::Kernel));
    // Other buses than PCI Express share one link among their disks, so its rate is no disk's.
    if (!name.starts_with("nvme"))
        return;
    const auto target = host.read_link("/sys/block/" + name);
    const std::string address = address_of(target ? *target : "");
    PciBridges bridges;
    const auto link = address.empty() ? std::nullopt : best_link(host, address, bridges);
    if (!link)
        return;
    system.put_attr(core::attr_text(key + "link", link->name(), Source::Kernel));
    system.put_attr(core::attr_int(
        key + "bytes_per_second", static_cast<int64_t>(link->bytes_per_second()), Source::Derived));
}

void find_storage(const Host &host, core::System &system) {
    const auto names = host.list("/sys/block", 4096);
    if (!names)
        return;
    size_t index = 0;
    for (const std::string &name : *names)
        if (is_disk(name) && index < disk_limit)
            put_disk(host, name, index++, system);
}

} // namespace hwa::detect
