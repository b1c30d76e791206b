// SPDX-License-Identifier: MIT
// Intel QuickAssist by the device ids of Linux drivers/crypto/intel/qat.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x8086, 0x0435, 0x0435, Kind::Offload, "Intel QuickAssist DH895xCC", "dh895xcc"},
    {0x8086, 0x0443, 0x0443, Kind::Offload, "Intel QuickAssist DH895xCC VF", "dh895xcc"},
    {0x8086, 0x18a0, 0x18a1, Kind::Offload, "", ""},
    {0x8086, 0x18ee, 0x18ef, Kind::Offload, "", ""},
    {0x8086, 0x19e2, 0x19e3, Kind::Offload, "Intel QuickAssist C3xxx", "c3xxx"},
    {0x8086, 0x37c8, 0x37c9, Kind::Offload, "Intel QuickAssist C62x", "c62x"},
    {0x8086, 0x4940, 0x4949, Kind::Offload, "", ""},
    {0x8086, 0x6f54, 0x6f54, Kind::Offload, "", ""},
};

constexpr Family qat_family = {"qat_4xxx, qat_c62x, qat_c3xxx or qat_dh895xcc", chips};

} // namespace hwa::detect
