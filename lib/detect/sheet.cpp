// SPDX-License-Identifier: MIT
// Facts from the data sheet, each with the table as its source.
#include "detect/sheet.h"

#include "data/specs.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;
using core::Memory;
using core::MemoryRole;
using core::Source;

static void put_memory(const data::Spec &spec, Device &device) {
    const auto own = [](const Memory &m) { return m.role != MemoryRole::Cache; };
    auto at = std::find_if(device.memories.begin(), device.memories.end(), own);
    if (at == device.memories.end()) {
        // A slice of a chip has no more than a part of what the sheet says.
        if (spec.memory_bytes == 0 || (device.flags & core::DevicePartition) != 0)
            return;
        Memory memory;
        memory.role = MemoryRole::Dedicated;
        at = device.memories.insert(device.memories.begin(), std::move(memory));
    }
    at->size_bytes.offer(spec.memory_bytes, Source::Table);
    if (at->size_bytes.value == 0)
        at->size_bytes = {};
    if (at->kind == core::MemoryKind::Unknown)
        at->kind = spec.memory_kind;
    if (at->name.empty())
        at->name = spec.memory_name;
    if (spec.bytes_per_second != 0 && (device.flags & core::DevicePartition) == 0)
        at->bytes_per_second.offer(spec.bytes_per_second, Source::Table);
}

void put_sheet(Device &device) {
    const data::Spec *spec = data::find_spec(device.name.value);
    if (spec == nullptr)
        return;
    put_memory(*spec, device);
    if ((device.flags & core::DevicePartition) != 0)
        return;
    if (spec->compute_units != 0)
        device.compute_units.offer(spec->compute_units, Source::Table);
    if (spec->power_limit_mw != 0)
        device.power_limit_mw.offer(spec->power_limit_mw, Source::Table);
    for (const data::SpecRate &rate : spec->rates)
        if (rate.dtype != core::Dtype::Unknown && device.find_compute(rate.dtype) == nullptr)
            device.put_compute({rate.dtype, core::Support::Native, rate.dense, 0, Source::Table});
}

} // namespace hwa::detect
