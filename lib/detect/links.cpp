// SPDX-License-Identifier: MIT
// Links between devices: PCI Express by the most that device and slot can do, sockets by their
// being there. Rates are those of the PCI Express Base Specification, encoding taken off.
#include "detect/links.h"

#include "base/text.h"
#include "os/pci.h"

namespace hwa::detect {

using core::Device;
using core::Link;
using core::LinkKind;
using core::Source;
using os::Host;

namespace {

struct Generation {
    const char *speed; ///< as the kernel writes it, without " PCIe"
    uint32_t number;
    uint64_t lane_bytes; ///< a second, each way
};

} // namespace

static constexpr Generation generations[] = {
    {"2.5 GT/s", 1, 250000000},   {"5.0 GT/s", 2, 500000000},   {"8.0 GT/s", 3, 984615384},
    {"16.0 GT/s", 4, 1969230769}, {"32.0 GT/s", 5, 3938461538}, {"64.0 GT/s", 6, 7562500000},
};

static const Generation *find_generation(std::string_view speed) {
    for (const Generation &each : generations)
        if (speed.starts_with(each.speed))
            return &each;
    return nullptr;
}

/// The socket that a device hangs on: the one of its memory node, or the only one.
static const Device *socket_of(const core::System &system, const Device &device) {
    const Device *only = nullptr;
    size_t count = 0;
    for (const Device &socket : system.devices) {
        if (socket.kind != core::Kind::Cpu || (socket.flags & core::DeviceSoftware) != 0)
            continue;
        if (device.numa_node.value >= 0 && socket.numa_node.value == device.numa_node.value)
            return &socket;
        only = &socket;
        ++count;
    }
    return count == 1 ? only : nullptr;
}

static void add_slot(const Host &host, const Device &device, core::System &system) {
    const Device *socket = socket_of(system, device);
    const core::Attr *power = device.find_attr("power.runtime_status");
    if (socket == nullptr || (power != nullptr && power->s == "suspended"))
        return; // asking a sleeping device for its link can wake it
    const std::string folder = os::pci_folder + device.id.substr(4);
    const auto speed = host.read_file(folder + "/max_link_speed");
    const Generation *generation = speed ? find_generation(*speed) : nullptr;
    const auto width = generation ? host.read_file(folder + "/max_link_width")
                                  : base::Result<std::string>(base::Error{});
    const auto lanes = width ? base::parse_u64(base::trim(*width)) : std::nullopt;
    constexpr uint64_t widest = 32;
    if (!lanes || *lanes == 0 || *lanes > widest)
        return;
    Link link;
    link.kind = LinkKind::Pcie;
    link.a = device.id;
    link.b = socket->id;
    link.bytes_per_second = generation->lane_bytes * *lanes;
    link.name = base::format("pcie%u x%u", generation->number, static_cast<unsigned>(*lanes));
    link.source = Source::Kernel;
    system.links.push_back(std::move(link));
}

void find_links(const Host &host, core::System &system) {
    std::vector<const Device *> sockets;
    for (const Device &device : system.devices) {
        if (device.id.starts_with("pci-") && (device.flags & core::DevicePartition) == 0)
            add_slot(host, device, system);
        if (device.kind == core::Kind::Cpu && device.id.starts_with("cpu-"))
            sockets.push_back(&device);
    }
    for (size_t a = 0; a < sockets.size(); ++a)
        for (size_t b = a + 1; b < sockets.size(); ++b) {
            Link link;
            link.kind = LinkKind::Socket;
            link.a = sockets[a]->id;
            link.b = sockets[b]->id;
            link.flags = core::LinkCoherent;
            link.source = Source::Kernel;
            system.links.push_back(std::move(link));
        }
}

} // namespace hwa::detect
