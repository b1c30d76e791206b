// SPDX-License-Identifier: MIT
// Deep learning accelerators (DLA) of NVIDIA's systems on a chip: "DLA Device Tree" in the guide of
// NVIDIA DRIVE OS; drivers/video/tegra/host/nvdla of Jetson Linux, whose node is "nvhost-ctrl-" and
// the name in the device tree.
#include "detect/nvidia.h"

#include "detect/soc.h"

namespace hwa::detect {

using core::Kind;

static constexpr Engine engines[] = {
    {"nvidia,tegra194-nvdla", Kind::Npu, "NVIDIA DLA (Xavier)", "nvdla1"},
    {"nvidia,tegra234-nvdla", Kind::Npu, "NVIDIA DLA (Orin)", "nvdla2"},
    {"nvidia,tegra264-nvdla", Kind::Npu, "NVIDIA DLA (Thor)", ""},
};

static std::string node(const SocSubject &subject) {
    const std::string &name = subject.device.name;
    return "/dev/nvhost-ctrl-" + name.substr(name.find('.') + 1);
}

static constexpr SocFamily family = {"nvidia", "nvdla", engines, node};

void find_dla(const Machine &machine, core::System &system) {
    find_soc(machine, "nvidia", family, system);
}

} // namespace hwa::detect
