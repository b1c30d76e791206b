// SPDX-License-Identifier: MIT
// Axelera's Metis and Europa. Document: axelera-ai-hub/axelera-driver axl-aipu-core.c (ids, and the
// class that keeps the name metis for all of them).
#include "detect/families.h"

namespace hwa::detect {

using core::Kind;

static constexpr Chip chips[] = {
    {0x1f9d, 0x0001, 0x0001, Kind::Asic, "Axelera Europa", "europa"},
    {0x1f9d, 0x1100, 0x1100, Kind::Asic, "Axelera Metis", "metis"},
    {0x1f9d, 0x11aa, 0x11aa, Kind::Asic, "Axelera Metis (first silicon)", "metis"},
};

static std::string node(const PciSubject &subject) {
    return class_node(subject, "metis");
}

constexpr Family axelera_family = {"metis", chips, nullptr, node};

} // namespace hwa::detect
