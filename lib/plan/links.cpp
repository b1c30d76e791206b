// SPDX-License-Identifier: MIT
// Links: how two devices reach each other.
#include "plan/links.h"

#include <algorithm>
#include <tuple>
#include <unordered_map>

namespace hwa::plan {

using core::Device;

static auto ends_of(const Links::Wire &wire) {
    return std::tie(wire.a, wire.b);
}

Links::Links(const core::System &system) : system_(&system) {
    if (system.links.empty())
        return;
    std::unordered_map<std::string_view, uint32_t> index;
    index.reserve(system.devices.size());
    for (uint32_t i = 0; i < system.devices.size(); ++i)
        index.emplace(system.devices[i].id, i);
    wires_.reserve(system.links.size());
    for (const core::Link &link : system.links) {
        const auto one = index.find(link.a), other = index.find(link.b);
        if (one == index.end() || other == index.end())
            continue;
        const auto [a, b] = std::minmax(one->second, other->second);
        wires_.push_back({a, b, {link.kind, link.bytes_per_second, link.latency_ns}});
    }
    std::sort(wires_.begin(), wires_.end(), [](const Wire &x, const Wire &y) {
        return std::tie(x.a, x.b, y.way.bytes_per_second, x.way.latency_ns, x.way.kind) <
               std::tie(y.a, y.b, x.way.bytes_per_second, y.way.latency_ns, y.way.kind);
    });
    const auto same = [](const Wire &x, const Wire &y) { return ends_of(x) == ends_of(y); };
    wires_.erase(std::unique(wires_.begin(), wires_.end(), same), wires_.end());
    fastest_.resize(system.devices.size());
    for (const Wire &wire : wires_)
        for (const uint32_t end : {wire.a, wire.b})
            fastest_[end] = std::max(fastest_[end], wire.way.bytes_per_second);
}

std::string_view host_of(const Device &device) {
    const core::Attr *host = device.find_attr("host.name");
    return host != nullptr ? std::string_view(host->s) : std::string_view();
}

static uint64_t network_rate(const Device &device) {
    const core::Attr *rate = device.find_attr("host.network_bytes_per_second");
    return rate != nullptr && rate->i > 0 ? static_cast<uint64_t>(rate->i) : 0;
}

Way Links::between(const Device &one, const Device &other) const {
    const auto ends = std::minmax({index_of(one), index_of(other)});
    const auto at = std::lower_bound(
        wires_.begin(), wires_.end(), ends, [](const Wire &wire, const auto &wanted) {
            return ends_of(wire) < std::tie(wanted.first, wanted.second);
        });
    if (at != wires_.end() && at->a == ends.first && at->b == ends.second)
        return at->way;
    if (host_of(one) == host_of(other))
        return {};
    return {core::LinkKind::Network, std::min(network_rate(one), network_rate(other)), 0};
}

} // namespace hwa::plan
