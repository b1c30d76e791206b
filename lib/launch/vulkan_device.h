// SPDX-License-Identifier: MIT
// What opening a Vulkan device is made of.
#pragma once

#include "launch/vulkan.h"

namespace hwa::launch {

/// Puts a struct at the head of a chain that a call will read or fill.
template <class T> void chain(void *&head, T &link, VkStructureType type) {
    link.sType = type;
    link.pNext = head;
    head = &link;
}

/// Extensions that a device has.
class VulkanExtensions {
  public:
    VulkanExtensions(const api::Vulkan &vulkan, VkPhysicalDevice device);
    bool has(const char *name) const;

  private:
    std::vector<VkExtensionProperties> rows_;
};

/// Reads what the physical device can do, and makes a device with all of that a launch has use for.
base::Done open_vulkan_device(VulkanContext &context);

} // namespace hwa::launch
