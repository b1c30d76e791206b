// SPDX-License-Identifier: MIT
// Graphcore's IPUs on cards, by the public PCI ID list (pci-ids.ucw.cz). Those of the machines
// IPU-M are reached over the network: a host shows nothing of them.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1d95, 0x0001, 0x0001, Kind::Asic, "Graphcore GC2", "ipu1"},
    {0x1d95, 0x0002, 0x0002, Kind::Asic, "Graphcore GC1", "ipu1"},
};

constexpr Family graphcore_family = {"Graphcore's driver", chips};

} // namespace hwa::detect
