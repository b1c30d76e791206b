// SPDX-License-Identifier: MIT
// Intel graphics, on the processor's chip and on cards. Documents: Linux
// include/drm/intel/pciids.h, include/uapi/drm/{i915,xe}_drm.h,
// Documentation/ABI/testing/sysfs-driver-intel-{i915,xe}-hwmon; drivers/gpu/drm/i915/i915_sysfs.c
// and xe/xe_gt_freq.c for clocks; names as Intel's compute runtime tells them.
#include "detect/families.h"

#include "base/text.h"
#include "data/rates.h"
#include "detect/intel_shape.h"
#include "detect/peak.h"
#include "os/uapi/intel.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Memory;
using core::MemoryRole;
using core::Source;

#define GPU(first, last, name, architecture)                                                       \
    { 0x8086, first, last, Kind::Gpu, name, architecture }

// Cards. A name stands where one id is one product; the others get theirs from the system's list.
static constexpr Chip chips[] = {
    GPU(0x0b69, 0x0b69, "Intel Data Center GPU Max 1450", "xe-hpc"),
    GPU(0x0b6e, 0x0b6e, "", "xe-hpc"),
    GPU(0x0bd5, 0x0bd6, "Intel Data Center GPU Max 1550", "xe-hpc"),
    GPU(0x0bd7, 0x0bd8, "Intel Data Center GPU Max 1350", "xe-hpc"),
    GPU(0x0bd9, 0x0bdb, "Intel Data Center GPU Max 1100", "xe-hpc"),
    GPU(0x0bd0, 0x0be5, "", "xe-hpc"),
    GPU(0x4905, 0x4909, "", "xe-lp"),
    GPU(0x5690, 0x5690, "Intel Arc A770M", "xe-hpg"),
    GPU(0x5691, 0x5691, "Intel Arc A730M", "xe-hpg"),
    GPU(0x5692, 0x5692, "Intel Arc A550M", "xe-hpg"),
    GPU(0x5693, 0x5693, "Intel Arc A370M", "xe-hpg"),
    GPU(0x5694, 0x5694, "Intel Arc A350M", "xe-hpg"),
    GPU(0x56a0, 0x56a0, "Intel Arc A770", "xe-hpg"),
    GPU(0x56a1, 0x56a1, "Intel Arc A750", "xe-hpg"),
    GPU(0x56a2, 0x56a2, "Intel Arc A580", "xe-hpg"),
    GPU(0x56a5, 0x56a5, "Intel Arc A380", "xe-hpg"),
    GPU(0x56a6, 0x56a6, "Intel Arc A310", "xe-hpg"),
    GPU(0x56c0, 0x56c0, "Intel Data Center GPU Flex 170", "xe-hpg"),
    GPU(0x56c1, 0x56c1, "Intel Data Center GPU Flex 140", "xe-hpg"),
    GPU(0x5690, 0x56c2, "", "xe-hpg"),
    GPU(0x674c, 0x6750, "", "xe3p"),
    GPU(0xe20b, 0xe20b, "Intel Arc B580", "xe2-hpg"),
    GPU(0xe20c, 0xe20c, "Intel Arc B570", "xe2-hpg"),
    GPU(0xe211, 0xe211, "Intel Arc Pro B60", "xe2-hpg"),
    GPU(0xe212, 0xe212, "Intel Arc Pro B50", "xe2-hpg"),
    GPU(0xe202, 0xe223, "", "xe2-hpg"),
};

#undef GPU

static bool is_intel_gpu(const os::PciFunction &function) {
    return function.vendor == 0x8086 && function.class_code >> 16 == 0x03;
}

/// The architecture of a processor's own graphics. The ranges have other functions of the processor
/// in them, so they say something of displays alone.
static const char *own_architecture(uint32_t device) {
    static constexpr struct {
        uint32_t first, last;
        const char *architecture;
    } ranges[] = {
        {0x1902, 0x193d, "gen9"},    {0x3184, 0x3185, "gen9"},    {0x3e90, 0x3ea9, "gen9"},
        {0x4541, 0x4571, "gen11"},   {0x4626, 0x462a, "xe-lp"},   {0x4680, 0x46d4, "xe-lp"},
        {0x4c80, 0x4c9a, "xe-lp"},   {0x4e51, 0x4e71, "gen11"},   {0x5902, 0x593b, "gen9"},
        {0x5a84, 0x5a85, "gen9"},    {0x6420, 0x64b0, "xe2-lpg"}, {0x7d51, 0x7d51, "xe-lpg+"},
        {0x7dd1, 0x7dd1, "xe-lpg+"}, {0x7d40, 0x7dd5, "xe-lpg"},  {0x87c0, 0x87ca, "gen9"},
        {0x8a50, 0x8a71, "gen11"},   {0x9a40, 0x9af8, "xe-lp"},   {0x9b21, 0x9bf6, "gen9"},
        {0xa720, 0xa721, "xe-lp"},   {0xa780, 0xa7ad, "xe-lp"},   {0xb080, 0xb0b0, "xe3-lpg"},
        {0xb640, 0xb640, "xe-lpg"},  {0xfd80, 0xfd81, "xe3-lpg"},
    };
    for (const auto &row : ranges)
        if (row.first <= device && device <= row.last)
            return row.architecture;
    return "";
}

static void put_number(Device &device, const char *key, uint64_t value) {
    if (value != 0)
        device.put_attr(core::attr_int(key, static_cast<int64_t>(value), Source::Kernel));
}

