// SPDX-License-Identifier: MIT
// Machines for hire as systems. Where data/specs.csv has the memory of a device, it is taken from
// there. Links are those of switches, by which each device reaches each other at once.
#include "data/machines.h"

#include "data/specs.h"

#include <algorithm>

namespace hwa::data {

using core::Device;
using core::Dtype;
using core::Kind;
using core::MemoryKind;
using core::Source;

namespace {

/// A row of machine_devices.csv. What is 0 or "" stands elsewhere, or nowhere.
struct HiredDevice {
    const char *name;
    const char *vendor;
    Kind kind;
    uint64_t memory_bytes;
    MemoryKind memory_kind;
    const char *memory_name;
    uint64_t bytes_per_second;
    uint32_t power_limit_mw;
    const char *link;
    uint64_t link_bytes_per_second; ///< each way
    SpecRate rates[7];              ///< up to the first without a format
};

#include "machines.inc"

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
}

bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

const HiredDevice &device_of(const Machine &machine) {
    return *std::find_if(
        std::begin(device_rows), std::end(device_rows),
        [&](const HiredDevice &row) { return std::string_view(row.name) == machine.device; });
}

core::Memory memory_of(const HiredDevice &row) {
    core::Memory memory;
    memory.role = core::MemoryRole::Dedicated;
    const Spec *spec = row.memory_bytes == 0 ? find_spec(row.name) : nullptr;
    memory.kind = spec != nullptr ? spec->memory_kind : row.memory_kind;
    memory.name = spec != nullptr ? spec->memory_name : row.memory_name;
    memory.size_bytes = {spec != nullptr ? spec->memory_bytes : row.memory_bytes, Source::Table};
    memory.bytes_per_second = {spec != nullptr ? spec->bytes_per_second : row.bytes_per_second,
                               Source::Table};
    return memory;
}

Device make_device(const HiredDevice &row, uint32_t index) {
    Device device;
    device.id = (row.kind == Kind::Tpu ? "tpu-" : "gpu-") + std::to_string(index);
    device.kind = row.kind;
    device.name = {row.name, Source::Table};
    device.vendor = {row.vendor, Source::Table};
    device.power_limit_mw = {row.power_limit_mw, Source::Table};
    device.memories.push_back(memory_of(row));
    for (const SpecRate &rate : row.rates)
        if (rate.dtype != Dtype::Unknown)
            device.put_compute({rate.dtype, core::Support::Native, rate.dense, 0, Source::Table});
    return device;
}

void link_all(const HiredDevice &row, core::System &system) {
    for (size_t a = 0; row.link_bytes_per_second != 0 && a < system.devices.size(); ++a)
        for (size_t b = a + 1; b < system.devices.size(); ++b) {
            core::Link link;
            link.kind = core::LinkKind::Fabric;
            link.a = system.devices[a].id;
            link.b = system.devices[b].id;
            link.bytes_per_second = row.link_bytes_per_second;
            link.name = row.link;
            link.source = Source::Table;
            system.links.push_back(std::move(link));
        }
}

} // namespace

std::span<const Machine> machines() {
    return machine_rows;
}

const Machine *find_machine(std::string_view name) {
    for (const Machine &row : machine_rows)
        if (same(row.name, name))
            return &row;
    return nullptr;
}

core::System hired_system(const Machine &machine) {
    const HiredDevice &row = device_of(machine);
    core::System system;
    system.catalog_name = machine.name;
    system.usd_per_hour = machine.usd_per_hour;
    system.memory_bytes = machine.host_bytes;
    for (uint32_t i = 0; i < machine.count; ++i)
        system.devices.push_back(make_device(row, i));
    link_all(row, system);
    system.put_attr(core::attr_text("price.date", machine.date, Source::Table));
    system.put_attr(core::attr_text("price.region", machine.region, Source::Table));
    system.put_attr(core::attr_text("price.source", machine.source, Source::Table));
    return system;
}

} // namespace hwa::data
