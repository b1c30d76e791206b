// SPDX-License-Identifier: MIT
// Mobilint ARIES. Document: mobilint/mobilint-device-plugin (the PCI vendor, nodes /dev/ariesN). No
// public list tells its device ids, so the class decides.
#include "detect/families.h"

namespace hwa::detect {

static bool is_mobilint(const os::PciFunction &function) {
    return function.vendor == 0x209f && is_compute_class(function);
}

static std::string node(const PciSubject &subject) {
    return lone_node(subject, "aries", "aries");
}

constexpr Family mobilint_family = {"aries", {}, is_mobilint, node, nullptr, "aries"};

} // namespace hwa::detect
