/* SPDX-License-Identifier: MIT */
/* One row for each driver; tests/capi/meson.build says which of them were built. */
#include "fault_drivers.h"

#include <string.h>

const struct driver drivers[] = {
    {"cuda",
     "libcuda.so.1",
     "cuda",
     "cuInit",
     "cuDeviceGetName",
     {{"cuGetProcAddress_v2 1", HWA_OUTCOME_CRASHED},
      {"cuDeviceGetCount 1", HWA_OUTCOME_GARBAGE},
      {"cuDeviceGet 1", HWA_OUTCOME_FAILED}}},
    {"hip",
     "libamdhip64.so.6",
     "hip",
     "hipInit",
     "hipDeviceGetName",
     {{"hipGetDeviceCount 1", HWA_OUTCOME_GARBAGE}}},
    {"hlml",
     "libhlml.so",
     "hlml",
     "hlml_init",
     "hlml_device_get_name",
     {{"hlml_device_get_handle_by_index 1", HWA_OUTCOME_CRASHED}}},
    {"hsa",
     "libhsa-runtime64.so.1",
     "hsa",
     "hsa_init",
     "hsa_agent_get_info",
     {{"hsa_iterate_agents 1", HWA_OUTCOME_CRASHED}}},
    {"level_zero",
     "libze_loader.so.1",
     "level-zero",
     "zeInitDrivers",
     "zeDeviceGetProperties",
     {{"zeDeviceGet 2", HWA_OUTCOME_CRASHED}}},
    {"neuron_rt",
     "libnrt.so.1",
     "neuron-rt",
     "nrt_get_version",
     "nrt_get_version",
     {{"nrt_get_total_vnc_count 1", HWA_OUTCOME_GARBAGE}}},
    {"nvml",
     "libnvidia-ml.so.1",
     "nvml",
     "nvmlInit",
     "nvmlDeviceGetName",
     {{"nvmlDeviceGetHandleByIndex 1", HWA_OUTCOME_CRASHED}}},
    {"opencl",
     "libOpenCL.so.1",
     "opencl",
     "clGetPlatformIDs",
     "clGetDeviceInfo",
     {{"clGetPlatformIDs 2", HWA_OUTCOME_CRASHED}}},
    {"vulkan",
     "libvulkan.so.1",
     "vulkan",
     "vkCreateInstance",
     "vkGetPhysicalDeviceProperties2",
     {{"vkEnumeratePhysicalDevices 2", HWA_OUTCOME_CRASHED}}},
    {"xrt",
     "libxrt_core.so.2",
     "xrt",
     "xclProbe",
     "xclGetDeviceInfo2",
     {{"xclOpen 1", HWA_OUTCOME_CRASHED}}},
};

const size_t driver_count = sizeof drivers / sizeof drivers[0];

const char *good_beside(const struct driver *driver) {
    return strcmp(driver->backend, "vulkan") == 0 ? "opencl" : "vulkan";
}

hwa_outcome_t driver_outcome(const struct driver *driver, hwa_outcome_t outcome) {
    const int of_all = strcmp(driver->backend, "neuron_rt") == 0;
    return of_all && outcome == HWA_OUTCOME_FOUND ? HWA_OUTCOME_ABSENT : outcome;
}

struct folder driver_folder(const struct driver *driver, const char *scenario) {
    const struct folder folder = folder_make(scenario);
    folder_put(&folder, driver->library, driver->fake);
    if (strcmp(driver->backend, "vulkan") == 0)
        folder_put(&folder, "libOpenCL.so.1", "opencl");
    else
        folder_put(&folder, "libvulkan.so.1", "vulkan");
    return folder;
}
