// SPDX-License-Identifier: MIT
// IBM's Spyre by the public PCI ID list (pci-ids.ucw.cz). Its runtime works through VFIO.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1014, 0x06a7, 0x06a7, Kind::Asic, "IBM Spyre", "spyre"},
    {0x1014, 0x06a8, 0x06a8, Kind::Asic, "IBM Spyre VF", "spyre"},
};

constexpr Family ibm_spyre_family = {"vfio-pci", chips, nullptr, vfio_node};

} // namespace hwa::detect
