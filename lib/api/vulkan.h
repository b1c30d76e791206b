// SPDX-License-Identifier: MIT
// Vulkan as a table of functions, opened at run time.
#pragma once

#include "base/status.h"
#include "os/library.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

namespace hwa::api {

/// The loader's functions. Those of an instance are NULL until bind_instance().
struct Vulkan {
    PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr = nullptr;
#define HWA_GLOBAL(name) PFN_##name name = nullptr;
#define HWA_INSTANCE(name) HWA_GLOBAL(name)
#define HWA_DEVICE(name)
#define HWA_EXTENSION(name)
#include "api/vulkan.def"
#undef HWA_EXTENSION
#undef HWA_DEVICE
#undef HWA_INSTANCE
#undef HWA_GLOBAL
    os::Library library;
};

/// The driver's functions for one device. Those of extensions are NULL where it has not got them.
struct VulkanDevice {
#define HWA_GLOBAL(name)
#define HWA_INSTANCE(name)
#define HWA_DEVICE(name) PFN_##name name = nullptr;
#define HWA_EXTENSION(name) HWA_DEVICE(name)
#include "api/vulkan.def"
#undef HWA_EXTENSION
#undef HWA_DEVICE
#undef HWA_INSTANCE
#undef HWA_GLOBAL
};

/// Loads the loader from `directory` only, or from where the system finds it if that is empty.
/// Unsupported if it is of Vulkan 1.0.
base::Result<Vulkan> load_vulkan(const std::string &directory);

/// Fills in the functions of an instance.
base::Done bind_instance(Vulkan &table, VkInstance instance);

/// The functions of a device. Unsupported if one of Vulkan 1.2 lacks.
base::Result<VulkanDevice> bind_device(const Vulkan &table, VkDevice device);

/// Name of a result code, such as VK_ERROR_INCOMPATIBLE_DRIVER.
const char *vulkan_error(VkResult code);

} // namespace hwa::api
