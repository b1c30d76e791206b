// SPDX-License-Identifier: MIT
// Domains of devices.
#include "plan/search/domains.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>

namespace hwa::plan {

using core::Device;
using core::LinkKind;

namespace {

/// Sets of devices that grow together.
class Sets {
  public:
    explicit Sets(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0U); }

    uint32_t find(uint32_t one) {
        while (parent_[one] != one)
            one = parent_[one] = parent_[parent_[one]];
        return one;
    }
    void join(uint32_t one, uint32_t other) {
        const auto [low, high] = std::minmax({find(one), find(other)});
        parent_[high] = low;
    }

  private:
    std::vector<uint32_t> parent_;
};

/// A fabric may reach beyond a host; PCIe and a socket's links do not.
bool joins(LinkKind kind, const Device &one, const Device &other) {
    if (kind == LinkKind::Fabric || kind == LinkKind::Onchip)
        return true;
    return kind == LinkKind::Pcie && host_of(one) == host_of(other);
}

/// The number of each device's domain, which is that of its first device.
std::vector<uint32_t> domains_of(const Links &links, const DeviceClass &one) {
    constexpr uint32_t stranger = UINT32_MAX;
    Sets sets(one.devices.size());
    if (!links.wires().empty() && one.devices.size() > 1) {
        uint32_t last = 0;
        for (const Device *device : one.devices)
            last = std::max(last, links.index_of(*device));
        std::vector<uint32_t> place(size_t{last} + 1, stranger);
        for (uint32_t i = 0; i < one.devices.size(); ++i)
            place[links.index_of(*one.devices[i])] = i;
        for (const Links::Wire &wire : links.wires()) {
            if (wire.b > last || place[wire.a] == stranger || place[wire.b] == stranger)
                continue;
            const uint32_t a = place[wire.a], b = place[wire.b];
            if (joins(wire.way.kind, *one.devices[a], *one.devices[b]))
                sets.join(a, b);
        }
    }
    std::vector<uint32_t> made(one.devices.size());
    for (uint32_t i = 0; i < made.size(); ++i)
        made[i] = sets.find(i);
    return made;
}

} // namespace

void set_domains(const Links &links, DeviceClass &one) {
    if (one.devices.size() == 1) {
        one.domains = {0, 1};
        return;
    }
    const std::vector<uint32_t> domain = domains_of(links, one);
    std::vector<uint32_t> size(domain.size()), order(domain.size());
    for (const uint32_t number : domain)
        ++size[number];
    std::iota(order.begin(), order.end(), 0U);
    // Pipelines run through hosts one after the other, whatever their domains.
    std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
        return std::tuple(size[domain[b]], domain[a]) < std::tuple(size[domain[a]], domain[b]);
    });
    std::vector<const Device *> sorted;
    sorted.reserve(order.size());
    for (const uint32_t index : order) {
        if (sorted.empty() || domain[index] != domain[order[sorted.size() - 1]])
            one.domains.push_back(static_cast<uint32_t>(sorted.size()));
        sorted.push_back(one.devices[index]);
    }
    one.domains.push_back(static_cast<uint32_t>(sorted.size()));
    one.devices = std::move(sorted);
}

uint64_t DeviceClass::groups(uint32_t devices_each) const {
    uint64_t made = 0;
    for (size_t i = 0; i + 1 < domains.size(); ++i)
        made += (domains[i + 1] - domains[i]) / devices_each;
    return made;
}

std::vector<uint32_t> DeviceClass::group_starts(uint32_t devices_each) const {
    std::vector<uint32_t> made;
    for (size_t i = 0; i + 1 < domains.size(); ++i)
        for (uint32_t at = domains[i]; at + devices_each <= domains[i + 1]; at += devices_each)
            made.push_back(at);
    if (!rooms.empty())
        std::stable_sort(made.begin(), made.end(), [&](uint32_t a, uint32_t b) {
            return group_room(a, devices_each) > group_room(b, devices_each);
        });
    return made;
}

uint32_t DeviceClass::pools() const {
    if (!host_memory)
        return static_cast<uint32_t>(devices.size());
    std::vector<std::string_view> hosts;
    for (const Device *device : devices)
        hosts.push_back(host_of(*device));
    std::sort(hosts.begin(), hosts.end());
    return static_cast<uint32_t>(std::unique(hosts.begin(), hosts.end()) - hosts.begin());
}

} // namespace hwa::plan
