// SPDX-License-Identifier: MIT
// The makers of displays and accelerators.
#pragma once

#include "core/device.h"

#include <cstdint>

namespace hwa::data {

struct PciVendor {
    uint16_t id;
    const char *name;       ///< "nvidia"
    core::Kind accelerator; ///< of its functions of class 12h; Unknown where it makes several kinds
};

/// The row of a vendor id, or NULL.
const PciVendor *find_pci_vendor(uint32_t id);

} // namespace hwa::data
