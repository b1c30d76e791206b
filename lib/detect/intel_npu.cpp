// SPDX-License-Identifier: MIT
// Intel's neural processing units, which driver ivpu makes accel nodes for. Documents: Linux
// include/uapi/drm/ivpu_accel.h, drivers/accel/ivpu/{ivpu_drv.h,ivpu_sysfs.c}; the tiles of each
// generation are those of intel/linux-npu-driver.
#include "detect/families.h"

#include "data/rates.h"
#include "detect/peak.h"

#include <bit>
#include <cstring>

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x8086, 0x643e, 0x643e, Kind::Npu, "Intel NPU (Lunar Lake)", "npu40xx"},
    {0x8086, 0x7d1d, 0x7d1d, Kind::Npu, "Intel NPU (Meteor Lake)", "npu37xx"},
    {0x8086, 0xad1d, 0xad1d, Kind::Npu, "Intel NPU (Arrow Lake)", "npu37xx"},
    {0x8086, 0xb03e, 0xb03e, Kind::Npu, "Intel NPU (Panther Lake)", "npu50xx"},
    {0x8086, 0xfd3e, 0xfd3e, Kind::Npu, "Intel NPU (Wildcat Lake)", "npu50xx"},
};

/// One bit for each tile of the chip; 0 where no document tells.
static uint64_t tiles_of(uint32_t device) {
    switch (device) {
    case 0x7d1d:
    case 0xad1d:
        return 0x3;
    case 0x643e:
        return 0x3f;
    case 0xb03e:
        return 0x7;
    default:
        return 0;
    }
}

static std::optional<uint64_t> ask(const PciSubject &subject, const Device &device,
                                   const char *question) {
    const core::Attr *node = device.find_attr("device.node");
    if (node == nullptr || device.access != base::Status::Ok)
        return std::nullopt;
    const auto answer = subject.host.query(node->s, question);
    uint64_t value = 0;
    if (!answer || answer->size() != sizeof value)
        return std::nullopt;
    std::memcpy(&value, answer->data(), sizeof value);
    return value;
}

static void find_clock(const PciSubject &subject, bool asleep, Device &device) {
    constexpr uint64_t sane_hz = 10000000000;
    // Newer kernels keep it in a file, which wakes nothing.
    const auto mhz = subject.number("npu_max_frequency_mhz");
    const auto hz = mhz      ? std::optional<uint64_t>(*mhz < sane_hz ? *mhz * 1000000 : 0)
                    : asleep ? std::nullopt
                             : ask(subject, device, "ivpu.param.3");
    if (hz && *hz != 0 && *hz < sane_hz)
        device.clock_hz = {*hz, Source::Kernel};
}

/// Tiles that work: the driver tells those that are fused off.
static void find_tiles(const PciSubject &subject, Device &device) {
    const uint64_t all = tiles_of(subject.function.device);
    const auto off = all != 0 ? ask(subject, device, "ivpu.param.11") : std::nullopt;
    if (off && (*off & ~all) == 0 && *off != all)
        device.compute_units = {static_cast<uint32_t>(std::popcount(all & ~*off)), Source::Kernel};
}

static void describe(const PciSubject &subject, Device &device) {
    device.flags |= core::DeviceIntegrated;
    core::Memory memory;
    memory.role = core::MemoryRole::Shared;
    device.memories.push_back(std::move(memory));
    if (subject.function.driver != "intel_vpu")
        return;
    const bool asleep = subject.asleep();
    find_clock(subject, asleep, device);
    if (!asleep)
        find_tiles(subject, device);
    put_peaks(data::intel_rates(device.architecture.value), device);
}

constexpr Family intel_npu_family = {"intel_vpu", chips, nullptr, nullptr, describe};

} // namespace hwa::detect