static void put_memory(const IntelMemory &told, bool integrated, Device &device) {
    Memory memory;
    uint64_t own = 0;
    for (const uint64_t size : told.own)
        own += size;
    const uint64_t size = integrated ? told.host : own;
    if (size == 0)
        return;
    memory.role = integrated ? MemoryRole::Shared : MemoryRole::Dedicated;
    memory.size_bytes = {size, Source::Kernel};
    memory.usable_bytes = size;
    device.memories.push_back(std::move(memory));
    const auto same = [&](uint64_t each) { return each == told.own[0]; };
    if (told.own.size() > 1 && std::all_of(told.own.begin(), told.own.end(), same))
        put_number(device, "intel.tiles", told.own.size());
}

static void put_engines(const IntelEngines &told, Device &device) {
    if (told.units == 0)
        return;
    device.compute_units = {told.units, Source::Kernel};
    if (device.architecture.value.starts_with("xe"))
        put_number(device, "intel.xe_cores", told.cores);
}

/// What only the driver knows, and tells who may open its node.
static void ask_driver(const PciSubject &subject, bool integrated, Device &device) {
    const core::Attr *attr = device.find_attr("device.node");
    if (attr == nullptr || device.access != base::Status::Ok)
        return;
    const std::string node = attr->s;
    const bool xe = subject.function.driver == "xe";
    const auto ask = [&](const char *driver, uint32_t number) {
        auto answer = subject.host.query(node, base::format("%s.%u", driver, number));
        return answer ? std::move(*answer) : std::string();
    };
    if (xe) {
        put_memory(read_xe_memory(ask("xe", os::uapi::xe_memory_regions)), integrated, device);
        put_engines(read_xe_engines(ask("xe", os::uapi::xe_topology)), device);
    } else {
        put_memory(read_i915_memory(ask("i915", os::uapi::i915_memory_regions)), integrated,
                   device);
        put_engines(read_i915_engines(ask("i915", os::uapi::i915_topology)), device);
    }
}

/// First name in a folder of the device that begins so; "" if there is none.
static std::string entry(const PciSubject &subject, const char *folder, std::string_view prefix) {
    if (const auto names = subject.host.list(subject.path(folder), 64))
        for (const std::string &name : *names)
            if (name.starts_with(prefix))
                return name;
    return "";
}

/// The highest clock that the hardware has, whatever is set now.
static void find_clock(const PciSubject &subject, Device &device) {
    std::string file = "tile0/gt0/freq0/rp0_freq";
    if (subject.function.driver == "i915")
        file = "drm/" + entry(subject, "drm", "card") + "/gt_RP0_freq_mhz";
    constexpr uint64_t sane_mhz = 20000;
    if (const auto mhz = subject.number(file.c_str()); mhz && *mhz != 0 && *mhz < sane_mhz)
        device.clock_hz = {*mhz * 1000000, Source::Kernel};
}

/// The limit that the card keeps over time, in microwatts; 0 where it is switched off.
static void find_power(const PciSubject &subject, Device &device) {
    const std::string sensor = entry(subject, "hwmon", "hwmon");
    if (sensor.empty())
        return;
    constexpr uint64_t sane_uw = 10000000000;
    const auto limit = subject.number(("hwmon/" + sensor + "/power1_max").c_str());
    if (limit && *limit >= 1000 && *limit < sane_uw)
        device.power_limit_mw = {static_cast<uint32_t>(*limit / 1000), Source::Kernel};
}

static void describe(const PciSubject &subject, Device &device) {
    const char *own = own_architecture(subject.function.device);
    if (subject.chip == nullptr && *own != '\0')
        device.architecture = {own, Source::Table};
    // An id that is not known yet is the processor's own where those sit.
    const bool integrated =
        subject.chip == nullptr && (*own != '\0' || subject.function.address.ends_with("00:02.0"));
    if (integrated)
        device.flags |= core::DeviceIntegrated;
    const std::string &driver = subject.function.driver;
    if ((driver != "i915" && driver != "xe") || subject.asleep())
        return;
    ask_driver(subject, integrated, device);
    find_clock(subject, device);
    if (!integrated)
        find_power(subject, device);
    put_peaks(data::intel_rates(device.architecture.value), device);
}

/// One of the equal tiles that a device is made of, which work may be given to by itself.
static Device tile_of(const Device &whole, uint32_t tiles, uint32_t index) {
    Device tile = whole;
    tile.id += base::format("-tile%u", index);
    tile.parent = whole.id;
    tile.flags |= core::DevicePartition;
    tile.compute_units.value /= tiles;
    tile.power_limit_mw = {};
    for (Memory &memory : tile.memories) {
        memory.size_bytes.value /= tiles;
        memory.usable_bytes /= tiles;
        memory.bytes_per_second.value /= tiles;
    }
    for (core::Compute &row : tile.compute) {
        row.ops_per_second /= tiles;
        row.sparse_ops_per_second /= tiles;
    }
    tile.attrs = {core::attr_int("intel.tile", index, Source::Kernel)};
    return tile;
}

base::Done find_intel_tiles(const Machine &, core::System &system) {
    std::vector<Device> found;
    constexpr int64_t sane_tiles = 16;
    for (const Device &device : system.devices)
        if (const core::Attr *tiles = device.find_attr("intel.tiles");
            tiles != nullptr && tiles->i <= sane_tiles)
            for (uint32_t i = 0; i < static_cast<uint32_t>(tiles->i); ++i)
                found.push_back(tile_of(device, static_cast<uint32_t>(tiles->i), i));
    for (Device &tile : found)
        system.devices.push_back(std::move(tile));
    return {};
}

constexpr Family intel_gpu_family = {"i915 or xe", chips, is_intel_gpu, nullptr, describe};

} // namespace hwa::detect
