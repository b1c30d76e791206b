// SPDX-License-Identifier: MIT
// Finding the same device among those known, and settling what several witnesses say of it.
#include "detect/merge.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Memory;
using core::MemoryRole;
using core::Source;
using core::System;

/// Place in a list of devices, or none. Indexes, because pointers would not outlive an addition.
static constexpr size_t none = SIZE_MAX;

static bool has_address(const Device &device) {
    return device.id.starts_with("pci-");
}

static bool conflicting_address(const Device &a, const Device &b) {
    return has_address(a) && has_address(b) && a.id != b.id;
}

static bool is_software(const Device &device) {
    return (device.flags & core::DeviceSoftware) != 0;
}

static bool attested(const Device &device, const std::string &backend) {
    return std::find(device.backends.begin(), device.backends.end(), backend) !=
           device.backends.end();
}

/// The only index for which `same` holds, or none.
template <class Same> static size_t only_one(const std::vector<Device> &devices, Same &&same) {
    size_t found = none;
    for (size_t i = 0; i < devices.size(); ++i) {
        if (!same(devices[i]))
            continue;
        if (found != none)
            return none;
        found = i;
    }
    return found;
}

static bool same_uuid(const Device &a, const Device &b) {
    return !a.uuid.empty() && a.uuid == b.uuid && !conflicting_address(a, b);
}

/// The path of what a backend tells as "226:128", which is how the kernel numbers and names the
/// render nodes (Linux Documentation/admin-guide/devices.txt); "" if it tells none.
static std::string render_node_of(const Device &device, const std::string &backend) {
    constexpr std::string_view major = "226:";
    const core::Attr *told = device.find_attr(backend + ".render_node");
    return told != nullptr && told->s.starts_with(major)
               ? "/dev/dri/renderD" + told->s.substr(major.size())
               : "";
}

/// Maker and model agree as far as they are known, and the names do where both are a driver's.
static bool alike(const Device &a, const Device &b) {
    if (is_software(a) || is_software(b) || a.kind == Kind::Cpu || b.kind == Kind::Cpu)
        return false;
    if (conflicting_address(a, b) || a.pci_vendor.value == 0 ||
        a.pci_vendor.value != b.pci_vendor.value)
        return false;
    const bool models_known = a.pci_device.value != 0 && b.pci_device.value != 0;
    if (models_known && a.pci_device.value != b.pci_device.value)
        return false;
    const bool names_comparable =
        a.name.source == Source::Driver && b.name.source == Source::Driver;
    return names_comparable ? a.name.value == b.name.value : models_known;
}

namespace {

/// Where each device of one backend belongs, in the system as it was before.
struct Match {
    const System &system;
    const std::string &backend;
    const std::vector<Device> &shown;

    size_t by_address(const Device &device) const {
        return has_address(device)
                   ? only_one(system.devices, [&](const Device &d) { return d.id == device.id; })
                   : none;
    }

    /// AMD's drivers put the number of a part into the bits of the function.
    size_t by_part(const Device &device) const {
        if (!has_address(device) || device.id[device.id.size() - 2] != '.')
            return none;
        std::string part = device.id;
        part.replace(part.size() - 1, 1, std::string("0-xcp") + device.id.back());
        return only_one(system.devices, [&](const Device &d) { return d.id == part; });
    }

    size_t by_uuid(const Device &device) const {
        if (only_one(shown, [&](const Device &d) { return same_uuid(d, device); }) == none)
            return none;
        return only_one(system.devices, [&](const Device &d) { return same_uuid(d, device); });
    }

    /// Graphics of a chip have no address, but a render node as any.
    size_t by_render_node(const Device &device) const {
        const std::string node = render_node_of(device, backend);
        return node.empty() ? none : only_one(system.devices, [&](const Device &d) {
            const core::Attr *own = d.find_attr("device.node");
            return own != nullptr && own->s == node && d.kind == Kind::Gpu &&
                   !conflicting_address(d, device);
        });
    }

