// SPDX-License-Identifier: MIT
// Graphics of Arm boards: Mali with the kernel's drivers or Arm's own, VideoCore. Documents: Linux
// Documentation/devicetree/bindings/gpu/{arm,mali-utgard,arm,mali-midgard,arm,mali-bifrost,
// arm,mali-valhall-csf,brcm,bcm-v3d}.yaml, include/uapi/drm/{panfrost,panthor}_drm.h; Arm's driver
// mali_kbase makes the misc device mali0.
#include "detect/families.h"

#include "detect/soc.h"
#include "os/uapi/soc.h"

#include <bit>
#include <cstring>

namespace hwa::detect {

using core::Kind;

// From Bifrost on the tree names the generation alone, and the chip tells its model.
static constexpr Engine mali[] = {
    {"arm,mali-400", Kind::Gpu, "Arm Mali-400", "utgard"},
    {"arm,mali-450", Kind::Gpu, "Arm Mali-450", "utgard"},
    {"arm,mali-bifrost", Kind::Gpu, "Arm Mali (Bifrost)", "bifrost"},
    {"arm,mali-midgard", Kind::Gpu, "Arm Mali (Midgard)", "midgard"},
    {"arm,mali-t604", Kind::Gpu, "Arm Mali-T604", "midgard"},
    {"arm,mali-t624", Kind::Gpu, "Arm Mali-T624", "midgard"},
    {"arm,mali-t628", Kind::Gpu, "Arm Mali-T628", "midgard"},
    {"arm,mali-t720", Kind::Gpu, "Arm Mali-T720", "midgard"},
    {"arm,mali-t760", Kind::Gpu, "Arm Mali-T760", "midgard"},
    {"arm,mali-t820", Kind::Gpu, "Arm Mali-T820", "midgard"},
    {"arm,mali-t830", Kind::Gpu, "Arm Mali-T830", "midgard"},
    {"arm,mali-t860", Kind::Gpu, "Arm Mali-T860", "midgard"},
    {"arm,mali-t880", Kind::Gpu, "Arm Mali-T880", "midgard"},
    {"arm,mali-valhall", Kind::Gpu, "Arm Mali (Valhall)", "valhall"},
    {"arm,mali-valhall-csf", Kind::Gpu, "Arm Mali (Valhall)", "valhall"},
    {"arm,mali-valhall-jm", Kind::Gpu, "Arm Mali (Valhall)", "valhall"},
};

static constexpr Engine videocore[] = {
    {"brcm,2711-v3d", Kind::Gpu, "Broadcom VideoCore VI", "v3d-4.2"},
    {"brcm,2712-v3d", Kind::Gpu, "Broadcom VideoCore VII", "v3d-7.1"},
    {"brcm,7268-v3d", Kind::Gpu, "Broadcom VideoCore V (BCM7268)", "v3d-3.3"},
    {"brcm,7278-v3d", Kind::Gpu, "Broadcom VideoCore VI (BCM7278)", "v3d-4.1"},
};

static std::string mali_node(const SocSubject &subject) {
    if (const auto names = subject.host.list(subject.path("misc"), 16))
        for (const std::string &name : *names)
            if (name.starts_with("mali"))
                return "/dev/" + name;
    return drm_node(subject.host, subject.path(""), true);
}

namespace {

/// Products as their graphics drivers call them (Mesa src/panfrost/lib/pan_props.c).
struct Model {
    uint32_t product;
    const char *name;
};

} // namespace

static constexpr Model models[] = {
    {0x6000, "Arm Mali-G71"},  {0x6221, "Arm Mali-G72"},  {0x7090, "Arm Mali-G51"},
    {0x7093, "Arm Mali-G31"},  {0x7211, "Arm Mali-G76"},  {0x7212, "Arm Mali-G52"},
    {0x7402, "Arm Mali-G52"},  {0x9091, "Arm Mali-G57"},  {0x9093, "Arm Mali-G57"},
    {0xa867, "Arm Mali-G610"}, {0xac74, "Arm Mali-G310"},
};

static void put_model(uint64_t product, uint64_t shaders, core::Device &device) {
    for (const Model &model : models)
        if (model.product == product)
            device.name = {model.name, core::Source::Kernel};
    if (shaders != 0)
        device.compute_units = {static_cast<uint32_t>(std::popcount(shaders)),
                                core::Source::Kernel};
}

/// A number that panfrost tells; 0 if it does not.
static uint64_t ask_panfrost(const SocSubject &subject, const core::Device &device,
                             const char *question) {
    uint64_t value = 0;
    const std::string told = subject.answer(device, question);
    if (told.size() == sizeof value)
        std::memcpy(&value, told.data(), sizeof value);
    return value;
}

static void describe(const SocSubject &subject, core::Device &device) {
    if (subject.device.driver == "panfrost")
        put_model(ask_panfrost(subject, device, "panfrost.param.0"),
                  ask_panfrost(subject, device, "panfrost.param.2"), device);
    if (subject.device.driver != "panthor")
        return;
    os::uapi::PanthorChip chip;
    const std::string told = subject.answer(device, "panthor.chip");
    if (told.size() != sizeof chip)
        return;
    std::memcpy(&chip, told.data(), sizeof chip);
    put_model(chip.id >> 16, chip.shaders, device);
}

static constexpr SocFamily mali_family = {"arm", "panthor, panfrost, lima or mali_kbase", mali,
                                          mali_node, describe};
static constexpr SocFamily videocore_family = {"broadcom", "v3d", videocore};

base::Done find_arm_gpu(const Machine &machine, core::System &system) {
    find_soc(machine, "arm_gpu", mali_family, system);
    find_soc(machine, "arm_gpu", videocore_family, system);
    return {};
}

} // namespace hwa::detect
