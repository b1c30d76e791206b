// SPDX-License-Identifier: MIT
// Reading the environment, and the list of variables that are passed on to a helper process.
#include "os/environment.h"

#include "os/host.h"

#include <cstdlib>
#include <string_view>
#include <unistd.h>

namespace hwa::os {

/// Variables by name, or by how the name begins where it ends in an underscore. LD_PRELOAD and
/// LD_AUDIT are left out on purpose: what is put under the caller is not meant for the helper.
static constexpr std::string_view passed[] = {
    "HOME",
    "LD_LIBRARY_PATH",
    "XDG_",
    // NVIDIA
    "CUDA_",
    "NVIDIA_",
    // AMD
    "AMD_",
    "GPU_DEVICE_ORDINAL",
    "HIP_",
    "HSA_",
    "RADV_",
    "ROCR_",
    "XILINX_XRT",
    // AWS
    "NEURON_",
    // Intel
    "ONEAPI_DEVICE_SELECTOR",
    "ZE_",
    // Vulkan
    "MESA_",
    "VK_",
    // OpenCL
    "CL_",
    "OCL_",
    "POCL_",
    "RUSTICL_",
    // Mesa's software drivers
    "LP_NUM_THREADS",
};

/// Layers are for applications that draw: overlays and capture tools have no place in a probe. The
/// tunable makes room for drivers that keep thread-local data in the static block.
static constexpr std::string_view always[] = {
    "PATH=/usr/bin:/bin",
    "LC_ALL=C",
    "VK_LOADER_LAYERS_DISABLE=~implicit~",
    "GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384",
};

static bool is_passed(std::string_view variable) {
    const std::string_view name = variable.substr(0, variable.find('='));
    if (name == "VK_LOADER_LAYERS_DISABLE")
        return false;
    for (const std::string_view row : passed)
        if (row.ends_with('_') ? name.starts_with(row) : name == row)
            return true;
    return false;
}

std::optional<std::string> environment_variable(const char *name) {
    const char *value = elevated() ? nullptr : std::getenv(name);
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

std::vector<std::string> helper_environment() {
    std::vector<std::string> list;
    if (elevated()) {
        list.assign(std::begin(always), std::begin(always) + 2);
        return list;
    }
    list.assign(std::begin(always), std::end(always));
    for (char **at = environ; at != nullptr && *at != nullptr; ++at)
        if (is_passed(*at))
            list.emplace_back(*at);
    return list;
}

} // namespace hwa::os
