// SPDX-License-Identifier: MIT
// MemryX MX3. Document: memryx/mx3_driver_pub kdriver/linux/pcie/{memx_pcie.h,
// memx_cascade_pciemain.c}: ids, and nodes that hang below no PCI device.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1fe9, 0x0100, 0x0100, Kind::Asic, "MemryX MX3", "mx3"},
};

static std::string node(const PciSubject &subject) {
    return lone_node(subject, "memx_cdev", "memx");
}

constexpr Family memryx_family = {"memx_pcie_ai_chip", chips, nullptr, node, nullptr, "memx"};

} // namespace hwa::detect