    size_t by_likeness(const Device &device) const {
        const auto free = [&](const Device &d) {
            return !attested(d, backend) && alike(d, device);
        };
        const size_t at = only_one(system.devices, free);
        if (at == none)
            return none;
        const auto rival = [&](const Device &d) { return alike(system.devices[at], d); };
        return only_one(shown, rival) == none ? none : at;
    }

    /// Graphics of a chip, of which a driver tells no place, and a device tree no model: the only
    /// ones of their maker on either side.
    size_t by_maker(const Device &device) const {
        const auto same = [&](const Device &d) {
            return d.kind == Kind::Gpu && !has_address(d) && d.parent.empty() &&
                   d.vendor.value == device.vendor.value;
        };
        if (device.vendor.value.empty() || !same(device) || only_one(shown, same) == none)
            return none;
        return only_one(system.devices, [&](const Device &d) {
            return same(d) && d.id.starts_with("platform-") && !attested(d, backend);
        });
    }

    size_t of(const Device &device) const {
        if (is_software(device))
            return none;
        size_t at = by_address(device);
        at = at != none ? at : by_part(device);
        at = at != none ? at : by_uuid(device);
        at = at != none ? at : by_render_node(device);
        at = at != none ? at : by_likeness(device);
        return at != none ? at : by_maker(device);
    }
};

} // namespace

static const char *source_name(Source source) {
    switch (source) {
    case Source::Measured:
        return "measured";
    case Source::Driver:
        return "driver";
    case Source::Kernel:
        return "kernel";
    case Source::Table:
        return "table";
    case Source::Derived:
        return "derived";
    case Source::Unknown:
        break;
    }
    return "unknown";
}

static core::Attr attr_of(std::string key, const std::string &value, Source source) {
    return core::attr_text(std::move(key), value, source);
}

static core::Attr attr_of(std::string key, uint64_t value, Source source) {
    return core::attr_int(std::move(key),
                          static_cast<int64_t>(std::min<uint64_t>(value, INT64_MAX)), source);
}

namespace {

/// One device while a further witness is heard.
struct Hearing {
    Device &device;
    const std::string &backend;

    /// Takes the more trusted of two values and keeps the other as "opencl.name" or "kernel.name".
    template <class T>
    void settle(const char *key, core::Fact<T> &known, const core::Fact<T> &told) {
        if (told.source == Source::Unknown)
            return;
        if (known.source != Source::Unknown && known.value != told.value) {
            const bool replaced = told.source < known.source;
            const core::Fact<T> &loser = replaced ? known : told;
            const std::string whose = replaced ? source_name(known.source) : backend;
            device.put_attr(attr_of(whose + '.' + key, loser.value, loser.source));
        }
        known.offer(told.value, told.source);
    }

    void hear(const Device &told);
    void hear_memories(const std::vector<Memory> &told);
    void hear_compute(const std::vector<core::Compute> &told);
};

} // namespace

/// Host memory that a device maps is one pool, whether a driver calls it shared or unified.
static bool same_pool(const Memory &a, const Memory &b) {
    const auto host = [](MemoryRole role) {
        return role == MemoryRole::Shared || role == MemoryRole::Unified;
    };
    return a.role == b.role || (host(a.role) && host(b.role));
}

/// What only one of two witnesses knows of a memory is taken from it.
static void complete(const Memory &told, Memory &known) {
    if (told.bytes_per_second.source != Source::Unknown)
        known.bytes_per_second.offer(told.bytes_per_second.value, told.bytes_per_second.source);
    if (known.kind == core::MemoryKind::Unknown)
        known.kind = told.kind;
    if (known.usable_bytes == 0 && told.size_bytes.value == known.size_bytes.value)
        known.usable_bytes = told.usable_bytes;
    if (known.bus_bits == 0)
        known.bus_bits = told.bus_bits;
    if (known.name.empty())
        known.name = told.name;
}

