// SPDX-License-Identifier: MIT
// Many machines as one, to plan over.
#include "core/system_join.h"

#include <algorithm>
#include <unordered_set>

namespace hwa::core {

using base::Status;

/// What the ports that are up carry together: those of the network made for clusters, where there
/// are any, else the Ethernet ones.
static uint64_t network_rate(const System &system) {
    uint64_t cluster = 0, ethernet = 0;
    for (size_t index = 0;; ++index) {
        const std::string key = "network." + std::to_string(index) + ".";
        const Attr *kind = find_attr(system.attrs, key + "kind");
        if (kind == nullptr)
            return cluster > 0 ? cluster : ethernet;
        const Attr *rate = find_attr(system.attrs, key + "bytes_per_second");
        const Attr *state = find_attr(system.attrs, key + "state");
        if (rate == nullptr || rate->i <= 0 || state == nullptr || state->s != "up")
            continue;
        // Ports are few and their rates bounded where they are read.
        uint64_t &sum = kind->s == "ethernet" ? ethernet : cluster;
        if (__builtin_add_overflow(sum, static_cast<uint64_t>(rate->i), &sum))
            sum = 0;
    }
}

/// Names of hosts, each given once. A host without one, or with one that is taken, gets its number.
class Names {
  public:
    std::string take(const System &system, size_t index) {
        const Attr *said = find_attr(system.attrs, "host.name");
        std::string name = said != nullptr ? said->s : "";
        if (name.empty() || taken_.contains(name))
            name = (name.empty() ? "node" : name) + "-" + std::to_string(index);
        while (!taken_.insert(name).second)
            name += "-" + std::to_string(index);
        return name;
    }

  private:
    std::unordered_set<std::string> taken_;
};

static void add_devices(const System &from, const std::string &host, System &to) {
    const uint64_t rate = network_rate(from);
    for (const Device &device : from.devices) {
        Device &made = to.devices.emplace_back(device);
        made.id = host + "/" + device.id;
        if (!device.parent.empty())
            made.parent = host + "/" + device.parent;
        // A machine that is a join itself has named its hosts already.
        const Attr *inner = device.find_attr("host.name");
        const std::string name = inner != nullptr ? host + "/" + inner->s : host;
        std::erase_if(made.attrs, [](const Attr &attr) { return attr.key == "host.name"; });
        made.put_attr(attr_text("host.name", name, Source::Derived));
        if (rate > 0)
            made.put_attr(attr_int("host.network_bytes_per_second",
                                   static_cast<int64_t>(std::min<uint64_t>(rate, INT64_MAX)),
                                   Source::Kernel));
    }
}

base::Result<System> join(std::span<const System *const> systems) {
    System made;
    size_t devices = 0, links = 0;
    for (const System *system : systems) {
        devices += system->devices.size();
        links += system->links.size();
    }
    if (devices > joined_device_limit)
        return base::error(Status::Invalid, "systems: %zu devices together, at most %zu are taken",
                           devices, joined_device_limit);
    made.devices.reserve(devices);
    made.links.reserve(links);
    Names names;
    bool priced = !systems.empty();
    for (size_t i = 0; i < systems.size(); ++i) {
        const System &from = *systems[i];
        const std::string host = names.take(from, i);
        add_devices(from, host, made);
        for (const Link &link : from.links) {
            Link &copy = made.links.emplace_back(link);
            copy.a = host + "/" + link.a;
            copy.b = host + "/" + link.b;
        }
        if (made.platform.empty())
            made.platform = from.platform;
        made.flags |= from.flags & (SystemContained | SystemVirtual);
        made.numa_count += from.numa_count;
        if (__builtin_add_overflow(made.memory_bytes, from.memory_bytes, &made.memory_bytes))
            return base::error(Status::Invalid, "systems: their memories go beyond 64 bits");
        priced = priced && from.usd_per_hour > 0;
        made.usd_per_hour += from.usd_per_hour;
    }
    // A price of some is the price of none.
    if (!priced)
        made.usd_per_hour = 0;
    made.put_attr(attr_int("host.count", static_cast<int64_t>(systems.size()), Source::Derived));
    order(made);
    return made;
}

} // namespace hwa::core
