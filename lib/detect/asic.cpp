// SPDX-License-Identifier: MIT
// Data-centre accelerators whose drivers are no public ones: what they are by the public PCI ID
// list (pci-ids.ucw.cz), and what the bus tells of any device.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x0ccd, 0x0110, 0x0110, Kind::Asic, "Preferred Networks MN-Core", "mn-core"},
    {0x0ccd, 0x0120, 0x0120, Kind::Asic, "Preferred Networks MN-Core 2", "mn-core2"},
    {0x1d22, 0x3684, 0x3684, Kind::Asic, "Kunlunxin Kunlun", "kunlun"},
    {0x1d22, 0x3685, 0x3685, Kind::Asic, "Kunlunxin Kunlun 2 VF", "kunlun2"},
    {0x1e30, 0x1684, 0x1684, Kind::Asic, "Sophgo BM1684", "bm1684"},
    {0x1e67, 0x0002, 0x0002, Kind::Asic, "Untether AI runAI200", "runai200"},
    {0x1e67, 0x0004, 0x0004, Kind::Asic, "Untether AI speedAI240", "speedai240"},
    {0x1ec6, 0x0100, 0x0100, Kind::Asic, "Vastai SV100", "sv100"},
    {0x1ec6, 0x0200, 0x0200, Kind::Gpu, "Vastai SG100", "sg100"},
    {0x1ec6, 0x020f, 0x020f, Kind::Gpu, "Vastai SG100 vGPU", "sg100"},
    {0x1ec6, 0x0300, 0x0300, Kind::Gpu, "Vastai SR100", "sr100"},
    {0x1f1c, 0x1686, 0x1686, Kind::Asic, "Sophgo BM1684X", "bm1684x"},
    {0x1f82, 0x0011, 0x0011, Kind::Asic, "d-Matrix Corsair", "corsair"},
    {0x20a1, 0x0001, 0x0001, Kind::Asic, "Etched Sohu", "sohu"},
};

/// Makers whose device ids the list lacks: T-Head, SambaNova and Biren. They make network functions
/// as well, which are of another class.
static bool is_accelerator(const os::PciFunction &function) {
    const uint32_t maker = function.vendor;
    return function.class_code >> 16 == 0x12 &&
           (maker == 0x1ded || maker == 0x1e0d || maker == 0x1ee0);
}

constexpr Family asic_family = {"its maker's driver", chips, is_accelerator};

} // namespace hwa::detect
