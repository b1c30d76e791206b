// SPDX-License-Identifier: MIT
// VeriSilicon's graphics and neural cores, once Vivante. Documents: Linux Documentation/devicetree/
// bindings/gpu/vivante,gc.yaml and drivers/gpu/drm/etnaviv/etnaviv_drv.c: one name for both kinds
// and one DRM device for all cores.
#include "detect/families.h"

#include "detect/soc.h"

namespace hwa::detect {

using core::Kind;

static constexpr Engine engines[] = {
    {"vivante,gc", Kind::Gpu, "VeriSilicon GC", "vivante"},
};

static std::string node(const SocSubject &subject) {
    return virtual_node(subject.host, "etnaviv", true);
}

/// The generic name of a node, "38500000.npu", says what it does (Devicetree Specification 2.2.2);
/// the compatible name does not.
static void describe(const SocSubject &subject, core::Device &device) {
    if (!subject.device.name.ends_with(".npu"))
        return;
    device.kind = Kind::Npu;
    device.name.value = "VeriSilicon VIP";
}

static constexpr SocFamily family = {"verisilicon", "etnaviv", engines, node, describe};

base::Done find_verisilicon(const Machine &machine, core::System &system) {
    find_soc(machine, "verisilicon", family, system);
    return {};
}

} // namespace hwa::detect
