// SPDX-License-Identifier: MIT
// Compute nodes and the cards they belong to. A card may be cut into partitions, each a node; the
// number of a partition is in the function's bits of its location or, by some kernels, in the four
// bits at the top (Linux drivers/gpu/drm/amd/amdkfd/kfd_topology.c).
#include "detect/amdgpu.h"

#include "base/text.h"
#include "data/gfx.h"
#include "data/visibility.h"
#include "detect/memory.h"
#include "detect/pci_access.h"
#include "detect/peak.h"

#include <algorithm>
#include <cinttypes>
#include <map>

namespace hwa::detect {

using base::Status;
using core::Device;
using core::Memory;
using core::Source;
using core::System;

namespace {

/// A node with its place on the card.
struct Part {
    const KfdNode *node;
    uint32_t partition;
};

/// The nodes of each card, by the id of its device.
using Parts = std::map<std::string, std::vector<Part>>;

} // namespace

static bool is_of(const Device &device, const char *backend) {
    return !device.backends.empty() && device.backends[0] == backend &&
           device.driver.source != Source::Unknown;
}

static Parts sort_out(const KfdTopology &topology, const char *backend, const System &system) {
    Parts parts;
    for (const KfdNode &node : topology.nodes) {
        std::string id = "pci-" + node.address;
        uint32_t partition = node.partition;
        if (system.find_device(id) == nullptr && id.back() != '0') {
            partition = static_cast<uint32_t>(id.back() - '0');
            id.back() = '0';
        }
        const Device *card = system.find_device(id);
        if (card != nullptr && is_of(*card, backend))
            parts[id].push_back({&node, partition});
    }
    return parts;
}

/// What HIP needs beyond the render node.
static void need_kfd(const os::Host &host, Device &device) {
    Device trial;
    try_node(host, "/dev/kfd", trial);
    if (trial.access == Status::Ok)
        return;
    device.put_attr(core::attr_text("hip.access", trial.access_message, Source::Kernel));
    if (device.access != Status::Ok)
        return;
    device.flags &= ~static_cast<uint32_t>(core::DeviceUsable);
    device.access = trial.access;
    device.access_message = trial.access_message;
}

static void put_chip(const KfdNode &node, Device &device) {
    if (node.gfx == 0)
        return;
    device.put_attr(core::attr_text("amd.gfx", data::gfx_name(node.gfx), Source::Kernel));
    if (const data::Gfx *chip = data::find_gfx(node.gfx))
        device.architecture.offer(chip->architecture, Source::Kernel);
}

static void put_int(Device &device, const char *key, int64_t value) {
    device.put_attr(core::attr_int(key, value, Source::Kernel));
}

static void put_ordinal(const KfdNode &node, Device &device) {
    if (node.ordinal >= 0)
        put_int(device, "hip.ordinal", node.ordinal);
}

/// What its first node tells of a card.
static void put_node(const KfdNode &node, const KfdBank &bank, Device &device) {
    put_chip(node, device);
    if (node.units != 0)
        device.compute_units = {node.units, Source::Kernel};
    if (node.clock_mhz != 0)
        device.clock_hz = {uint64_t{node.clock_mhz} * 1000000, Source::Kernel};
    if (node.xccs > 1)
        put_int(device, "amd.xcc_count", node.xccs);
    if (node.hive != 0)
        device.put_attr(
            core::attr_text("amd.hive", base::format("%016" PRIx64, node.hive), Source::Kernel));
    if (node.unique_id != 0)
        device.put_attr(core::attr_text("hip.uuid", base::format("GPU-%016" PRIx64, node.unique_id),
                                        Source::Kernel));
    if (!device.memories.empty() && device.memories[0].bus_bits == 0)
        device.memories[0].bus_bits = bank.bits;
    if (bank.clock_mhz != 0 && device.find_attr("amd.memory_clock_hz") == nullptr)
        put_int(device, "amd.memory_clock_hz", int64_t{bank.clock_mhz} * 1000000);
}

/// The fewest parts there are in a mode. CPX has one for each die that computes.
static constexpr struct {
    const char *name;
    uint32_t least;
} modes[] = {{"CPX", 2}, {"DPX", 2}, {"QPX", 4}, {"TPX", 3}};

/// Into how many a card is cut: by its mode, by the parts that this process sees, and by their
/// memory beside the card's, for some may be hidden.
static uint32_t count_parts(const Device &card, const std::vector<Part> &parts, uint64_t own) {
    auto count = static_cast<uint32_t>(parts.size());
    for (const Part &part : parts)
        count = std::max(count, part.partition + 1);
    const core::Attr *mode = card.find_attr("amd.compute_partition");
    for (const auto &[name, least] : modes)
        if (mode != nullptr && mode->s == name)
            count = std::max(count, least);
    constexpr uint64_t most = 64;
    const uint64_t shares = own != 0 ? (card.memory_bytes() + own / 2) / own : 0;
    return count > 1 && shares <= most ? std::max(count, static_cast<uint32_t>(shares)) : count;
}

/// Its share of the card's memory: the bandwidth too, of which the kernel tells the whole for each.
static void share_memory(const Device &card, uint64_t own, uint32_t count, Device &device) {
    Memory memory;
    if (!card.memories.empty())
        memory = card.memories[0];
    if (own != 0)
        memory.size_bytes = {own, Source::Kernel};
    else
        memory.size_bytes = {memory.size_bytes.value / count, Source::Derived};
    if (memory.size_bytes.value == 0)
        return;
    memory.usable_bytes = memory.usable_bytes == 0
                              ? memory.size_bytes.value
                              : std::min(memory.usable_bytes / count, memory.size_bytes.value);
    memory.bytes_per_second.value /= count;
    memory.bus_bits /= count;
    device.memories = {std::move(memory)};
}

static Device make_part(const os::Host &host, const Part &part, const Device &card,
                        uint32_t count) {
    Device device;
    device.id = base::format("%s-xcp%u", card.id.c_str(), part.partition);
    device.parent = card.id;
    device.kind = card.kind;
    device.flags = core::DevicePartition | (card.flags & core::DeviceIntegrated);
    device.name = card.name;
    device.vendor = card.vendor;
    device.driver = card.driver;
    device.numa_node = card.numa_node;
    device.pci_vendor = card.pci_vendor;
    device.pci_device = card.pci_device;
    device.backends = card.backends;
    put_chip(*part.node, device);
    if (part.node->units != 0)
        device.compute_units = {part.node->units, Source::Kernel};
    if (part.node->clock_mhz != 0)
        device.clock_hz = {uint64_t{part.node->clock_mhz} * 1000000, Source::Kernel};
    put_int(device, "amd.partition", part.partition);
    put_ordinal(*part.node, device);
    try_node(host, base::format("/dev/dri/renderD%u", part.node->render_minor), device);
    need_kfd(host, device);
    share_memory(card, kfd_bank(host, *part.node).bytes, count, device);
    if (const data::Gfx *chip = data::find_gfx(part.node->gfx))
        put_peaks(chip->rates, device);
    return device;
}

/// The card as a whole, then each of its partitions.
static void cut(const os::Host &host, const std::vector<Part> &parts, uint64_t host_bytes,
                Device &card, std::vector<Device> &made) {
    const KfdBank bank = kfd_bank(host, *parts[0].node);
    put_node(*parts[0].node, bank, card);
    const uint32_t count = count_parts(card, parts, bank.bytes);
    if (count == 1 && card.memories.empty() && bank.bytes != 0) {
        Memory memory;
        memory.size_bytes = {bank.bytes, Source::Kernel};
        memory.usable_bytes = bank.bytes;
        memory.bus_bits = bank.bits;
        card.memories.push_back(std::move(memory));
    }
    if (count > 1) {
        uint32_t units = 0, dies = 0;
        for (const Part &part : parts) {
            units += part.node->units;
            dies += part.node->xccs;
        }
        card.compute_units = units != 0 && parts.size() == count
                                 ? core::Fact<uint32_t>{units, Source::Kernel}
                                 : core::Fact<uint32_t>{};
        if (dies > 1 && parts.size() == count)
            put_int(card, "amd.xcc_count", dies);
    }
    find_clocks(host, card);
    settle_memory(parts[0].node->gfx, host_bytes, card);
    if (count == 1)
        put_ordinal(*parts[0].node, card);
    else
        for (const Part &part : parts)
            made.push_back(make_part(host, part, card, count));
    need_kfd(host, card);
}

/// Cards whose node is hidden from this process, though their files are not.
static void note_hidden(const KfdTopology &topology, const Parts &parts, const char *backend,
                        System &system) {
    size_t without = 0;
    const auto lacks = [&](const Device &device) {
        return is_of(device, backend) && device.access == Status::Ok &&
               device.driver.value != "radeon" && !parts.contains(device.id);
    };
    for (const Device &device : system.devices)
        without += lacks(device) ? 1 : 0;
    if (without == 0 || without > topology.denied)
        return;
    for (Device &device : system.devices)
        if (lacks(device)) {
            device.flags &= ~static_cast<uint32_t>(core::DeviceUsable);
            device.access = Status::Denied;
            device.access_message = "the control group of this process is not granted it; a "
                                    "container must be given /dev/kfd and its render node";
        }
}

/// The fastest link of each pair of cards.
static void join_cards(const os::Host &host, const Parts &parts, System &system) {
    std::map<uint32_t, std::string> cards;
    for (const auto &[id, list] : parts)
        for (const Part &part : list)
            cards[part.node->number] = id;
    std::map<std::pair<std::string, std::string>, KfdLink> links;
    for (const auto &[id, list] : parts)
        for (const KfdLink &link : kfd_links(host, *list[0].node)) {
            const auto other = cards.find(link.to);
            if (other == cards.end() || other->second == id)
                continue;
            const auto [at, added] = links.try_emplace(std::minmax(id, other->second), link);
            if (!added && (link.xgmi || !at->second.xgmi) &&
                link.bytes_per_second > at->second.bytes_per_second)
                at->second = link;
        }
    for (const auto &[pair, link] : links) {
        core::Link made;
        made.kind = link.xgmi ? core::LinkKind::Fabric : core::LinkKind::Pcie;
        made.a = pair.first;
        made.b = pair.second;
        made.bytes_per_second = link.bytes_per_second;
        made.flags = core::LinkPeerAccess;
        made.name = link.xgmi ? "xgmi" : "";
        made.source = Source::Kernel;
        system.links.push_back(std::move(made));
    }
}

/// The variables that filter and renumber what HIP shows; nothing here goes by them.
static void note_environment(const os::Host &host, const char *backend, System &system) {
    const std::string set = data::visibility_text(
        "hip", [&](const char *variable) { return host.environment(variable); });
    if (set.empty())
        return;
    for (Device &device : system.devices)
        if (is_of(device, backend) && device.find_attr("hip.ordinal") != nullptr)
            device.put_attr(core::attr_text("hip.environment", set, Source::Measured));
}

void join_nodes(const Machine &machine, const char *backend, System &system) {
    const auto ours = [&](const Device &device) { return is_of(device, backend); };
    if (std::none_of(system.devices.begin(), system.devices.end(), ours))
        return;
    const KfdTopology topology = read_kfd(machine.host);
    const Parts parts = sort_out(topology, backend, system);
    const uint64_t host_bytes = usable_memory(system);
    std::vector<Device> made;
    for (Device &device : system.devices) {
        const auto at = parts.find(device.id);
        if (at != parts.end()) {
            cut(machine.host, at->second, host_bytes, device, made);
        } else if (ours(device) && device.driver.value != "vfio-pci") {
            find_clocks(machine.host, device);
            settle_memory(0, host_bytes, device);
        }
    }
    note_hidden(topology, parts, backend, system);
    join_cards(machine.host, parts, system);
    for (Device &device : made)
        system.devices.push_back(std::move(device));
    note_environment(machine.host, backend, system);
}

} // namespace hwa::detect
