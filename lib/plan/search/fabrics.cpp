// SPDX-License-Identifier: MIT
// What lies between the devices that layouts take, and behind them.
#include "plan/search/fabrics.h"

#include <algorithm>

namespace hwa::plan {

using core::Device;

Fabrics::Fabrics(const core::System &system, const Links &links, const Processors &processors,
                 const DeviceClass &where)
    : links_(links), processors_(processors), where_(where) {
    const std::string &first = where.devices[0]->id;
    for (const core::Link &link : system.links)
        if (link.a == first || link.b == first)
            near_.links.push_back(link);
}

namespace {

constexpr uint64_t near = 4096;

} // namespace

Fabrics::Around &Fabrics::around(const Layout &layout) {
    return made_[{layout.tensor, std::min(near, layout.devices())}];
}

const Fabric *Fabrics::of(const Layout &layout) {
    std::unique_ptr<Fabric> &made = around(layout).fabric;
    if (made == nullptr)
        made = std::make_unique<Fabric>(fabric_of(near_, devices(layout)));
    return made.get();
}

const HostTier *Fabrics::tier(const Layout &layout) {
    std::unique_ptr<HostTier> &made = around(layout).tier;
    if (made == nullptr)
        made = std::make_unique<HostTier>(processors_.tier(links_, devices(layout)));
    return made.get();
}

std::vector<const Device *> Fabrics::devices(const Layout &layout) const {
    const uint64_t count = std::min(near, layout.devices());
    const uint32_t tensor = layout.tensor;
    std::vector<const Device *> made;
    for (size_t i = 0; i + 1 < where_.domains.size() && made.size() < count; ++i)
        for (uint32_t at = where_.domains[i];
             at + tensor <= where_.domains[i + 1] && made.size() < count; at += tensor)
            for (uint32_t part = 0; part < tensor; ++part)
                made.push_back(where_.devices[at + part]);
    return made;
}

} // namespace hwa::plan
