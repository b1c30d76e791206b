// SPDX-License-Identifier: MIT
// Hailo's accelerators. Two drivers of different generations both call themselves "hailo": the node
// tells them apart. Documents: hailo-ai/hailort-drivers common/pcie_common.h (ids),
// linux/pcie/src/pcie.c of the branches hailo8 (class hailo_chardev) and master (class hailo1x).
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

// 8 and 8L have one id, so no rate follows from it.
static constexpr Chip chips[] = {
    {0x1e60, 0x26a2, 0x26a2, Kind::Asic, "Hailo Mars", ""},
    {0x1e60, 0x2864, 0x2864, Kind::Asic, "Hailo-8 or 8L", "hailo8"},
    {0x1e60, 0x43a2, 0x43a2, Kind::Asic, "Hailo-15L", "hailo15"},
    {0x1e60, 0x45c4, 0x45c4, Kind::Asic, "Hailo-10H", "hailo10"},
};

static std::string node(const PciSubject &subject) {
    std::string newer = class_node(subject, "hailo1x");
    return newer.empty() ? class_node(subject, "hailo_chardev") : newer;
}

constexpr Family hailo_family = {"hailo or hailo1x", chips, nullptr, node};

} // namespace hwa::detect
