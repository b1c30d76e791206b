// SPDX-License-Identifier: MIT
// Iluvatar CoreX by its PCI vendor, as no public list tells its device ids. Nodes are
// /dev/iluvatarN.
#include "detect/families.h"

namespace hwa::detect {

static bool is_iluvatar(const os::PciFunction &function) {
    return function.vendor == 0x1e3e && is_compute_class(function);
}

static std::string node(const PciSubject &subject) {
    return lone_node(subject, "iluvatar", "iluvatar");
}

constexpr Family iluvatar_family = {"iluvatar", {}, is_iluvatar, node, nullptr, "iluvatar"};

} // namespace hwa::detect
