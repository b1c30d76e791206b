// SPDX-License-Identifier: MIT
// Variables by runtime, from the drivers' documents: CUDA C++ Programming Guide, "CUDA Environment
// Variables"; ROCm, "GPU isolation techniques"; Level Zero specification, "Environment Variables";
// the Vulkan loader's LoaderDriverInterface.md; Mesa's envvars.rst; ocl-icd and PoCL manuals.
#include "data/visibility.h"

#include "base/text.h"

namespace hwa::data {

static constexpr const char *cuda[] = {"CUDA_VISIBLE_DEVICES"};
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

static constexpr struct {
    std::string_view runtime;
    std::span<const char *const> variables;
} table[] = {
    {"cuda", cuda},     {"hip", hip},       {"level_zero", level_zero},
    {"opencl", opencl}, {"vulkan", vulkan},
};

std::span<const char *const> visibility_variables(std::string_view runtime) {
    for (const auto &row : table)
        if (row.runtime == runtime)
            return row.variables;
    return {};
}

std::string visibility_text(std::string_view runtime, const Lookup &lookup) {
    std::string text;
    for (const char *name : visibility_variables(runtime))
        if (const auto value = lookup(name))
            text += (text.empty() ? "" : " ") + base::sanitise(std::string(name) + '=' + *value);
    return text;
}

} // namespace hwa::data
