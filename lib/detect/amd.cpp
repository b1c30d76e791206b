// SPDX-License-Identifier: MIT
// AMD graphics and Instinct accelerators by what amdgpu tells without waking the device (Linux
// Documentation/gpu/amdgpu/driver-misc.rst).
#include "detect/families.h"

namespace hwa::detect {

static bool is_amd(const os::PciFunction &function) {
    const uint32_t base_class = function.class_code >> 16;
    return function.vendor == 0x1002 && (base_class == 0x03 || base_class == 0x12);
}

static void find_vram(const PciSubject &subject, core::Device &device) {
    constexpr uint64_t sane = uint64_t{1} << 50;
    const auto total = subject.number("mem_info_vram_total");
    if (!total || *total == 0 || *total >= sane)
        return;
    core::Memory memory;
    memory.size_bytes = {*total, core::Source::Kernel};
    memory.usable_bytes = *total;
    // Only memory chips have a maker; what firmware set apart of the host's memory has none.
    const bool chips = subject.host.exists(subject.path("mem_info_vram_vendor"));
    memory.role = chips ? core::MemoryRole::Dedicated : core::MemoryRole::Unknown;
    device.memories.push_back(std::move(memory));
}

static void describe(const PciSubject &subject, core::Device &device) {
    if (subject.function.driver == "amdgpu")
        find_vram(subject, device);
}

constexpr Family amd_family = {"amdgpu", {}, is_amd, nullptr, describe};

} // namespace hwa::detect
