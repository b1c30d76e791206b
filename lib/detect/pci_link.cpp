// SPDX-License-Identifier: MIT
// Links as the kernel tells them (Linux Documentation/ABI/testing/sysfs-bus-pci), with the rates of
// the PCI Express Base Specification.
#include "detect/pci_link.h"

#include "base/text.h"
#include "os/pci.h"

#include <algorithm>

namespace hwa::detect {

using os::Host;

namespace {

struct Generation {
    const char *speed;  ///< as the kernel writes it, without " PCIe"
    const char *before; ///< and as it did before Linux 5.7
    uint32_t number;
    uint64_t lane_bytes;
};

} // namespace

static constexpr Generation generations[] = {
    {"2.5 GT/s", "2.5 GT/s", 1, 250000000},  {"5.0 GT/s", "5 GT/s", 2, 500000000},
    {"8.0 GT/s", "8 GT/s", 3, 984615384},    {"16.0 GT/s", "16 GT/s", 4, 1969230769},
    {"32.0 GT/s", "32 GT/s", 5, 3938461538}, {"64.0 GT/s", "64 GT/s", 6, 7562500000},
};

static constexpr uint64_t widest = 32;
static constexpr size_t deepest = 16; // bridges one above the other

std::string PciLink::name() const {
    return base::format("pcie%u x%u", generation, lanes);
}

static std::optional<PciLink> read(const Host &host, const std::string &folder, const char *which) {
    const auto speed = host.read_file(folder + '/' + which + "_link_speed");
    const auto known =
        std::find_if(std::begin(generations), std::end(generations), [&](const Generation &g) {
            return speed && (speed->starts_with(g.speed) || speed->starts_with(g.before));
        });
    if (known == std::end(generations))
        return std::nullopt;
    const auto width = host.read_file(folder + '/' + which + "_link_width");
    const auto lanes = width ? base::parse_u64(base::trim(*width)) : std::nullopt;
    if (!lanes || *lanes == 0 || *lanes > widest)
        return std::nullopt;
    return PciLink{known->number, static_cast<uint32_t>(*lanes), known->lane_bytes};
}

/// Addresses of the bridges above a function, the nearest first. Its entry on the bus is a link to
/// "../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0".
static std::vector<std::string> above(const Host &host, const std::string &address) {
    const auto target = host.read_link(os::pci_folder + address);
    std::vector<std::string> found;
    if (!target)
        return found;
    for (const std::string_view part : base::split(*target, '/'))
        if (part.size() >= 12 && part.find(':') != part.rfind(':') && part != address)
            found.emplace_back(part);
    std::reverse(found.begin(), found.end());
    found.resize(std::min(found.size(), deepest));
    return found;
}

std::optional<PciLink> best_link(const Host &host, const std::string &address,
                                 PciBridges &bridges) {
    auto best = read(host, os::pci_folder + address, "max");
    if (!best)
        return std::nullopt;
    for (const std::string &name : above(host, address)) {
        const auto [bridge, fresh] = bridges.try_emplace(name);
        if (fresh)
            bridge->second = read(host, os::pci_folder + name, "max");
        const std::optional<PciLink> &link = bridge->second;
        if (link && link->bytes_per_second() < best->bytes_per_second())
            best = link;
    }
    return best;
}

std::optional<PciLink> current_link(const Host &host, const std::string &address) {
    return read(host, os::pci_folder + address, "current");
}

} // namespace hwa::detect
