// SPDX-License-Identifier: MIT
// Rebellions' ATOM and REBEL. Documents: the public PCI ID list (physical and virtual functions),
// rebellions-sw/rbln-npu-feature-discovery and rbln-npu-operator (the class rebellions and its
// files).
#include "detect/families.h"

namespace hwa::detect {

using core::Device;
using core::Kind;

static constexpr Chip chips[] = {
    {0x1eff, 0x1020, 0x1021, Kind::Asic, "Rebellions RBLN-CA2", "atom"},
    {0x1eff, 0x1110, 0x1111, Kind::Asic, "Rebellions RBLN-CA11", "atom"},
    {0x1eff, 0x1120, 0x1121, Kind::Asic, "Rebellions RBLN-CA12", "atom"},
    {0x1eff, 0x1210, 0x1211, Kind::Asic, "Rebellions RBLN-CA21", "atom"},
    {0x1eff, 0x1220, 0x1221, Kind::Asic, "Rebellions RBLN-CA22", "atom"},
    {0x1eff, 0x1250, 0x1251, Kind::Asic, "Rebellions RBLN-CA25", "atom"},
    {0x1eff, 0x2030, 0x2031, Kind::Asic, "Rebellions RBLN-CR03", "rebel"},
    {0x1eff, 0x2130, 0x2131, Kind::Asic, "Rebellions RBLN-CR13", "rebel"},
    {0x1eff, 0x2230, 0x2231, Kind::Asic, "Rebellions RBLN-CR23", "rebel"},
};

static bool is_rebellions(const os::PciFunction &function) {
    return function.vendor == 0x1eff && is_compute_class(function);
}

static std::string node(const PciSubject &subject) {
    return lone_node(subject, "rebellions", "rbln");
}

static void describe(const PciSubject &subject, Device &device) {
    const core::Attr *at = device.find_attr("device.node");
    if (at == nullptr)
        return;
    const std::string folder = "rebellions" + at->s.substr(at->s.rfind('/'));
    put_version(device, "rebellions.driver_version",
                subject.text((folder + "/kernel_version").c_str()));
}

constexpr Family rebellions_family = {"rebellions", chips, is_rebellions, node, describe, "rbln"};

} // namespace hwa::detect
