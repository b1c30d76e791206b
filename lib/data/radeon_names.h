// SPDX-License-Identifier: MIT
// Names of AMD's graphics products, which often share a device id and differ in its revision.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hwa::data {

/// The product with that PCI device id and revision; "" if it is not known.
const char *radeon_name(uint32_t device, uint32_t revision);

/// True if a product with that device id is known, whatever its revision.
bool knows_radeon(uint32_t device);

/// The same out of the list amdgpu.ids that libdrm brings; "" if it is not there.
std::string radeon_name(std::string_view list, uint32_t device, uint32_t revision);

} // namespace hwa::data
