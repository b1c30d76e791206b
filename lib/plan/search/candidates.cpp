// SPDX-License-Identifier: MIT
// Which devices a plan may use.
#include "plan/search/candidates.h"

#include "plan/likeness.h"
#include "plan/search/domains.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

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

/// Devices that were cut into partitions have no memory of their own left.
std::unordered_set<std::string_view> wholes_of(const System &system) {
    std::unordered_set<std::string_view> made;
    for (const Device &device : system.devices)
        if ((device.flags & core::DevicePartition) != 0)
            made.insert(device.parent);
    return made;
}

bool allowed_by_default(const System &system, const Device &device) {
    if ((device.flags & core::DeviceSoftware) != 0 || !runs_networks(device.kind))
        return false;
    return (system.flags & core::SystemLive) == 0 || (device.flags & core::DeviceUsable) != 0;
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
    if (made.empty()) {
        const auto wholes = wholes_of(system);
        for (const Device &device : system.devices)
            if (allowed_by_default(system, device) &&
                (wholes.empty() || !wholes.contains(device.id)))
                made.push_back(&device);
    }
    std::sort(made.begin(), made.end(),
              [](const Device *a, const Device *b) { return a->id < b->id; });
    made.erase(std::unique(made.begin(), made.end()), made.end());
    return made;
}

bool roomier(const DeviceClass &a, const DeviceClass &b) {
    const auto rank = [](const DeviceClass &one) {
        return std::tuple(one.kind == Kind::Cpu, ~one.room, -one.rates.bytes_per_second,
                          std::string_view(one.devices[0]->id));
    };
    return rank(a) < rank(b);
}

/// Systems have few classes, and equal devices stand together: the last one is asked first.
DeviceClass &class_of(const Device &device, uint64_t room, std::vector<DeviceClass> &classes) {
    for (size_t i = classes.size(); i-- > 0;)
        if (classes[i].room == room && alike(*classes[i].devices[0], device))
            return classes[i];
    DeviceClass &made = classes.emplace_back();
    made.kind = device.kind;
    made.room = room;
    made.rates = rates_of(device);
    made.host_memory = in_host_memory(device);
    return made;
}

bool are_kin(const DeviceClass &a, const DeviceClass &b) {
    return a.host_memory == b.host_memory && as_fast(*a.devices[0], *b.devices[0]);
}

/// Classes come roomier ones first, and so do their devices in each that they make together.
std::vector<DeviceClass> merge(const Links &links, const std::vector<DeviceClass> &classes) {
    std::vector<DeviceClass> made;
    const auto apart = [&](const DeviceClass &one) {
        return std::none_of(&one + 1, classes.data() + classes.size(),
                            [&](const auto &other) { return are_kin(one, other); });
    };
    if (std::all_of(classes.begin(), classes.end(), apart))
        return made;
    std::unordered_map<const Device *, uint64_t> rooms;
    for (const DeviceClass &one : classes) {
        const auto kin = std::find_if(made.begin(), made.end(),
                                      [&](const auto &other) { return are_kin(one, other); });
        if (kin == made.end())
            made.push_back(one);
        else
            kin->devices.insert(kin->devices.end(), one.devices.begin(), one.devices.end());
        for (const Device *device : one.devices)
            rooms[device] = one.room;
    }
    for (DeviceClass &one : made) {
        one.domains.clear();
        set_domains(links, one);
        for (const Device *device : one.devices)
            one.rooms.push_back(rooms[device]);
    }
    return made;
}

} // namespace

Candidates find_candidates(const System &system, const Links &links, const Options &options,
                           double headroom) {
    Candidates found;
    for (const Device *device : allowed(system, options)) {
        const uint64_t usable = usable_bytes(*device);
        if (usable == 0) {
            found.blind.push_back(device);
            continue;
        }
        const double bytes = static_cast<double>(usable) * (1 - headroom);
        class_of(*device, static_cast<uint64_t>(bytes), found.classes).devices.push_back(device);
    }
    std::sort(found.classes.begin(), found.classes.end(), roomier);
    for (DeviceClass &one : found.classes)
        set_domains(links, one);
    if (found.classes.size() > 1)
        found.merged = merge(links, found.classes);
    return found;
}

} // namespace hwa::plan
