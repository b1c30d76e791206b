// SPDX-License-Identifier: MIT
// NEC's Vector Engines by the ids and the files of their driver (ve_drv-kmod src/main.c and
// src/sysfs.c).
#include "detect/families.h"

#include "base/text.h"
#include "base/units.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x1bcf, 0x001c, 0x001c, Kind::Asic, "NEC Vector Engine 1", "ve1"},
    {0x1bcf, 0x0039, 0x0039, Kind::Asic, "NEC Vector Engine 3", "ve3"},
};

static std::string node(const PciSubject &subject) {
    return class_node(subject, "ve");
}

/// Name of its folder of class "ve", as seen from that of the function; "" if there is none.
static std::string folder(const PciSubject &subject) {
    const auto names = subject.host.list(subject.path("ve"), 4);
    return names && !names->empty() ? "ve/" + (*names)[0] + '/' : "";
}

static void describe(const PciSubject &subject, Device &device) {
    const std::string files = subject.asleep() ? "" : folder(subject);
    if (files.empty())
        return;
    const auto number = [&](const char *file, uint64_t most) {
        const auto value = subject.number((files + file).c_str());
        return value && *value <= most ? *value : 0;
    };
    if (const auto cores = static_cast<uint32_t>(number("num_of_core", 64)))
        device.compute_units = {cores, Source::Kernel};
    if (const uint64_t megahertz = number("clock_chip", 100000))
        device.clock_hz = {megahertz * 1000000, Source::Kernel};
    if (const uint64_t gibibytes = number("memory_size", 4096)) {
        core::Memory memory;
        memory.kind = core::MemoryKind::Hbm;
        memory.role = core::MemoryRole::Dedicated;
        memory.size_bytes = {gibibytes * base::GiB, Source::Kernel};
        device.memories.push_back(std::move(memory));
    }
    if (const auto version = static_cast<int64_t>(number("fw_version", UINT32_MAX)))
        device.put_attr(core::attr_int("nec_ve.firmware", version, Source::Kernel));
}

constexpr Family nec_ve_family = {"ve_drv", chips, nullptr, node, describe};

} // namespace hwa::detect
