// SPDX-License-Identifier: MIT
// The table of all probes.
#include "detect/probe.h"

#include "api/hip.h"
#include "api/hsa.h"
#include "api/neuron_rt.h"
#include "api/xrt.h"
#include "base/text.h"
#include "config.h"
#include "detect/cpu.h"
#include "detect/cuda.h"
#include "detect/families.h"
#include "detect/hip.h"
#include "detect/hlml.h"
#include "detect/hsa.h"
#include "detect/icd.h"
#include "detect/level_zero.h"
#include "detect/neuron_rt.h"
#include "detect/nvidia.h"
#include "detect/nvml.h"
#include "detect/opencl.h"
#include "detect/pci.h"
#include "detect/vulkan.h"
#include "detect/xrt.h"

namespace hwa::detect {

using core::BackendDetects;

static constexpr const char *cuda_sonames[] = {"libcuda.so.1"};
static constexpr const char *hlml_sonames[] = {"libhlml.so"};
static constexpr const char *level_zero_sonames[] = {"libze_loader.so.1"};
static constexpr const char *nvml_sonames[] = {"libnvidia-ml.so.1"};
static constexpr const char *vulkan_sonames[] = {"libvulkan.so.1"};
static constexpr const char *opencl_sonames[] = {"libOpenCL.so.1"};

static constexpr Driver cuda = {cuda_sonames, "nvidia", cuda_wanted, no_setting, ask_cuda};
static constexpr Driver hip = {api::hip_sonames, "amd", hip_wanted, no_setting, ask_hip};
static constexpr Driver hlml = {hlml_sonames, "habana", hlml_wanted, no_setting, ask_hlml};
static constexpr Driver hsa = {api::hsa_sonames, "amd", hip_wanted, no_setting, ask_hsa};
static constexpr Driver level_zero = {level_zero_sonames, "intel", level_zero_wanted,
                                      level_zero_setting, ask_level_zero};
static constexpr Driver neuron_rt = {api::neuron_rt_sonames, "amazon",
                                     neuron_rt_wanted,       no_setting,
                                     ask_neuron_rt,          is_run_by_neuron};
static constexpr Driver nvml = {nvml_sonames, "nvidia", nvml_wanted, no_setting, ask_nvml};
static constexpr Driver vulkan = {vulkan_sonames, "", vulkan_manifests, vulkan_setting, ask_vulkan};
static constexpr Driver opencl = {opencl_sonames, "", opencl_manifests, no_setting, ask_opencl};
static constexpr Driver xrt = {api::xrt_sonames, "xilinx", xrt_wanted, no_setting, ask_xrt};

static base::Done find_processors(const Machine &machine, core::System &system) {
    return find_cpu(machine.host, system);
}

static constexpr Probe kernel_only(const char *name, const Family &family) {
    return {name, BackendDetects, true, &family, nullptr, nullptr};
}

static constexpr Probe find_only(const char *name,
                                 base::Done (*find)(const Machine &, core::System &)) {
    return {name, BackendDetects, true, nullptr, find, nullptr};
}

static constexpr Probe driver_only(const char *name, bool built, const Driver &driver) {
    return {name, BackendDetects, built, nullptr, nullptr, &driver};
}

static constexpr Probe table[] = {
    {"cpu", BackendDetects, true, nullptr, find_processors, nullptr},
    {"amd", BackendDetects, true, &amd_family, find_amd, nullptr},
    find_only("apple", find_apple),
    find_only("arm_gpu", find_arm_gpu),
    kernel_only("ascend", ascend_family),
    kernel_only("asic", asic_family),
    kernel_only("axelera", axelera_family),
    {"bluefield", BackendDetects, true, &bluefield_family, find_bluefield, nullptr},
    kernel_only("cambricon", cambricon_family),
    {"coral", BackendDetects, true, &coral_family, find_coral_usb, nullptr},
    kernel_only("deepx", deepx_family),
    kernel_only("dsa", dsa_family),
    kernel_only("enflame", enflame_family),
    find_only("ethos", find_ethos),
    find_only("fpga", find_fpga),
    kernel_only("furiosa", furiosa_family),
    {"gaudi", BackendDetects, true, &gaudi_family, find_gaudi_version, nullptr},
    kernel_only("gna", gna_family),
    {"google_tpu", BackendDetects, true, &google_tpu_family, find_google_tpu, nullptr},
    kernel_only("graphcore", graphcore_family),
    kernel_only("groq", groq_family),
    kernel_only("hailo", hailo_family),
    {"hygon", BackendDetects, true, &hygon_family, find_hygon, nullptr},
    kernel_only("ibm_spyre", ibm_spyre_family),
    kernel_only("iluvatar", iluvatar_family),
    kernel_only("intel_fpga", intel_fpga_family),
    {"intel_gpu", BackendDetects, true, &intel_gpu_family, find_intel_tiles, nullptr},
    kernel_only("intel_ipu", intel_ipu_family),
    kernel_only("intel_npu", intel_npu_family),
    find_only("mediatek", find_mediatek),
    kernel_only("memryx", memryx_family),
    kernel_only("metax", metax_family),
    kernel_only("mobilint", mobilint_family),
    kernel_only("moore_threads", moore_threads_family),
    find_only("movidius", find_movidius),
    kernel_only("nec_ve", nec_ve_family),
    {"neuron", BackendDetects, true, &neuron_family, find_neuron, nullptr},
    {"nvidia", BackendDetects, true, &nvidia_family, find_nvidia, nullptr},
    kernel_only("pensando", pensando_family),
    kernel_only("qat", qat_family),
    {"qualcomm", BackendDetects, true, &qualcomm_family, find_qualcomm, nullptr},
    kernel_only("rebellions", rebellions_family),
    find_only("rockchip", find_rockchip),
    find_only("samsung", find_samsung),
    kernel_only("tenstorrent", tenstorrent_family),
    find_only("verisilicon", find_verisilicon),
    {"xdna", BackendDetects, true, &xdna_family, find_xdna, nullptr},
    kernel_only("xeon_phi", xeon_phi_family),
    {"xilinx", BackendDetects, true, &xilinx_family, find_xilinx, nullptr},
    // Takes what the families leave.
    {"pci", BackendDetects, true, nullptr, find_pci, nullptr},
    // Before CUDA, which tells of a part its UUID but not its place.
    driver_only("nvml", HWA_BACKEND_NVML != 0, nvml),
    driver_only("cuda", HWA_BACKEND_CUDA != 0, cuda),
    driver_only("hip", HWA_BACKEND_HIP != 0, hip),
    driver_only("hsa", HWA_BACKEND_HSA != 0, hsa),
    driver_only("hlml", HWA_BACKEND_HLML != 0, hlml),
    driver_only("level_zero", HWA_BACKEND_LEVEL_ZERO != 0, level_zero),
    driver_only("neuron_rt", HWA_BACKEND_NEURON_RT != 0, neuron_rt),
    driver_only("xrt", HWA_BACKEND_XRT != 0, xrt),
    driver_only("vulkan", HWA_BACKEND_VULKAN != 0, vulkan),
    driver_only("opencl", HWA_BACKEND_OPENCL != 0, opencl),
};

std::span<const Probe> probes() {
    return table;
}

const Probe *find_probe(std::string_view name) {
    for (const Probe &probe : table)
        if (probe.name == name)
            return &probe;
    return nullptr;
}

/// True if the option `backends` names the probe, or does not name it where it names those to leave
/// out.
static bool chosen(std::string_view backends, std::string_view name) {
    bool only = false;
    for (std::string_view part : base::split(backends, ',')) {
        part = base::trim(part);
        if (part.starts_with('-') && part.substr(1) == name)
            return false;
        if (part == name)
            return true;
        only = only || (!part.empty() && !part.starts_with('-'));
    }
    return !only;
}

std::optional<std::string> skip_reason(const Probe &probe, const Options &options) {
    // Every system has its processors, whatever else was asked for.
    if (probe.find == find_processors)
        return std::nullopt;
    if (!probe.built)
        return "left out when the library was built";
    if (!chosen(options.backends, probe.name))
        return "left out by the option backends";
    if (probe.driver != nullptr && !options.sysroot.empty())
        return "a captured tree has no drivers to ask";
    if (probe.driver != nullptr && options.no_drivers)
        return "drivers are not to be asked";
    return std::nullopt;
}

} // namespace hwa::detect
