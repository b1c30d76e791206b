// SPDX-License-Identifier: MIT
// PCI vendor ids of those who make displays and accelerators, by the public PCI ID list
// (pci-ids.ucw.cz), and what their functions of the accelerator class (12h) are.
#include "data/pci_vendors.h"

namespace hwa::data {

using core::Kind;

// Intel sells neural engines, FPGAs and crypto engines in that class, so its vendor id tells none
// of them apart.
static constexpr PciVendor rows[] = {
    {0x0ccd, "preferred-networks", Kind::Asic},
    {0x1002, "amd", Kind::Gpu},
    {0x1013, "cirrus", Kind::Unknown},
    {0x1014, "ibm", Kind::Asic},
    {0x1022, "amd", Kind::Unknown},
    {0x102b, "matrox", Kind::Unknown},
    {0x10de, "nvidia", Kind::Gpu},
    {0x10ee, "xilinx", Kind::Fpga},
    {0x1172, "altera", Kind::Fpga},
    {0x1234, "qemu", Kind::Unknown},
    {0x15ad, "vmware", Kind::Unknown},
    {0x15b3, "mellanox", Kind::Dpu},
    {0x17cb, "qualcomm", Kind::Asic},
    {0x19e5, "huawei", Kind::Asic},
    {0x1a03, "aspeed", Kind::Unknown},
    {0x1ac1, "coral", Kind::Asic},
    {0x1ae0, "google", Kind::Tpu},
    {0x1af4, "virtio", Kind::Unknown},
    {0x1b36, "qemu", Kind::Unknown},
    {0x1bcf, "nec", Kind::Asic},
    {0x1d0f, "amazon", Kind::Asic},
    {0x1d17, "zhaoxin", Kind::Unknown},
    {0x1d22, "kunlunxin", Kind::Asic},
    {0x1d94, "hygon", Kind::Gpu},
    {0x1d95, "graphcore", Kind::Asic},
    {0x1da3, "habana", Kind::Asic},
    {0x1dd8, "pensando", Kind::Dpu},
    {0x1de0, "groq", Kind::Asic},
    {0x1ded, "t-head", Kind::Asic},
    {0x1e0d, "sambanova", Kind::Asic},
    {0x1e30, "sophgo", Kind::Asic},
    {0x1e36, "enflame", Kind::Asic},
    {0x1e38, "blaize", Kind::Asic},
    {0x1e3e, "iluvatar", Kind::Gpu},
    {0x1e52, "tenstorrent", Kind::Asic},
    {0x1e60, "hailo", Kind::Asic},
    {0x1e67, "untether", Kind::Asic},
    {0x1ec6, "vastai", Kind::Asic},
    {0x1ed2, "furiosa", Kind::Asic},
    {0x1ed5, "moorethreads", Kind::Gpu},
    {0x1ee0, "biren", Kind::Gpu},
    {0x1eff, "rebellions", Kind::Asic},
    {0x1f1c, "sophgo", Kind::Asic},
    {0x1f4b, "axera", Kind::Asic},
    {0x1f82, "d-matrix", Kind::Asic},
    {0x1f9d, "axelera", Kind::Asic},
    {0x1fe9, "memryx", Kind::Asic},
    {0x1ff4, "deepx", Kind::Asic},
    {0x209f, "mobilint", Kind::Asic},
    {0x20a1, "etched", Kind::Asic},
    {0x8086, "intel", Kind::Unknown},
    {0x80ee, "virtualbox", Kind::Unknown},
    {0x9999, "metax", Kind::Gpu},
    {0xcabc, "cambricon", Kind::Asic},
};

const PciVendor *find_pci_vendor(uint32_t id) {
    for (const PciVendor &row : rows)
        if (row.id == id)
            return &row;
    return nullptr;
}

} // namespace hwa::data
