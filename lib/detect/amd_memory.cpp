// SPDX-License-Identifier: MIT
// What the memory of a card is. An integrated one has a part that firmware set aside and maps the
// host's (GTT): both are the same chips, and the larger one is what work runs in (Linux
// Documentation/gpu/amdgpu/driver-core.rst, "Memory Domains").
#include "detect/amdgpu.h"

#include "data/gfx.h"
#include "detect/peak.h"

#include <algorithm>

namespace hwa::detect {

using core::Device;
using core::Memory;
using core::MemoryRole;
using core::Source;

/// Instinct MI300A, whose memory is the host's.
static constexpr uint32_t mi300a = 0x74a0;
/// Instinct MI325X, which has a later memory than others of its instruction set.
static constexpr uint32_t mi325x = 0x74a5;

static uint64_t number(const Device &device, const char *key) {
    const core::Attr *attr = device.find_attr(key);
    return attr != nullptr && attr->i > 0 ? static_cast<uint64_t>(attr->i) : 0;
}

static bool has_base_class(const Device &device, const char *digits) {
    const core::Attr *attr = device.find_attr("pci.class");
    return attr != nullptr && attr->s.starts_with(digits);
}

/// Device ids of graphics on one chip with a processor, for where neither the driver nor the
/// compute node tells: amdgpu_drv.c of Linux 5.15, and pci.ids for later ones.
static constexpr struct {
    uint16_t first, last;
} integrated_ids[] = {
    {0x1114, 0x1114}, {0x1304, 0x131d}, {0x13c0, 0x13c0}, {0x13fe, 0x13fe}, {0x1435, 0x1435},
    {0x143f, 0x143f}, {0x1506, 0x1506}, {0x150e, 0x150e}, {0x1586, 0x1586}, {0x15bf, 0x15bf},
    {0x15c8, 0x15c8}, {0x15d8, 0x15d8}, {0x15dd, 0x15dd}, {0x15e7, 0x15e7}, {0x1636, 0x1636},
    {0x1638, 0x1638}, {0x163f, 0x163f}, {0x164c, 0x164e}, {0x1681, 0x1681}, {0x1900, 0x1901},
    {0x74a0, 0x74a0}, {0x9830, 0x983f}, {0x9850, 0x985f}, {0x9870, 0x9877}, {0x98e4, 0x98e4},
};

static bool is_integrated(const data::Gfx *chip, const Device &device) {
    if ((device.flags & core::DeviceIntegrated) != 0 || (chip != nullptr && chip->integrated))
        return true;
    const uint32_t id = device.pci_vendor.value == 0x1002 ? device.pci_device.value : 0;
    return std::any_of(std::begin(integrated_ids), std::end(integrated_ids),
                       [&](const auto &ids) { return ids.first <= id && id <= ids.last; });
}

/// Adds the host's memory that it maps; the larger of the two comes first.
static void add_mapped(uint64_t host_bytes, Device &device) {
    Memory memory;
    if (!device.memories.empty()) {
        device.memories[0].role = MemoryRole::Carveout;
        memory = device.memories[0];
    }
    const uint64_t mapped = number(device, "amd.gtt_bytes");
    if (mapped == 0)
        return;
    memory.role = MemoryRole::Shared;
    memory.size_bytes = {mapped, Source::Kernel};
    memory.usable_bytes = host_bytes != 0 ? std::min(mapped, host_bytes) : mapped;
    const bool larger = device.memories.empty() || mapped > device.memories[0].size_bytes.value;
    device.memories.insert(larger ? device.memories.begin() : device.memories.end(),
                           std::move(memory));
}

static void put_chip_memory(const data::Gfx &chip, Device &device) {
    if (device.memories.empty() || chip.memory_kind == core::MemoryKind::Unknown)
        return;
    Memory &memory = device.memories[0];
    if (memory.kind == core::MemoryKind::Unknown)
        memory.kind = chip.memory_kind;
    if (memory.kind != chip.memory_kind)
        return;
    memory.name = device.pci_device.value == mi325x ? "HBM3e" : chip.memory_name;
    put_bandwidth(memory, memory.bus_bits, number(device, "amd.memory_clock_hz"), chip.transfers);
}

static const data::Gfx *find_chip(uint32_t gfx, const Device &device) {
    if (gfx != 0)
        return data::find_gfx(gfx);
    return data::find_gfx(static_cast<uint32_t>(number(device, "amd.family")),
                          static_cast<uint32_t>(number(device, "amd.revision")));
}

void settle_memory(uint32_t gfx, uint64_t host_bytes, Device &device) {
    const data::Gfx *chip = find_chip(gfx, device);
    if (chip != nullptr) {
        device.architecture.offer(chip->architecture, Source::Kernel);
        put_chip_memory(*chip, device);
    }
    if (is_integrated(chip, device)) {
        device.flags |= core::DeviceIntegrated;
        if (device.pci_device.value == mi300a && !device.memories.empty()) {
            Memory &memory = device.memories[0];
            memory.role = MemoryRole::Unified;
            if (host_bytes != 0)
                memory.usable_bytes = std::min(memory.usable_bytes, host_bytes);
        } else {
            add_mapped(host_bytes, device);
        }
    } else if (!device.memories.empty() && device.memories[0].role == MemoryRole::Unknown &&
               (chip != nullptr || has_base_class(device, "12"))) {
        device.memories[0].role = MemoryRole::Dedicated;
    }
    if (chip != nullptr)
        put_peaks(chip->rates, device);
}

} // namespace hwa::detect