void Hearing::hear_memories(const std::vector<Memory> &told) {
    for (const Memory &memory : told) {
        const auto known = std::find_if(device.memories.begin(), device.memories.end(),
                                        [&](const Memory &m) { return same_pool(m, memory); });
        if (known == device.memories.end()) {
            device.memories.push_back(memory);
            continue;
        }
        const bool main = known == device.memories.begin();
        settle(main ? "memory_bytes" : "shared_memory_bytes", known->size_bytes, memory.size_bytes);
        complete(memory, *known);
    }
}

/// What one interface cannot do another can, so the highest support counts; rates stay.
void Hearing::hear_compute(const std::vector<core::Compute> &told) {
    for (const core::Compute &row : told) {
        const auto known =
            std::find_if(device.compute.begin(), device.compute.end(),
                         [&](const core::Compute &c) { return c.dtype == row.dtype; });
        if (known == device.compute.end())
            device.put_compute(row);
        else
            known->support = std::max(known->support, row.support);
    }
}

void Hearing::hear(const Device &told) {
    if (!has_address(device) && has_address(told))
        device.id = told.id;
    if (device.kind == Kind::Unknown)
        device.kind = told.kind;
    // A driver that shows the device has opened it.
    device.flags |= told.flags;
    if ((told.flags & core::DeviceUsable) != 0) {
        device.access = base::Status::Ok;
        device.access_message.clear();
    }
    if (device.vendor.source == Source::Unknown)
        device.vendor = told.vendor;
    settle("name", device.name, told.name);
    settle("architecture", device.architecture, told.architecture);
    settle("driver", device.driver, told.driver);
    settle("pci_vendor", device.pci_vendor, told.pci_vendor);
    settle("pci_device", device.pci_device, told.pci_device);
    settle("compute_units", device.compute_units, told.compute_units);
    settle("power_limit_mw", device.power_limit_mw, told.power_limit_mw);
    settle("clock_hz", device.clock_hz, told.clock_hz);
    hear_memories(told.memories);
    hear_compute(told.compute);
    for (const core::Attr &attr : told.attrs)
        device.put_attr(attr);
    device.runtimes.insert(device.runtimes.end(), told.runtimes.begin(), told.runtimes.end());
    if (device.uuid.empty())
        device.uuid = told.uuid;
}

static void add(System &system, Device device) {
    if (is_software(device))
        for (const Device &other : system.devices)
            if (other.kind == Kind::Cpu && !is_software(other) && device.parent.empty())
                device.parent = other.id;
    // Drivers that give every device the same uuid must not give them the same id.
    const std::string id = device.id;
    for (unsigned n = 2; system.find_device(device.id) != nullptr; ++n)
        device.id = base::format("%s-%u", id.c_str(), n);
    system.devices.push_back(std::move(device));
}

/// The runtime will look for its device by what it says of it, whoever is believed here.
static void keep_spelling(Device &device) {
    for (core::Runtime &runtime : device.runtimes) {
        if (runtime.device_name.empty())
            runtime.device_name = device.name.value;
        if (runtime.device_uuid.empty())
            runtime.device_uuid = device.uuid;
    }
}

void merge(System &system, const std::string &backend, std::vector<Device> devices) {
    for (Device &device : devices)
        keep_spelling(device);
    const Match match{system, backend, devices};
    std::vector<size_t> places;
    for (const Device &device : devices)
        places.push_back(match.of(device));
    for (size_t i = 0; i < devices.size(); ++i) {
        size_t at = places[i];
        if (at == none) // perhaps another driver of this backend has just shown it
            at = match.by_address(devices[i]);
        if (at == none) {
            devices[i].backends = {backend};
            add(system, std::move(devices[i]));
            continue;
        }
        Device &known = system.devices[at];
        Hearing{known, backend}.hear(devices[i]);
        if (!attested(known, backend))
            known.backends.push_back(backend);
    }
}

uint32_t tell_all(System &system, const std::string &backend,
                  bool (*concerned)(const Device &device), const Device &told) {
    uint32_t count = 0;
    for (Device &device : system.devices) {
        if (!concerned(device))
            continue;
        Hearing{device, backend}.hear(told);
        if (!attested(device, backend))
            device.backends.push_back(backend);
        ++count;
    }
    return count;
}

} // namespace hwa::detect
