// SPDX-License-Identifier: MIT
// Samsung's Exynos NPU. Document: the vendor kernel's drivers/vision/npu (npu-device.c: the name;
// the vision device, always number 10).
#include "detect/families.h"

#include "detect/soc.h"

namespace hwa::detect {

using core::Kind;

static constexpr Engine engines[] = {
    {"samsung,exynos-npu", Kind::Npu, "Samsung Exynos NPU", ""},
};

static std::string node(const SocSubject &) {
    return "/dev/vertex10";
}

static constexpr SocFamily family = {"samsung", "exynos-npu", engines, node};

base::Done find_samsung(const Machine &machine, core::System &system) {
    find_soc(machine, "samsung", family, system);
    return {};
}

} // namespace hwa::detect
