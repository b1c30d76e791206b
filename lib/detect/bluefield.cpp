// SPDX-License-Identifier: MIT
// NVIDIA's BlueField DPUs by the public PCI ID list (pci-ids.ucw.cz), as a host sees them, and what
// the kernel tells of their network (Linux Documentation/ABI/stable/sysfs-class-infiniband).
// ConnectX cards are no DPUs, nor are the functions that manage a BlueField (c2d1 to c2d6).
#include "detect/families.h"

#include "detect/network.h"

namespace hwa::detect {

using core::Device;
using core::Kind;
using core::Source;

static constexpr Chip chips[] = {
    {0x15b3, 0xa2d2, 0xa2d2, Kind::Dpu, "NVIDIA BlueField", "bluefield"},
    {0x15b3, 0xa2d3, 0xa2d3, Kind::Dpu, "NVIDIA BlueField VF", ""},
    {0x15b3, 0xa2d6, 0xa2d6, Kind::Dpu, "NVIDIA BlueField-2", "bluefield2"},
    {0x15b3, 0xa2d9, 0xa2d9, Kind::Dpu, "NVIDIA BlueField-3 Lx", "bluefield3"},
    {0x15b3, 0xa2dc, 0xa2dc, Kind::Dpu, "NVIDIA BlueField-3", "bluefield3"},
    {0x15b3, 0xa2df, 0xa2df, Kind::Dpu, "NVIDIA BlueField-4", "bluefield4"},
};

static std::string node(const PciSubject &subject) {
    return class_node(subject, "infiniband_verbs");
}

static void describe(const PciSubject &subject, Device &device) {
    const auto names = subject.host.list(subject.path("infiniband"), 4);
    if (!names || names->empty() || subject.asleep())
        return;
    const std::string files = "infiniband/" + (*names)[0] + '/';
    put_version(device, "nic.rdma", (*names)[0]);
    put_version(device, "nic.firmware", subject.text((files + "fw_ver").c_str()));
    put_version(device, "nic.board", subject.text((files + "board_id").c_str()));
    if (const uint64_t bits = rdma_rate(subject.text((files + "ports/1/rate").c_str())); bits > 0)
        device.put_attr(
            core::attr_int("nic.bytes_per_second", static_cast<int64_t>(bits / 8), Source::Kernel));
}

constexpr Family bluefield_family = {"mlx5_core", chips, nullptr, node, describe};

base::Done find_bluefield(const Machine &, core::System &system) {
    join_functions("bluefield", system);
    return {};
}

} // namespace hwa::detect
