// SPDX-License-Identifier: MIT
// AMD's neural engines, which sit in a class of sensors and thermal controllers, by the device ids
// of Linux drivers/accel/amdxdna and those of the driver's own repository.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1022, 0x1502, 0x1502, Kind::Npu, "", "xdna"},
    {0x1022, 0x17f0, 0x17f3, Kind::Npu, "", "xdna2"},
    {0x1022, 0x1b0a, 0x1b0c, Kind::Npu, "", ""},
};

constexpr Family xdna_family = {"amdxdna", chips};

} // namespace hwa::detect
