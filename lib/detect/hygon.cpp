// SPDX-License-Identifier: MIT
// Hygon's DCUs, whose driver is a fork of amdgpu with KFD: displays and accelerators of the maker
// 1d94, which makes processors too; device ids by the public list pci.ids.
#include "detect/amdgpu.h"
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1d94, 0x6210, 0x6210, Kind::Gpu, "Hygon DCU K100 AI", "dcu"},
};

/// The processor's own functions are bridges, controllers and crypto engines of class 10.
static bool is_dcu(const os::PciFunction &function) {
    const uint32_t base_class = function.class_code >> 16;
    return function.vendor == 0x1d94 && (base_class == 0x03 || base_class == 0x12);
}

constexpr Family hygon_family = {"hydcu", chips, is_dcu, nullptr, describe_amdgpu};

base::Done find_hygon(const Machine &machine, core::System &system) {
    join_nodes(machine, "hygon", system);
    return {};
}

} // namespace hwa::detect
