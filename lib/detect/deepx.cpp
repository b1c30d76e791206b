// SPDX-License-Identifier: MIT
// DEEPX DX-M1 and DX-H1, which has several of the same. Documents: DEEPX-AI/dx_rt_npu_linux_driver
// modules/pci_deepx/dw-edma-pcie.c (ids), modules/rt/dxrt_drv_cdev.c (nodes that hang below no PCI
// device).
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1ff4, 0x0100, 0x0100, Kind::Asic, "DEEPX DX-M1", "m1"},
    {0x1ff4, 0x0101, 0x0102, Kind::Asic, "DEEPX DX-H1", "m1"},
    {0x1ff4, 0x0110, 0x0110, Kind::Asic, "DEEPX DX-M1M", "m1m"},
    {0x1ff4, 0x0111, 0x0112, Kind::Asic, "DEEPX DX-H1M", "m1m"},
};

static std::string node(const PciSubject &subject) {
    return lone_node(subject, "dxrt", "dxrt");
}

constexpr Family deepx_family = {"dx_dma_pcie", chips, nullptr, node, nullptr, "dxrt"};

} // namespace hwa::detect
