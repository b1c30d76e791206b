// SPDX-License-Identifier: MIT
// WebGPU as a capability of a device that Vulkan shows. No implementation of it is asked.
#pragma once

#include "api/vulkan.h"
#include "core/device.h"

#include <string>

namespace hwa::detect {

/// What WebGPU's core demands and this device lacks, as a sentence; "" if it has it all. `queues`
/// are the flags of one family of queues.
std::string webgpu_lack(const VkPhysicalDeviceProperties &properties,
                        const VkPhysicalDeviceFeatures &features, VkQueueFlags queues);

/// Puts `webgpu.core` and, where that is 0, `webgpu.lacks`.
void put_webgpu(const api::Vulkan &vulkan, VkPhysicalDevice handle,
                const VkPhysicalDeviceProperties &properties, core::Device &device);

} // namespace hwa::detect
