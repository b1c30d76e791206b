// SPDX-License-Identifier: MIT
// The memory of hosts behind that of their devices.
#include "plan/host_tier.h"

#include <algorithm>

namespace hwa::plan {

using core::Device;

namespace {

/// Of what a link and a processor's memory could do. That of memory is what lib/plan/time/roofline
/// holds of processors; that of links is not fitted.
constexpr double link_share = 0.8;
constexpr double memory_share = 0.7;

} // namespace

void Processors::add(const Device &processor) {
    const Device *&there = processors_[host_of(processor)];
    if (there == nullptr || processor.memory_bytes() > there->memory_bytes() ||
        (processor.memory_bytes() == there->memory_bytes() && processor.id < there->id))
        there = &processor;
}

const Device *Processors::of(const Device &device) const {
    const auto found = processors_.find(host_of(device));
    return found != processors_.end() ? found->second : nullptr;
}

HostTier Processors::tier(const Links &links, std::span<const Device *const> devices) const {
    std::unordered_map<const Device *, double> sharers;
    for (const Device *device : devices)
        sharers[of(*device)] += 1;
    HostTier slowest;
    for (const Device *device : devices) {
        const Device *processor = of(*device);
        if (processor == nullptr)
            return {};
        const double link =
            static_cast<double>(links.between(*device, *processor).bytes_per_second);
        const double memory =
            static_cast<double>(processor->bytes_per_second()) * memory_share / sharers[processor];
        if (link <= 0 || memory <= 0)
            return {};
        const double copy = std::min(link * link_share, memory);
        const bool first = slowest.copy_rate <= 0;
        slowest.copy_rate = first ? copy : std::min(copy, slowest.copy_rate);
        slowest.update_rate = first ? memory : std::min(memory, slowest.update_rate);
    }
    return slowest;
}

Processors processors_of(const core::System &system) {
    Processors made;
    for (const Device &device : system.devices)
        if (device.kind == core::Kind::Cpu && (device.flags & core::DeviceSoftware) == 0)
            made.add(device);
    return made;
}

} // namespace hwa::plan
