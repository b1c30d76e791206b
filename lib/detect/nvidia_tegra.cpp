// SPDX-License-Identifier: MIT
// Graphics of NVIDIA's systems on a chip (Jetson), by their nodes in the device tree: Linux
// Documentation/devicetree/bindings/gpu/nvidia,gk20a.yaml; for Orin the device trees of NVIDIA's
// Jetson Linux. They have no memory but the host's.
#include "detect/nvidia.h"

#include "base/text.h"
#include "base/units.h"
#include "detect/pci_access.h"

namespace hwa::detect {

using core::Source;

namespace {

struct Tegra {
    const char *compatible;
    const char *name;
    const char *architecture;
    const char *capability; ///< of CUDA
};

} // namespace

static constexpr Tegra table[] = {
    {"nvidia,ga10b", "NVIDIA Orin (GA10B)", "ampere", "8.7"},
    {"nvidia,gv11b", "NVIDIA Xavier (GV11B)", "volta", "7.2"},
    {"nvidia,gp10b", "NVIDIA Tegra X2 (GP10B)", "pascal", "6.2"},
    {"nvidia,gm20b", "NVIDIA Tegra X1 (GM20B)", "maxwell", "5.3"},
};

/// Which node programs open goes by the release of NVIDIA's software.
static void find_access(const os::Host &host, core::Device &device) {
    for (const char *node : {"/dev/nvgpu/igpu0/ctrl", "/dev/nvhost-ctrl-gpu"})
        if (host.exists(node))
            return try_node(host, node, device);
    try_node(host, "/dev/nvmap", device);
}

static core::Device describe(const Machine &machine, const os::PlatformDevice &found,
                             const Tegra &row, const core::System &system) {
    core::Device device;
    device.id = "platform-" + found.name;
    device.kind = core::Kind::Gpu;
    device.name = {row.name, Source::Table};
    device.vendor = {"nvidia", Source::Table};
    device.architecture = {row.architecture, Source::Table};
    device.backends = {"nvidia"};
    device.put_attr(core::attr_text("cuda.compute_capability", row.capability, Source::Table));
    share_host_memory(system, device);
    const std::string clock = os::platform_folder + found.name + "/devfreq/" + found.name;
    if (const auto text = machine.host.read_file(clock + "/max_freq", base::KiB))
        if (const auto hz = base::parse_u64(base::trim(*text)); hz && *hz < 10'000'000'000)
            device.clock_hz.offer(*hz, Source::Kernel);
    if (found.driver.empty()) {
        device.access = base::Status::Unavailable;
        device.access_message = "no kernel driver is bound to it; it needs nvgpu";
        return device;
    }
    device.driver = {found.driver, Source::Kernel};
    if (found.driver == "nouveau") {
        device.access = base::Status::Unavailable;
        device.access_message = "its driver nouveau offers nothing to compute with";
        return device;
    }
    find_access(machine.host, device);
    return device;
}

void find_tegra(const Machine &machine, core::System &system) {
    for (const os::PlatformDevice &found : machine.platform)
        for (const Tegra &row : table)
            if (found.is(row.compatible)) {
                system.devices.push_back(describe(machine, found, row, system));
                break;
            }
}

} // namespace hwa::detect
