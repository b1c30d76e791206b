// SPDX-License-Identifier: MIT
// Arm Ethos-U and Ethos-N. Documents: Linux Documentation/devicetree/bindings/npu/arm,ethos.yaml
// and drivers/accel/ethosu; Arm's ethos-u-linux-driver-stack (class ethosu) and
// ethos-n-driver-stack (class ethosn).
#include "detect/families.h"

#include "detect/soc.h"

namespace hwa::detect {

using core::Kind;

static constexpr Engine engines[] = {
    {"arm,ethos-n", Kind::Npu, "Arm Ethos-N", "ethos-n"},
    {"arm,ethos-u65", Kind::Npu, "Arm Ethos-U65", "ethos-u65"},
    {"arm,ethos-u85", Kind::Npu, "Arm Ethos-U85", "ethos-u85"},
    {"arm,ethosu", Kind::Npu, "Arm Ethos-U", ""},
};

static std::string node(const SocSubject &subject) {
    for (const char *place : {"ethosu", "ethosn"})
        if (const auto names = subject.host.list(subject.path(place), 16))
            for (const std::string &name : *names)
                if (name.starts_with(place))
                    return "/dev/" + name;
    return drm_node(subject.host, subject.path(""), false);
}

static constexpr SocFamily family = {"arm", "ethosu", engines, node};

base::Done find_ethos(const Machine &machine, core::System &system) {
    find_soc(machine, "ethos", family, system);
    return {};
}

} // namespace hwa::detect
