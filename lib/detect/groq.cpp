// SPDX-License-Identifier: MIT
// Groq's tensor streaming processors by the public PCI ID list (pci-ids.ucw.cz). Their driver is
// not public: its nodes /dev/groqN.pci do not tell which card is which.
#include "detect/families.h"

namespace hwa::detect {

static constexpr Chip chips[] = {
    {0x1de0, 0x0000, 0x0000, core::Kind::Asic, "Groq TSP", "tsp"},
};

constexpr Family groq_family = {"Groq's driver", chips};

} // namespace hwa::detect
