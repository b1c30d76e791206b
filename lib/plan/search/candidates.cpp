// SPDX-License-Identifier: MIT
// Which devices a plan may use, and together with which.
#include "plan/search/candidates.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace hwa::plan {

using core::Device;
using core::Kind;
using core::System;

namespace {

/// True for devices that run whole networks; the others only when they are named.
bool runs_networks(Kind kind) {
    return kind == Kind::Cpu || kind == Kind::Gpu || kind == Kind::Npu || kind == Kind::Tpu ||
           kind == Kind::Asic;
}

bool allowed_by_default(const System &system, const Device &device) {
    if ((device.flags & core::DeviceSoftware) != 0 || !runs_networks(device.kind))
        return false;
    if ((system.flags & core::SystemLive) != 0 && (device.flags & core::DeviceUsable) == 0)
        return false;
    // A device that was cut into partitions has no memory of its own left.
    return std::none_of(system.devices.begin(), system.devices.end(), [&](const Device &part) {
        return (part.flags & core::DevicePartition) != 0 && part.parent == device.id;
    });
}

uint64_t usable_bytes(const Device &device) {
    if (device.memories.empty())
        return 0;
    const core::Memory &main = device.memories[0];
    return main.usable_bytes != 0 ? main.usable_bytes : main.size_bytes.value;
}

bool in_host_memory(const Device &device) {
    if (device.kind == Kind::Cpu || (device.flags & core::DeviceIntegrated) != 0)
        return true;
    const auto role = device.memories.empty() ? core::MemoryRole::Unknown : device.memories[0].role;
    return role == core::MemoryRole::Shared || role == core::MemoryRole::Unified;
}

std::vector<const Device *> allowed(const System &system, const Options &options) {
    std::vector<const Device *> made = options.devices;
    if (made.empty())
        for (const Device &device : system.devices)
            if (allowed_by_default(system, device))
                made.push_back(&device);
    std::sort(made.begin(), made.end(),
              [](const Device *a, const Device *b) { return a->id < b->id; });
    made.erase(std::unique(made.begin(), made.end()), made.end());
    return made;
}

bool roomier(const Candidate &a, const Candidate &b) {
    const bool a_cpu = a.device->kind == Kind::Cpu, b_cpu = b.device->kind == Kind::Cpu;
    if (a_cpu != b_cpu)
        return b_cpu;
    if (a.room.bytes != b.room.bytes)
        return a.room.bytes > b.room.bytes;
    if (a.rates.bytes_per_second != b.rates.bytes_per_second)
        return a.rates.bytes_per_second > b.rates.bytes_per_second;
    return a.device->id < b.device->id;
}

/// All beginnings of `order`, at most `limit` long, without a second device in host memory.
void add_beginnings(const Candidates &found, const DeviceSet &order, size_t limit,
                    std::vector<DeviceSet> &sets) {
    DeviceSet set;
    bool host = false;
    for (const uint32_t index : order) {
        if (set.size() == limit)
            return;
        if (found.all[index].host_memory && host)
            continue;
        host = host || found.all[index].host_memory;
        set.push_back(index);
        if (std::find(sets.begin(), sets.end(), set) == sets.end())
            sets.push_back(set);
    }
}

/// Each alone, the roomiest together, the fastest together. Identical devices make the last two
/// the same, and every other set of them is as good as one of these.
void add_accelerated(Candidates &found, const DeviceSet &order, size_t limit) {
    for (const uint32_t index : order)
        found.accelerated.push_back({index});
    add_beginnings(found, order, limit, found.accelerated);
    DeviceSet by_speed = order;
    std::stable_sort(by_speed.begin(), by_speed.end(), [&](uint32_t a, uint32_t b) {
        return found.all[a].rates.bytes_per_second > found.all[b].rates.bytes_per_second;
    });
    add_beginnings(found, by_speed, limit, found.accelerated);
}

/// A processor alone, and behind accelerators to hold the layers that they cannot.
void add_with_processor(Candidates &found, uint32_t processor, size_t limit) {
    found.with_processor.push_back({processor});
    for (const DeviceSet &set : found.accelerated) {
        const bool host = std::any_of(set.begin(), set.end(),
                                      [&](uint32_t index) { return found.all[index].host_memory; });
        if (host || set.size() + 1 > limit)
            continue;
        found.with_processor.push_back(set);
        found.with_processor.back().push_back(processor);
    }
}

/// Looked up for each hop of each set, so that a search through all links would multiply with them.
void add_wires(const System &system, Candidates &found) {
    std::map<std::string_view, uint32_t> index;
    if (!system.links.empty())
        for (uint32_t i = 0; i < found.all.size(); ++i)
            index.emplace(found.all[i].device->id, i);
    for (const core::Link &link : system.links) {
        const auto one = index.find(link.a), other = index.find(link.b);
        if (link.bytes_per_second == 0 || one == index.end() || other == index.end())
            continue;
        const auto [a, b] = std::minmax(one->second, other->second);
        found.wires.push_back({a, b, link.bytes_per_second, link.latency_ns});
    }
    std::sort(found.wires.begin(), found.wires.end(), [](const Wire &x, const Wire &y) {
        return std::tie(x.a, x.b, y.bytes_per_second, x.latency_ns) <
               std::tie(y.a, y.b, x.bytes_per_second, y.latency_ns);
    });
    const auto same = [](const Wire &x, const Wire &y) { return x.a == y.a && x.b == y.b; };
    found.wires.erase(std::unique(found.wires.begin(), found.wires.end(), same), found.wires.end());
}

} // namespace

const Wire *Candidates::find_wire(uint32_t one, uint32_t other) const {
    const auto ends = std::minmax(one, other);
    const auto at = std::lower_bound(
        wires.begin(), wires.end(), ends, [](const Wire &wire, const auto &wanted) {
            return std::tie(wire.a, wire.b) < std::tie(wanted.first, wanted.second);
        });
    const bool found = at != wires.end() && at->a == ends.first && at->b == ends.second;
    return found ? &*at : nullptr;
}

Candidates find_candidates(const System &system, const Options &options, double headroom) {
    Candidates found;
    for (const Device *device : allowed(system, options)) {
        const uint64_t usable = usable_bytes(*device);
        if (usable == 0) {
            found.blind.push_back(device);
            continue;
        }
        const double bytes = static_cast<double>(usable) * (1 - headroom);
        found.all.push_back({device,
                             {device->kind, static_cast<uint64_t>(bytes)},
                             rates_of(*device),
                             in_host_memory(*device)});
    }
    std::sort(found.all.begin(), found.all.end(), roomier);
    const size_t limit = options.max_devices != 0 ? options.max_devices : found.all.size();
    DeviceSet accelerators, processors;
    for (uint32_t i = 0; i < found.all.size(); ++i)
        (found.all[i].device->kind == Kind::Cpu ? processors : accelerators).push_back(i);
    add_accelerated(found, accelerators, limit);
    for (const uint32_t processor : processors)
        add_with_processor(found, processor, limit);
    add_wires(system, found);
    return found;
}

} // namespace hwa::plan
