// SPDX-License-Identifier: MIT
// MediaTek's APU, of which a device tree describes the parts but no whole. Document: the vendor
// kernel's drivers/misc/mediatek/apusys (names of the parts; one node /dev/apusys).
#include "detect/families.h"

#include "detect/soc.h"

namespace hwa::detect {

using core::Kind;

static constexpr Engine engines[] = {
    {"mediatek,apusys_power", Kind::Npu, "MediaTek APU", "apusys"},
    {"mediatek,apusys-power", Kind::Npu, "MediaTek APU", "apusys"},
    {"mediatek,apusys_reviser", Kind::Npu, "MediaTek APU", "apusys"},
    {"mediatek,apusys_rv", Kind::Npu, "MediaTek APU", "apusys"},
};

static std::string node(const SocSubject &) {
    return "/dev/apusys";
}

static constexpr SocFamily family = {"mediatek", "apusys", engines, node, nullptr, Nodes::Parts};

base::Done find_mediatek(const Machine &machine, core::System &system) {
    find_soc(machine, "mediatek", family, system);
    return {};
}

} // namespace hwa::detect
