// SPDX-License-Identifier: MIT
// NVIDIA's products of data centres and the later ones for people, named as their driver names
// them: README of NVIDIA's open kernel modules ("Compatible GPUs"), and the public PCI ID list
// (pci-ids.ucw.cz) for those before Turing.
#pragma once

#include "detect/family.h"

namespace hwa::detect {

constexpr Chip nvidia_chip(uint16_t device, const char *name, const char *architecture) {
    return {0x10de, device, device, core::Kind::Gpu, name, architecture};
}

inline constexpr Chip nvidia_chips[] = {
    nvidia_chip(0x1db1, "Tesla V100-SXM2-16GB", "volta"),
    nvidia_chip(0x1db4, "Tesla V100-PCIE-16GB", "volta"),
    nvidia_chip(0x1db5, "Tesla V100-SXM2-32GB", "volta"),
    nvidia_chip(0x1db6, "Tesla V100-PCIE-32GB", "volta"),
    nvidia_chip(0x1e04, "NVIDIA GeForce RTX 2080 Ti", "turing"),
    nvidia_chip(0x1e07, "NVIDIA GeForce RTX 2080 Ti", "turing"),
    nvidia_chip(0x1e82, "NVIDIA GeForce RTX 2080", "turing"),
    nvidia_chip(0x1eb8, "Tesla T4", "turing"),
    nvidia_chip(0x1f02, "NVIDIA GeForce RTX 2070", "turing"),
    nvidia_chip(0x1f08, "NVIDIA GeForce RTX 2060", "turing"),
    nvidia_chip(0x20b0, "NVIDIA A100-SXM4-40GB", "ampere"),
    nvidia_chip(0x20b2, "NVIDIA A100-SXM4-80GB", "ampere"),
    nvidia_chip(0x20b5, "NVIDIA A100 80GB PCIe", "ampere"),
    nvidia_chip(0x20b7, "NVIDIA A30", "ampere"),
    nvidia_chip(0x20f1, "NVIDIA A100-PCIE-40GB", "ampere"),
    nvidia_chip(0x2203, "NVIDIA GeForce RTX 3090 Ti", "ampere"),
    nvidia_chip(0x2204, "NVIDIA GeForce RTX 3090", "ampere"),
    nvidia_chip(0x2206, "NVIDIA GeForce RTX 3080", "ampere"),
    nvidia_chip(0x2208, "NVIDIA GeForce RTX 3080 Ti", "ampere"),
    nvidia_chip(0x2230, "NVIDIA RTX A6000", "ampere"),
    nvidia_chip(0x2235, "NVIDIA A40", "ampere"),
    nvidia_chip(0x2236, "NVIDIA A10", "ampere"),
    nvidia_chip(0x2237, "NVIDIA A10G", "ampere"),
    nvidia_chip(0x2321, "NVIDIA H100 NVL", "hopper"),
    nvidia_chip(0x2322, "NVIDIA H800 PCIe", "hopper"),
    nvidia_chip(0x2324, "NVIDIA H800", "hopper"),
    nvidia_chip(0x2329, "NVIDIA H20", "hopper"),
    nvidia_chip(0x2330, "NVIDIA H100 80GB HBM3", "hopper"),
    nvidia_chip(0x2331, "NVIDIA H100 PCIe", "hopper"),
    nvidia_chip(0x2335, "NVIDIA H200", "hopper"),
    nvidia_chip(0x233b, "NVIDIA H200 NVL", "hopper"),
    nvidia_chip(0x2342, "NVIDIA GH200 480GB", "hopper"),
    nvidia_chip(0x2348, "NVIDIA GH200 144G HBM3e", "hopper"),
    nvidia_chip(0x2482, "NVIDIA GeForce RTX 3070 Ti", "ampere"),
    nvidia_chip(0x2484, "NVIDIA GeForce RTX 3070", "ampere"),
    nvidia_chip(0x2486, "NVIDIA GeForce RTX 3060 Ti", "ampere"),
    nvidia_chip(0x2503, "NVIDIA GeForce RTX 3060", "ampere"),
    nvidia_chip(0x2507, "NVIDIA GeForce RTX 3050", "ampere"),
    nvidia_chip(0x2684, "NVIDIA GeForce RTX 4090", "ada"),
    nvidia_chip(0x26b5, "NVIDIA L40", "ada"),
    nvidia_chip(0x26b9, "NVIDIA L40S", "ada"),
    nvidia_chip(0x2702, "NVIDIA GeForce RTX 4080 SUPER", "ada"),
    nvidia_chip(0x2704, "NVIDIA GeForce RTX 4080", "ada"),
    nvidia_chip(0x2705, "NVIDIA GeForce RTX 4070 Ti SUPER", "ada"),
    nvidia_chip(0x2757, "NVIDIA GeForce RTX 4090 Laptop GPU", "ada"),
    nvidia_chip(0x2782, "NVIDIA GeForce RTX 4070 Ti", "ada"),
    nvidia_chip(0x2783, "NVIDIA GeForce RTX 4070 SUPER", "ada"),
    nvidia_chip(0x2786, "NVIDIA GeForce RTX 4070", "ada"),
    nvidia_chip(0x27b8, "NVIDIA L4", "ada"),
    nvidia_chip(0x27e0, "NVIDIA GeForce RTX 4080 Laptop GPU", "ada"),
    nvidia_chip(0x2803, "NVIDIA GeForce RTX 4060 Ti", "ada"),
    nvidia_chip(0x2805, "NVIDIA GeForce RTX 4060 Ti", "ada"),
    nvidia_chip(0x2860, "NVIDIA GeForce RTX 4070 Laptop GPU", "ada"),
    nvidia_chip(0x2882, "NVIDIA GeForce RTX 4060", "ada"),
    nvidia_chip(0x28e0, "NVIDIA GeForce RTX 4060 Laptop GPU", "ada"),
    nvidia_chip(0x28e1, "NVIDIA GeForce RTX 4050 Laptop GPU", "ada"),
    nvidia_chip(0x2901, "NVIDIA B200", "blackwell"),
    nvidia_chip(0x2941, "NVIDIA GB200", "blackwell"),
    nvidia_chip(0x2b00, "NVIDIA Thor", "blackwell"),
    nvidia_chip(0x2b85, "NVIDIA GeForce RTX 5090", "blackwell"),
    nvidia_chip(0x2bb1, "NVIDIA RTX PRO 6000 Blackwell Workstation Edition", "blackwell"),
    nvidia_chip(0x2bb4, "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "blackwell"),
    nvidia_chip(0x2bb5, "NVIDIA RTX PRO 6000 Blackwell Server Edition", "blackwell"),
    nvidia_chip(0x2c02, "NVIDIA GeForce RTX 5080", "blackwell"),
    nvidia_chip(0x2c05, "NVIDIA GeForce RTX 5070 Ti", "blackwell"),
    nvidia_chip(0x2d04, "NVIDIA GeForce RTX 5060 Ti", "blackwell"),
    nvidia_chip(0x2d05, "NVIDIA GeForce RTX 5060", "blackwell"),
    nvidia_chip(0x2e12, "NVIDIA GB10", "blackwell"),
    nvidia_chip(0x2f04, "NVIDIA GeForce RTX 5070", "blackwell"),
    nvidia_chip(0x3182, "NVIDIA B300 SXM6 AC", "blackwell"),
    nvidia_chip(0x31c2, "NVIDIA GB300", "blackwell"),
};

} // namespace hwa::detect
