// SPDX-License-Identifier: MIT
// Variables by runtime, from the drivers' documents: CUDA C++ Programming Guide, "CUDA Environment
// Variables"; ROCm, "GPU isolation techniques"; Level Zero specification, "Environment Variables";
// the Vulkan loader's LoaderDriverInterface.md; Mesa's envvars.rst; ocl-icd and PoCL manuals. Those
// by family are of the makers' container and runtime manuals.
#include "data/visibility.h"

#include "base/text.h"

namespace hwa::data {

static constexpr const char *cuda[] = {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"};
static constexpr const char *hip[] = {"ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES",
                                      "CUDA_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL",
                                      "HSA_OVERRIDE_GFX_VERSION"};
static constexpr const char *level_zero[] = {"ZE_AFFINITY_MASK", "ZE_FLAT_DEVICE_HIERARCHY"};
static constexpr const char *opencl[] = {
    "OCL_ICD_VENDORS",      "OCL_ICD_FILENAMES",    "POCL_DEVICES",       "RUSTICL_ENABLE",
    "CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK"};
static constexpr const char *vulkan[] = {"VK_DRIVER_FILES",           "VK_ICD_FILENAMES",
                                         "VK_ADD_DRIVER_FILES",       "VK_LOADER_DRIVERS_SELECT",
                                         "VK_LOADER_DRIVERS_DISABLE", "MESA_VK_DEVICE_SELECT",
                                         "CUDA_VISIBLE_DEVICES"};

// What container runtimes were told to hand over, and what frameworks above the drivers obey.
static constexpr const char *amd[] = {"AMD_VISIBLE_DEVICES",      "ROCR_VISIBLE_DEVICES",
                                      "HIP_VISIBLE_DEVICES",      "GPU_DEVICE_ORDINAL",
                                      "HSA_OVERRIDE_GFX_VERSION", "GGML_VK_VISIBLE_DEVICES"};
static constexpr const char *ascend[] = {"ASCEND_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES"};
static constexpr const char *cambricon[] = {"CAMBRICON_VISIBLE_DEVICES", "MLU_VISIBLE_DEVICES"};
static constexpr const char *enflame[] = {"ENFLAME_VISIBLE_DEVICES", "TOPS_VISIBLE_DEVICES"};
static constexpr const char *gaudi[] = {"HABANA_VISIBLE_DEVICES", "HABANA_VISIBLE_MODULES"};
static constexpr const char *google_tpu[] = {
    "TPU_VISIBLE_CHIPS",  "TPU_VISIBLE_DEVICES", "TPU_CHIPS_PER_PROCESS_BOUNDS",
    "TPU_PROCESS_BOUNDS", "PJRT_DEVICE",         "TPU_SKIP_MDS_QUERY"};
static constexpr const char *iluvatar[] = {"ILUVATAR_COREX_VISIBLE_DEVICES",
                                           "CUDA_VISIBLE_DEVICES"};
static constexpr const char *intel_gpu[] = {"ZE_AFFINITY_MASK", "ZE_FLAT_DEVICE_HIERARCHY",
                                            "ONEAPI_DEVICE_SELECTOR", "SYCL_DEVICE_FILTER",
                                            "GGML_VK_VISIBLE_DEVICES"};
static constexpr const char *intel_npu[] = {"ZE_AFFINITY_MASK"};
static constexpr const char *metax[] = {"METAX_VISIBLE_DEVICES", "MACA_VISIBLE_DEVICES",
                                        "CUDA_VISIBLE_DEVICES"};
static constexpr const char *moore_threads[] = {"MTHREADS_VISIBLE_DEVICES", "MUSA_VISIBLE_DEVICES"};
static constexpr const char *neuron[] = {"NEURON_RT_VISIBLE_CORES", "NEURON_RT_NUM_CORES",
                                         "NEURON_LOGICAL_NC_CONFIG"};
static constexpr const char *nvidia[] = {"NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES",
                                         "CUDA_DEVICE_ORDER", "GGML_VK_VISIBLE_DEVICES"};
static constexpr const char *qualcomm[] = {"QAIC_VISIBLE_DEVICES"};
static constexpr const char *rebellions[] = {"RBLN_VISIBLE_DEVICES", "RBLN_DEVICES"};
static constexpr const char *tenstorrent[] = {"TT_VISIBLE_DEVICES"};
static constexpr const char *asic[] = {"XPU_VISIBLE_DEVICES"}; // Kunlunxin

namespace {

struct Row {
    std::string_view name;
    std::span<const char *const> variables;
};

} // namespace

/// By runtime, and by family of devices.
static constexpr Row table[] = {
    {"cuda", cuda},
    {"hip", hip},
    {"level_zero", level_zero},
    {"opencl", opencl},
    {"vulkan", vulkan},
    {"amd", amd},
    {"ascend", ascend},
    {"asic", asic},
    {"cambricon", cambricon},
    {"enflame", enflame},
    {"gaudi", gaudi},
    {"google_tpu", google_tpu},
    {"hygon", hip},
    {"iluvatar", iluvatar},
    {"intel_gpu", intel_gpu},
    {"intel_npu", intel_npu},
    {"metax", metax},
    {"moore_threads", moore_threads},
    {"neuron", neuron},
    {"nvidia", nvidia},
    {"qualcomm", qualcomm},
    {"rebellions", rebellions},
    {"tenstorrent", tenstorrent},
};

std::span<const char *const> visibility_variables(std::string_view name) {
    for (const Row &row : table)
        if (row.name == name)
            return row.variables;
    return {};
}

std::string visibility_text(std::string_view whose, const Lookup &lookup) {
    std::string text;
    for (const char *name : visibility_variables(whose))
        if (const auto value = lookup(name))
            text += (text.empty() ? "" : " ") + base::sanitise(std::string(name) + '=' + *value);
    return text;
}

} // namespace hwa::data
