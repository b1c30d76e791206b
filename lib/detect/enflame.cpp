// SPDX-License-Identifier: MIT
// Enflame's CloudBlazer and S series by the public PCI ID list. Nodes are /dev/gcuN.
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1e36, 0x0001, 0x0001, Kind::Asic, "Enflame CloudBlazer T10", ""},
    {0x1e36, 0x0002, 0x0002, Kind::Asic, "Enflame CloudBlazer T11", ""},
    {0x1e36, 0x0003, 0x0003, Kind::Asic, "Enflame CloudBlazer T10", ""},
    {0x1e36, 0x0021, 0x0022, Kind::Asic, "Enflame CloudBlazer T20", ""},
    {0x1e36, 0x0023, 0x0024, Kind::Asic, "Enflame CloudBlazer T21", ""},
    {0x1e36, 0x8001, 0x8001, Kind::Asic, "Enflame CloudBlazer I20", ""},
    {0x1e36, 0x8011, 0x8011, Kind::Asic, "Enflame CloudBlazer I10", ""},
    {0x1e36, 0x8012, 0x8012, Kind::Asic, "Enflame CloudBlazer I10L", ""},
    {0x1e36, 0x8031, 0x8032, Kind::Asic, "Enflame S6", ""},
    {0x1e36, 0xc031, 0xc031, Kind::Asic, "Enflame S30", ""},
    {0x1e36, 0xc032, 0xc032, Kind::Asic, "Enflame S90", ""},
    {0x1e36, 0xc033, 0xc033, Kind::Asic, "Enflame S60G", ""},
    {0x1e36, 0xc035, 0xc035, Kind::Asic, "Enflame S60", ""},
    {0x1e36, 0xc041, 0xc041, Kind::Asic, "Enflame L300", ""},
    {0x1e36, 0xc042, 0xc042, Kind::Asic, "Enflame L600", ""},
};

static bool is_enflame(const os::PciFunction &function) {
    return function.vendor == 0x1e36 && is_compute_class(function);
}

static std::string node(const PciSubject &subject) {
    return lone_node(subject, "gcu", "gcu");
}

constexpr Family enflame_family = {"enflame", chips, is_enflame, node, nullptr, "gcu"};

} // namespace hwa::detect
