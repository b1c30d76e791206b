// SPDX-License-Identifier: MIT
// What identifies an OpenCL device beyond its driver, for those who look for it again.
#pragma once

#include "api/opencl.h"

#include <array>
#include <cstdint>
#include <optional>

namespace hwa::api {

/// A function on the PCI bus.
struct PciPlace {
    uint32_t domain = 0;
    uint32_t bus = 0;
    uint32_t device = 0;
    uint32_t function = 0;
};

/// By whichever of three extensions the driver has.
std::optional<PciPlace> opencl_pci(const OpenCl &opencl, cl_device_id device);

std::optional<std::array<uint8_t, 16>> opencl_uuid(const OpenCl &opencl, cl_device_id device);

} // namespace hwa::api
