// SPDX-License-Identifier: MIT
// Apple's graphics and Neural Engines on Linux. Documents: Linux Documentation/devicetree/bindings/
// gpu/apple,agx.yaml and the device trees of Asahi Linux (names of either),
// include/uapi/drm/asahi_drm.h, eiln/ane
// ane/src/ane_drv.c; which chip is which by the heads of arch/arm64/boot/dts/apple/*.dtsi.
#include "detect/families.h"

#include "base/text.h"
#include "data/rates.h"
#include "detect/peak.h"
#include "detect/soc.h"
#include "os/uapi/soc.h"

#include <bit>
#include <cstring>

namespace hwa::detect {

using core::Kind;

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

/// Cores that work, and the clock, from the chip that the device tree names and no other.
static void describe(const SocSubject &subject, core::Device &device) {
    os::uapi::AsahiChip chip;
    const std::string told = subject.answer(device, "asahi.chip");
    if (told.size() != sizeof chip)
        return;
    std::memcpy(&chip, told.data(), sizeof chip);
    const std::string name = base::format("apple,agx-t%x", chip.chip);
    if (!subject.device.is(name))
        return;
    uint32_t cores = 0;
    for (const uint64_t mask : chip.core_masks)
        cores += static_cast<uint32_t>(std::popcount(mask));
    if (cores != 0)
        device.compute_units = {cores, core::Source::Kernel};
    constexpr uint32_t sane_khz = 10000000;
    if (chip.max_khz != 0 && chip.max_khz < sane_khz)
        device.clock_hz = {uint64_t{chip.max_khz} * 1000, core::Source::Kernel};
    put_peaks(data::apple_rates(device.architecture.value), device);
}

static constexpr SocFamily graphics_family = {"apple", "asahi", graphics, nullptr, describe};
static constexpr SocFamily neural_family = {"apple", "ane, which is not part of the kernel",
                                            neural};

base::Done find_apple(const Machine &machine, core::System &system) {
    find_soc(machine, "apple", graphics_family, system);
    find_soc(machine, "apple", neural_family, system);
    return {};
}

} // namespace hwa::detect
