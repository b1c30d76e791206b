// SPDX-License-Identifier: MIT
// Vulkan: limits, features and queues of a device, and the device itself.
// Document: Vulkan 1.3 specification, chapters "Devices and Queues", "Features", "Limits".
#include "launch/vulkan_device.h"

#include "base/text.h"
#include "launch/cache.h"

#include <algorithm>
#include <cstring>

namespace hwa::launch {
namespace {

using base::Status;

/// As many as run beside each other with profit; a family may have dozens.
constexpr uint32_t lane_limit = 8;

uint32_t narrow(uint64_t value) {
    return static_cast<uint32_t>(std::min<uint64_t>(value, UINT32_MAX));
}

/// Properties of a device and what is chained to them.
struct Properties {
    VkPhysicalDeviceProperties2 all = {};
    VkPhysicalDeviceVulkan11Properties of11 = {};
    VkPhysicalDeviceVulkan12Properties of12 = {};
    VkPhysicalDevicePushDescriptorPropertiesKHR push = {};
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host = {};
};

void ask_properties(const VulkanContext &context, const VulkanExtensions &extensions,
                    Properties &into) {
    void *head = nullptr;
    chain(head, into.of11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES);
    chain(head, into.of12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES);
    if (extensions.has(VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME))
        chain(head, into.push, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PUSH_DESCRIPTOR_PROPERTIES_KHR);
    if (extensions.has(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME))
        chain(head, into.host,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT);
    into.all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    into.all.pNext = head;
    context.loader.vkGetPhysicalDeviceProperties2(context.physical, &into.all);
}

base::Done check_version(const VkPhysicalDeviceProperties &main) {
    if (main.apiVersion < VK_API_VERSION_1_2)
        return base::error(Status::Unsupported, "the device has Vulkan %u.%u; 1.2 is needed",
                           VK_API_VERSION_MAJOR(main.apiVersion),
                           VK_API_VERSION_MINOR(main.apiVersion));
    return {};
}

void read_limits(const Properties &properties, VulkanContext &context) {
    const VkPhysicalDeviceLimits &main = properties.all.properties.limits;
    VulkanTraits &traits = context.traits;
    Limits &limits = context.limits;
    limits.threads_per_group = main.maxComputeWorkGroupInvocations;
    for (size_t i = 0; i < 3; ++i) {
        limits.group[i] = main.maxComputeWorkGroupSize[i];
        limits.grid[i] = main.maxComputeWorkGroupCount[i];
    }
    limits.subgroup_size = properties.of11.subgroupSize;
    limits.shared_bytes = main.maxComputeSharedMemorySize;
    limits.value_bytes = std::min(main.maxPushConstantsSize, vulkan_value_limit);
    limits.buffers = std::min({main.maxPerStageDescriptorStorageBuffers,
                               main.maxDescriptorSetStorageBuffers, vulkan_buffer_limit});
    limits.offset_alignment = narrow(std::max<uint64_t>(
        {main.minStorageBufferOffsetAlignment, main.minUniformBufferOffsetAlignment, 1}));
    limits.buffer_bytes =
        std::min<uint64_t>(main.maxStorageBufferRange, properties.of11.maxMemoryAllocationSize);
    limits.index_limit = uint64_t{UINT32_MAX} + 1; // gl_GlobalInvocationID is of 32 bits
    traits.storage_range_bytes = main.maxStorageBufferRange;
    traits.uniform_range_bytes = main.maxUniformBufferRange;
    traits.uniforms =
        std::min(main.maxPerStageDescriptorUniformBuffers, main.maxDescriptorSetUniformBuffers);
    traits.coherent_atom_bytes = std::max<uint64_t>(main.nonCoherentAtomSize, 1);
    traits.import_alignment_bytes = properties.host.minImportedHostPointerAlignment;
    traits.allocation_limit = main.maxMemoryAllocationCount;
    traits.nanoseconds_per_tick = static_cast<double>(main.timestampPeriod);
    traits.subgroup_operations =
        (properties.of11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0
            ? properties.of11.subgroupSupportedOperations
            : 0;
    traits.api_version = properties.all.properties.apiVersion;
    traits.discrete =
        properties.all.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU ||
        properties.all.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU;
    // One call less for each launch; a set that is pushed holds fewer buffers.
    traits.push_descriptors = properties.push.maxPushDescriptors >= 8;
    if (traits.push_descriptors)
        limits.buffers = std::min(limits.buffers, properties.push.maxPushDescriptors);
}

template <size_t size> std::string field(const char (&text)[size]) {
    return base::sanitise(std::string_view(text, ::strnlen(text, size)));
}

void name(const Properties &properties, VulkanContext &context) {
    const VkPhysicalDeviceProperties &main = properties.all.properties;
    context.driver = std::string(
        base::trim(field(properties.of12.driverName) + " " + field(properties.of12.driverInfo)));
    std::string uuid;
    for (const uint8_t byte : main.pipelineCacheUUID)
        uuid += base::format("%02x", byte);
    const std::string numbers =
        base::format("%u %u %u", main.vendorID, main.deviceID, main.driverVersion);
    context.identity = cache_key({uuid, numbers, field(main.deviceName), context.driver});
}

/// A family that computes and does not draw is free of what a desktop puts in; among its equals the
/// first.
base::Done choose_family(VulkanContext &context) {
    const auto ask = context.loader.vkGetPhysicalDeviceQueueFamilyProperties;
    uint32_t count = 0;
    ask(context.physical, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(std::min(count, 256u));
    count = static_cast<uint32_t>(families.size());
    ask(context.physical, &count, families.data());
    families.resize(std::min<size_t>(count, families.size()));
    const VkQueueFamilyProperties *best = nullptr;
    const auto draws = [](const VkQueueFamilyProperties &one) {
        return (one.queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0;
    };
    for (const VkQueueFamilyProperties &one : families)
        if ((one.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0 && one.queueCount != 0 &&
            (best == nullptr || (draws(*best) && !draws(one))))
            best = &one;
    if (best == nullptr)
        return base::error(Status::Unsupported, "the device has no queue that computes");
    VulkanTraits &traits = context.traits;
    traits.family = static_cast<uint32_t>(best - families.data());
    traits.lane_count = std::min(best->queueCount, lane_limit);
    const uint32_t bits = best->timestampValidBits;
    traits.tick_mask = bits >= 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
    if (bits == 0)
        traits.nanoseconds_per_tick = 0;
    context.limits.timer_ns =
        bits == 0 ? 0 : std::max(static_cast<uint32_t>(traits.nanoseconds_per_tick + 0.999), 1u);
    return {};
}

/// Features of the kinds that kernels use; all others stay off, some of them cost speed.
struct Features {
    VkPhysicalDeviceFeatures2 all = {};
    VkPhysicalDeviceVulkan11Features of11 = {};
    VkPhysicalDeviceVulkan12Features of12 = {};
    VkPhysicalDeviceVulkan13Features of13 = {};
    VkPhysicalDeviceShaderAtomicFloatFeaturesEXT atomic_float = {};

    void link(const VulkanContext &context, bool has_atomic_float) {
        void *head = nullptr;
        chain(head, of11, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES);
        chain(head, of12, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
        if (context.traits.api_version >= VK_API_VERSION_1_3)
            chain(head, of13, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES);
        if (has_atomic_float)
            chain(head, atomic_float,
                  VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_ATOMIC_FLOAT_FEATURES_EXT);
        all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
        all.pNext = head;
    }
};

void choose_features(const Features &has, VulkanTraits &into) {
    into.features.shaderFloat64 = has.all.features.shaderFloat64;
    into.features.shaderInt64 = has.all.features.shaderInt64;
    into.features.shaderInt16 = has.all.features.shaderInt16;
    into.features11.storageBuffer16BitAccess = has.of11.storageBuffer16BitAccess;
    into.features11.uniformAndStorageBuffer16BitAccess =
        has.of11.uniformAndStorageBuffer16BitAccess;
    into.features11.storagePushConstant16 = has.of11.storagePushConstant16;
    into.features11.variablePointersStorageBuffer = has.of11.variablePointersStorageBuffer;
    into.features11.variablePointers = has.of11.variablePointers;
    into.features12.storageBuffer8BitAccess = has.of12.storageBuffer8BitAccess;
    into.features12.uniformAndStorageBuffer8BitAccess = has.of12.uniformAndStorageBuffer8BitAccess;
    into.features12.storagePushConstant8 = has.of12.storagePushConstant8;
    into.features12.shaderBufferInt64Atomics = has.of12.shaderBufferInt64Atomics;
    into.features12.shaderSharedInt64Atomics = has.of12.shaderSharedInt64Atomics;
    into.features12.shaderFloat16 = has.of12.shaderFloat16;
    into.features12.shaderInt8 = has.of12.shaderInt8;
    into.features12.scalarBlockLayout = has.of12.scalarBlockLayout;
    into.features12.uniformBufferStandardLayout = has.of12.uniformBufferStandardLayout;
    into.features12.shaderSubgroupExtendedTypes = has.of12.shaderSubgroupExtendedTypes;
    into.features12.timelineSemaphore = has.of12.timelineSemaphore;
    into.features12.vulkanMemoryModel = has.of12.vulkanMemoryModel;
    into.features12.vulkanMemoryModelDeviceScope = has.of12.vulkanMemoryModelDeviceScope;
    into.features13.maintenance4 = has.of13.maintenance4;
    into.features13.shaderIntegerDotProduct = has.of13.shaderIntegerDotProduct;
    into.atomic_float.shaderBufferFloat32AtomicAdd = has.atomic_float.shaderBufferFloat32AtomicAdd;
    into.atomic_float.shaderBufferFloat64AtomicAdd = has.atomic_float.shaderBufferFloat64AtomicAdd;
    into.atomic_float.shaderSharedFloat32AtomicAdd = has.atomic_float.shaderSharedFloat32AtomicAdd;
    into.atomic_float.shaderSharedFloat64AtomicAdd = has.atomic_float.shaderSharedFloat64AtomicAdd;
}

base::Done create_device(VulkanContext &context, const VulkanExtensions &extensions) {
    VulkanTraits &traits = context.traits;
    const bool atomic_float = extensions.has(VK_EXT_SHADER_ATOMIC_FLOAT_EXTENSION_NAME);
    Features features;
    features.link(context, atomic_float);
    context.loader.vkGetPhysicalDeviceFeatures2(context.physical, &features.all);
    choose_features(features, traits);
    if (traits.features12.timelineSemaphore == VK_FALSE)
        return base::error(Status::Unsupported, "the device has no timeline semaphores");
    Features wish{VkPhysicalDeviceFeatures2{}, traits.features11, traits.features12,
                  traits.features13, traits.atomic_float};
    wish.all.features = traits.features;
    wish.link(context, atomic_float);

    std::vector<const char *> names;
    if (traits.push_descriptors)
        names.push_back(VK_KHR_PUSH_DESCRIPTOR_EXTENSION_NAME);
    if (traits.import_alignment_bytes != 0)
        names.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
    if (atomic_float)
        names.push_back(VK_EXT_SHADER_ATOMIC_FLOAT_EXTENSION_NAME);
    // A driver that stands on another API asks to be told that the caller knows.
    if (extensions.has("VK_KHR_portability_subset"))
        names.push_back("VK_KHR_portability_subset");
    const std::vector<float> priorities(traits.lane_count, 1.0F);
    auto lanes = vulkan_struct<VkDeviceQueueCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO);
    lanes.queueFamilyIndex = traits.family;
    lanes.queueCount = traits.lane_count;
    lanes.pQueuePriorities = priorities.data();
    auto info = vulkan_struct<VkDeviceCreateInfo>(VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &wish.all);
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &lanes;
    info.enabledExtensionCount = static_cast<uint32_t>(names.size());
    info.ppEnabledExtensionNames = names.data();
    HWA_VK("vkCreateDevice",
           context.loader.vkCreateDevice(context.physical, &info, nullptr, &context.device));
    return {};
}

base::Done take_lanes(VulkanContext &context) {
    for (uint32_t i = 0; i < context.traits.lane_count; ++i) {
        auto lane = std::make_unique<VulkanLane>();
        context.vk.vkGetDeviceQueue(context.device, context.traits.family, i, &lane->handle);
        if (lane->handle == VK_NULL_HANDLE)
            return base::error(Status::Driver, "vkGetDeviceQueue gave no queue %u of family %u", i,
                               context.traits.family);
        context.lanes.push_back(std::move(lane));
    }
    return {};
}

} // namespace

VulkanContext::~VulkanContext() {
    if (device != VK_NULL_HANDLE && vk.vkDestroyDevice != nullptr)
        vk.vkDestroyDevice(device, nullptr);
}

base::Done open_vulkan_device(VulkanContext &context) {
    const VulkanExtensions extensions(context.loader, context.physical);
    Properties properties;
    ask_properties(context, extensions, properties);
    HWA_CHECK(check_version(properties.all.properties));
    read_limits(properties, context);
    name(properties, context);
    HWA_CHECK(choose_family(context));
    auto memory = vulkan_struct<VkPhysicalDeviceMemoryProperties2>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2);
    context.loader.vkGetPhysicalDeviceMemoryProperties2(context.physical, &memory);
    context.traits.memory = memory.memoryProperties;
    HWA_CHECK(create_device(context, extensions));
    HWA_TRY(context.vk, api::bind_device(context.loader, context.device));
    HWA_CHECK(take_lanes(context));
    VulkanTraits &traits = context.traits;
    traits.push_descriptors &= context.vk.vkCmdPushDescriptorSetKHR != nullptr;
    if (context.vk.vkGetMemoryHostPointerPropertiesEXT == nullptr)
        traits.import_alignment_bytes = 0;
    return {};
}

} // namespace hwa::launch
