// SPDX-License-Identifier: MIT
// Intel's Gaussian and Neural Accelerators, by the ids of driver gna, which Linux never took in.
// They are listed; nothing of today works on them.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

#define GNA(id)                                                                                    \
    { 0x8086, id, id, Kind::Npu, "Intel Gaussian and Neural Accelerator", "gna" }

static constexpr Chip chips[] = {
    GNA(0x3190), GNA(0x4511), GNA(0x464f), GNA(0x4c11), GNA(0x4e11), GNA(0x5a11),
    GNA(0x774c), GNA(0x7e4c), GNA(0x8a11), GNA(0x9a11), GNA(0xa74f), GNA(0xae4c),
};

#undef GNA

static void describe(const PciSubject &, core::Device &device) {
    device.flags |= core::DeviceIntegrated;
}

constexpr Family gna_family = {"gna, which Linux has never had", chips, nullptr, nullptr, describe};

} // namespace hwa::detect
