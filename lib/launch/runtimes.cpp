// SPDX-License-Identifier: MIT
// The table of all runtimes.
#include "config.h"
#include "launch/runtime.h"

#include <iterator>

namespace hwa::launch {

extern const Runtime cpu_runtime;
extern const Runtime cuda_runtime;
extern const Runtime opencl_runtime;
extern const Runtime vulkan_runtime;

static constexpr const Runtime *table[] = {
#if HWA_RUNTIME_CPU
    &cpu_runtime,
#endif
#if HWA_RUNTIME_CUDA
    &cuda_runtime,
#endif
#if HWA_RUNTIME_OPENCL
    &opencl_runtime,
#endif
#if HWA_RUNTIME_VULKAN
    &vulkan_runtime,
#endif
    nullptr,
};

std::span<const Runtime *const> runtimes() {
    return {table, std::size(table) - 1};
}

const Runtime *find_runtime(std::string_view name) {
    for (const Runtime *runtime : runtimes())
        if (name == runtime->name)
            return runtime;
    return nullptr;
}

} // namespace hwa::launch
