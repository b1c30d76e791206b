// SPDX-License-Identifier: MIT
// Whether the memory of hosts holds what devices move there.
#include "plan/search/host_rooms.h"

#include "base/units.h"

#include <algorithm>

namespace hwa::plan {

using core::Device;

HostRooms::HostRooms(const Candidates &found) {
    for (const DeviceClass &some : found.classes)
        if (some.kind == core::Kind::Cpu)
            for (const Device *processor : some.devices) {
                processors_.add(*processor);
                rooms_.emplace(processor, some.room);
            }
}

uint64_t HostRooms::room_of(const Device &device) const {
    const Device *processor = processors_.of(device);
    return processor != nullptr ? rooms_.at(processor) : 0;
}

bool HostRooms::holds(const DeviceClass &where, uint64_t bytes_each) {
    const auto [at, added] = least_each_.emplace(&where, UINT64_MAX);
    if (added) {
        std::unordered_map<const Device *, uint64_t> sharers;
        for (const Device *device : where.devices)
            ++sharers[processors_.of(*device)];
        for (const auto &[processor, count] : sharers)
            at->second =
                std::min(at->second, processor != nullptr ? rooms_.at(processor) / count : 0);
    }
    return bytes_each <= at->second;
}

uint64_t HostRooms::lack(std::span<const Moved> moved) const {
    std::unordered_map<const Device *, uint64_t> sums;
    uint64_t most = 0;
    for (const Moved &one : moved) {
        uint64_t &sum = sums[processors_.of(*one.device)];
        sum = base::checked_add(sum, one.bytes).value_or(UINT64_MAX);
        const uint64_t room = room_of(*one.device);
        if (sum > room)
            most = std::max(most, sum - room);
    }
    return most;
}

} // namespace hwa::plan
