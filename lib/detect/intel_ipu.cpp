// SPDX-License-Identifier: MIT
// Intel's infrastructure processing units, as a host sees them, by the ids of Linux
// drivers/net/ethernet/intel/idpf.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x8086, 0x1452, 0x1452, Kind::Dpu, "Intel IPU", ""},
    {0x8086, 0x145c, 0x145c, Kind::Dpu, "Intel IPU VF", ""},
};

constexpr Family intel_ipu_family = {"idpf", chips};

} // namespace hwa::detect
