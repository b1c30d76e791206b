// SPDX-License-Identifier: MIT
// MetaX by the public PCI ID list. Its driver makes render nodes, and /dev/mxcd for all cards.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x9999, 0x0a01, 0x0a01, Kind::Gpu, "MetaX C500", "xcore1000"},
};

static bool is_metax(const os::PciFunction &function) {
    return function.vendor == 0x9999 && is_compute_class(function);
}

constexpr Family metax_family = {"metax", chips, is_metax};

} // namespace hwa::detect
