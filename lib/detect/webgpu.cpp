// SPDX-License-Identifier: MIT
// What WebGPU's core asks of Vulkan. Documents: WebGPU, sections "Limits" (the defaults, which
// every adapter has), "Features" (compressed textures of one kind or the other) and the functions
// that need a feature of Vulkan each; Vulkan 1.3 specification, chapters "Features" and "Limits".
#include "detect/webgpu.h"

#include "base/text.h"
#include "detect/frames.h"

#include <algorithm>
#include <vector>

namespace hwa::detect {

using core::Source;

/// What a driver has to give at the least, in the order of WebGPU's table.
static constexpr struct {
    const char *name;
    uint32_t VkPhysicalDeviceLimits::*field;
    uint32_t least;
} limits[] = {
    {"maxImageDimension1D", &VkPhysicalDeviceLimits::maxImageDimension1D, 8192},
    {"maxImageDimension2D", &VkPhysicalDeviceLimits::maxImageDimension2D, 8192},
    {"maxImageDimensionCube", &VkPhysicalDeviceLimits::maxImageDimensionCube, 8192},
    {"maxFramebufferWidth", &VkPhysicalDeviceLimits::maxFramebufferWidth, 8192},
    {"maxFramebufferHeight", &VkPhysicalDeviceLimits::maxFramebufferHeight, 8192},
    {"maxImageDimension3D", &VkPhysicalDeviceLimits::maxImageDimension3D, 2048},
    {"maxImageArrayLayers", &VkPhysicalDeviceLimits::maxImageArrayLayers, 256},
    {"maxBoundDescriptorSets", &VkPhysicalDeviceLimits::maxBoundDescriptorSets, 4},
    {"maxDescriptorSetUniformBuffersDynamic",
     &VkPhysicalDeviceLimits::maxDescriptorSetUniformBuffersDynamic, 8},
    {"maxDescriptorSetStorageBuffersDynamic",
     &VkPhysicalDeviceLimits::maxDescriptorSetStorageBuffersDynamic, 4},
    {"maxPerStageDescriptorSampledImages",
     &VkPhysicalDeviceLimits::maxPerStageDescriptorSampledImages, 16},
    {"maxPerStageDescriptorSamplers", &VkPhysicalDeviceLimits::maxPerStageDescriptorSamplers, 16},
    {"maxPerStageDescriptorStorageBuffers",
     &VkPhysicalDeviceLimits::maxPerStageDescriptorStorageBuffers, 8},
    {"maxPerStageDescriptorStorageImages",
     &VkPhysicalDeviceLimits::maxPerStageDescriptorStorageImages, 4},
    {"maxPerStageDescriptorUniformBuffers",
     &VkPhysicalDeviceLimits::maxPerStageDescriptorUniformBuffers, 12},
    {"maxUniformBufferRange", &VkPhysicalDeviceLimits::maxUniformBufferRange, 64 << 10},
    {"maxStorageBufferRange", &VkPhysicalDeviceLimits::maxStorageBufferRange, 128 << 20},
    {"maxVertexInputBindings", &VkPhysicalDeviceLimits::maxVertexInputBindings, 8},
    {"maxVertexInputAttributes", &VkPhysicalDeviceLimits::maxVertexInputAttributes, 16},
    {"maxVertexInputBindingStride", &VkPhysicalDeviceLimits::maxVertexInputBindingStride, 2048},
    {"maxVertexInputAttributeOffset", &VkPhysicalDeviceLimits::maxVertexInputAttributeOffset, 2047},
    {"maxVertexOutputComponents", &VkPhysicalDeviceLimits::maxVertexOutputComponents, 64},
    {"maxFragmentInputComponents", &VkPhysicalDeviceLimits::maxFragmentInputComponents, 64},
    {"maxColorAttachments", &VkPhysicalDeviceLimits::maxColorAttachments, 8},
    {"maxFragmentOutputAttachments", &VkPhysicalDeviceLimits::maxFragmentOutputAttachments, 8},
    {"maxComputeSharedMemorySize", &VkPhysicalDeviceLimits::maxComputeSharedMemorySize, 16 << 10},
    {"maxComputeWorkGroupInvocations", &VkPhysicalDeviceLimits::maxComputeWorkGroupInvocations,
     256},
};

static constexpr uint32_t least_group_size[3] = {256, 256, 64};
static constexpr uint32_t least_group_count = 65535;
static constexpr uint32_t least_viewport = 8192;
static constexpr VkDeviceSize most_alignment = 256;

static constexpr VkQueueFlags draws_and_computes = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;

static constexpr struct {
    const char *name;
    VkBool32 VkPhysicalDeviceFeatures::*field;
} demanded[] = {
    {"robustBufferAccess", &VkPhysicalDeviceFeatures::robustBufferAccess},
    {"fullDrawIndexUint32", &VkPhysicalDeviceFeatures::fullDrawIndexUint32},
    {"imageCubeArray", &VkPhysicalDeviceFeatures::imageCubeArray},
    {"independentBlend", &VkPhysicalDeviceFeatures::independentBlend},
    {"sampleRateShading", &VkPhysicalDeviceFeatures::sampleRateShading},
    {"depthBiasClamp", &VkPhysicalDeviceFeatures::depthBiasClamp},
    {"fragmentStoresAndAtomics", &VkPhysicalDeviceFeatures::fragmentStoresAndAtomics},
};

static std::string too_little(const char *name, uint64_t value, uint64_t least) {
    return base::format("%s is %llu; %llu is needed", name, static_cast<unsigned long long>(value),
                        static_cast<unsigned long long>(least));
}

static std::string limit_lack(const VkPhysicalDeviceLimits &has) {
    for (const auto &row : limits)
        if (has.*row.field < row.least)
            return too_little(row.name, has.*row.field, row.least);
    for (size_t i = 0; i < std::size(has.maxComputeWorkGroupSize); ++i) {
        if (has.maxComputeWorkGroupSize[i] < least_group_size[i])
            return too_little("maxComputeWorkGroupSize", has.maxComputeWorkGroupSize[i],
                              least_group_size[i]);
        if (has.maxComputeWorkGroupCount[i] < least_group_count)
            return too_little("maxComputeWorkGroupCount", has.maxComputeWorkGroupCount[i],
                              least_group_count);
    }
    for (const uint32_t pixels : has.maxViewportDimensions)
        if (pixels < least_viewport)
            return too_little("maxViewportDimensions", pixels, least_viewport);
    for (const VkDeviceSize bytes :
         {has.minUniformBufferOffsetAlignment, has.minStorageBufferOffsetAlignment})
        if (bytes > most_alignment)
            return base::format("buffers are aligned to %llu bytes; 256 at most are needed",
                                static_cast<unsigned long long>(bytes));
    return {};
}

std::string webgpu_lack(const VkPhysicalDeviceProperties &properties,
                        const VkPhysicalDeviceFeatures &features, VkQueueFlags queues) {
    if (properties.apiVersion < VK_API_VERSION_1_1)
        return "the driver has Vulkan 1.0; 1.1 is needed";
    if ((queues & draws_and_computes) != draws_and_computes)
        return "the device has no queue that draws and computes";
    for (const auto &row : demanded)
        if (features.*row.field == VK_FALSE)
            return base::format("the driver lacks %s", row.name);
    if (features.textureCompressionBC == VK_FALSE &&
        (features.textureCompressionETC2 == VK_FALSE ||
         features.textureCompressionASTC_LDR == VK_FALSE))
        return "the driver lacks textureCompressionBC, and textureCompressionETC2 or "
               "textureCompressionASTC_LDR";
    return limit_lack(properties.limits);
}

/// The flags of a family of queues that draws and computes; 0 if there is none.
static VkQueueFlags able_queues(const api::Vulkan &vulkan, VkPhysicalDevice handle) {
    const auto ask = vulkan.vkGetPhysicalDeviceQueueFamilyProperties;
    uint32_t count = 0;
    ask(handle, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(std::min(count, device_limit));
    count = static_cast<uint32_t>(families.size());
    ask(handle, &count, families.data());
    families.resize(std::min<size_t>(count, families.size()));
    const auto able = std::find_if(families.begin(), families.end(), [](const auto &family) {
        return (family.queueFlags & draws_and_computes) == draws_and_computes;
    });
    return able == families.end() ? 0 : able->queueFlags;
}

void put_webgpu(const api::Vulkan &vulkan, VkPhysicalDevice handle,
                const VkPhysicalDeviceProperties &properties, core::Device &device) {
    VkPhysicalDeviceFeatures2 features = {};
    features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    vulkan.vkGetPhysicalDeviceFeatures2(handle, &features);
    std::string lack = webgpu_lack(properties, features.features, able_queues(vulkan, handle));
    device.put_attr(core::attr_int("webgpu.core", lack.empty() ? 1 : 0, Source::Derived));
    if (!lack.empty())
        device.put_attr(core::attr_text("webgpu.lacks", std::move(lack), Source::Derived));
}

} // namespace hwa::detect
