// SPDX-License-Identifier: MIT
// Links between devices: PCI Express by the most that device and slot can do, sockets by their
// being there.
#include "detect/links.h"

#include "detect/nvml.h"
#include "detect/pci_link.h"

namespace hwa::detect {

using core::Device;
using core::Link;
using core::LinkKind;
using core::Source;
using os::Host;

const Device *socket_of(const core::System &system, const Device &device) {
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

static void add_slot(const Host &host, PciBridges &bridges, Device &device, core::System &system) {
    const Device *socket = socket_of(system, device);
    const core::Attr *power = device.find_attr("power.runtime_status");
    if (socket == nullptr || (power != nullptr && power->s == "suspended"))
        return; // asking a sleeping device for its link can wake it
    const std::string address = device.id.substr(4);
    const auto best = best_link(host, address, bridges);
    if (!best)
        return;
    Link link;
    link.kind = LinkKind::Pcie;
    link.a = device.id;
    link.b = socket->id;
    link.bytes_per_second = best->bytes_per_second();
    link.name = best->name();
    link.source = Source::Kernel;
    system.links.push_back(std::move(link));
    if (const auto now = current_link(host, address))
        device.put_attr(core::attr_text("pci.link_now", now->name(), Source::Kernel));
    device.put_attr(core::attr_text("pci.link_best", best->name(), Source::Kernel));
}

void find_links(const Host &host, core::System &system) {
    std::vector<const Device *> sockets;
    PciBridges bridges;
    for (Device &device : system.devices) {
        if (device.id.starts_with("pci-") && (device.flags & core::DevicePartition) == 0)
            add_slot(host, bridges, device, system);
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
    find_nvlinks(system);
}

} // namespace hwa::detect
