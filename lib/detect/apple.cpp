// SPDX-License-Identifier: MIT
// Apple's graphics and Neural Engines on Linux. Documents: Linux Documentation/devicetree/bindings/
// gpu/apple,agx.yaml and the device trees of Asahi Linux (names of either), eiln/ane
// ane/src/ane_drv.c; which chip is which by the heads of arch/arm64/boot/dts/apple/*.dtsi.
#include "detect/families.h"

#include "detect/soc.h"

namespace hwa::detect {

using core::Kind;

// How many graphics cores of a chip work is nowhere in its device tree.
static constexpr Engine graphics[] = {
    {"apple,agx-g13c", Kind::Gpu, "Apple M1 Max GPU", "agx-g13"},
    {"apple,agx-g13d", Kind::Gpu, "Apple M1 Ultra GPU", "agx-g13"},
    {"apple,agx-g13g", Kind::Gpu, "Apple M1 GPU", "agx-g13"},
    {"apple,agx-g13s", Kind::Gpu, "Apple M1 Pro GPU", "agx-g13"},
    {"apple,agx-g14g", Kind::Gpu, "Apple M2 GPU", "agx-g14"},
    {"apple,agx-t6000", Kind::Gpu, "Apple M1 Pro GPU", "agx-g13"},
    {"apple,agx-t6001", Kind::Gpu, "Apple M1 Max GPU", "agx-g13"},
    {"apple,agx-t6002", Kind::Gpu, "Apple M1 Ultra GPU", "agx-g13"},
    {"apple,agx-t6020", Kind::Gpu, "Apple M2 Pro GPU", "agx-g14"},
    {"apple,agx-t6021", Kind::Gpu, "Apple M2 Max GPU", "agx-g14"},
    {"apple,agx-t6022", Kind::Gpu, "Apple M2 Ultra GPU", "agx-g14"},
    {"apple,agx-t8103", Kind::Gpu, "Apple M1 GPU", "agx-g13"},
    {"apple,agx-t8112", Kind::Gpu, "Apple M2 GPU", "agx-g14"},
};

static constexpr Engine neural[] = {
    {"apple,t6000-ane", Kind::Npu, "Apple Neural Engine (M1 Pro, Max or Ultra)", "h13"},
    {"apple,t6020-ane", Kind::Npu, "Apple Neural Engine (M2 Pro)", "h14"},
    {"apple,t6021-ane", Kind::Npu, "Apple Neural Engine (M2 Max)", "h14"},
    {"apple,t8103-ane", Kind::Npu, "Apple Neural Engine (M1)", "h13"},
    {"apple,t8112-ane", Kind::Npu, "Apple Neural Engine (M2)", "h14"},
};

static constexpr SocFamily graphics_family = {"apple", "asahi", graphics};
static constexpr SocFamily neural_family = {"apple", "ane, which is not part of the kernel",
                                            neural};

base::Done find_apple(const Machine &machine, core::System &system) {
    find_soc(machine, "apple", graphics_family, system);
    find_soc(machine, "apple", neural_family, system);
    return {};
}

} // namespace hwa::detect
