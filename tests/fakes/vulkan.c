/* SPDX-License-Identifier: MIT */
/* A Vulkan loader with one discrete device, at a PCI address that no machine of ours has. */
#include "fault.h"

#include <stdint.h>
#include <string.h>
#include <vulkan/vulkan_core.h>

#define EXPORT __attribute__((visibility("default")))

/* Handles are opaque, so any address will do. */
static int instance;
static int device;

__attribute__((constructor)) static void construct(void) {
    fault_at("vulkan.ctor");
}

__attribute__((destructor)) static void destruct(void) {
    fault_at("vulkan.dtor");
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_version(uint32_t *version) {
    const enum fault fault = fault_at("vkEnumerateInstanceVersion");
    *version = fault == FAULT_GARBAGE ? 0xffffffff : VK_MAKE_API_VERSION(0, 1, 3, 999);
    return fault == FAULT_FAIL ? VK_ERROR_OUT_OF_HOST_MEMORY : VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *out) {
    (void)info;
    (void)allocator;
    const enum fault fault = fault_at("vkCreateInstance");
    *out = (VkInstance)(void *)&instance;
    return fault == FAULT_FAIL ? VK_ERROR_INCOMPATIBLE_DRIVER : VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_devices(VkInstance from, uint32_t *count,
                                                        VkPhysicalDevice *devices) {
    (void)from;
    const enum fault fault = fault_at("vkEnumeratePhysicalDevices");
    if (fault == FAULT_FAIL)
        return VK_ERROR_INITIALIZATION_FAILED;
    const uint32_t total = fault == FAULT_HUGE   ? 0xffffffff
                           : fault == FAULT_MANY ? 4096
                           : fault == FAULT_NULL ? 0
                                                 : 1;
    const uintptr_t nowhere = 0xdeadbeef;
    for (uint32_t i = 0; devices != NULL && i < *count && i < total; ++i)
        devices[i] = (VkPhysicalDevice)(fault == FAULT_GARBAGE ? (void *)nowhere : &device);
    *count = devices == NULL || *count > total ? total : *count;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_extensions(VkPhysicalDevice of, const char *layer,
                                                           uint32_t *count,
                                                           VkExtensionProperties *into) {
    (void)layer;
    const enum fault fault = fault_at("vkEnumerateDeviceExtensionProperties");
    if ((void *)of != &device)
        *(volatile int *)(void *)of = 1;
    if (fault == FAULT_FAIL)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    if (into != NULL && *count >= 1)
        strcpy(into->extensionName, VK_EXT_PCI_BUS_INFO_EXTENSION_NAME);
    *count = fault == FAULT_HUGE ? 0x80000000 : 1;
    return VK_SUCCESS;
}

/* Just what WebGPU asks for, but for storage buffers where that is wanted. */
static void put_limits(VkPhysicalDeviceLimits *limits, uint32_t storage_buffers) {
    limits->maxImageDimension1D = limits->maxImageDimension2D = 8192;
    limits->maxImageDimensionCube = limits->maxFramebufferWidth = 8192;
    limits->maxFramebufferHeight = 8192;
    limits->maxViewportDimensions[0] = limits->maxViewportDimensions[1] = 8192;
    limits->maxImageDimension3D = 2048;
    limits->maxImageArrayLayers = 256;
    limits->maxBoundDescriptorSets = 4;
    limits->maxDescriptorSetUniformBuffersDynamic = 8;
    limits->maxDescriptorSetStorageBuffersDynamic = 4;
    limits->maxPerStageDescriptorSampledImages = limits->maxPerStageDescriptorSamplers = 16;
    limits->maxPerStageDescriptorStorageBuffers = storage_buffers;
    limits->maxPerStageDescriptorStorageImages = 4;
    limits->maxPerStageDescriptorUniformBuffers = 12;
    limits->maxUniformBufferRange = 65536;
    limits->maxStorageBufferRange = 134217728;
    limits->minUniformBufferOffsetAlignment = limits->minStorageBufferOffsetAlignment = 256;
    limits->maxVertexInputBindings = 8;
    limits->maxVertexInputAttributes = 16;
    limits->maxVertexInputBindingStride = 2048;
    limits->maxVertexInputAttributeOffset = 2047;
    limits->maxVertexOutputComponents = limits->maxFragmentInputComponents = 64;
    limits->maxColorAttachments = limits->maxFragmentOutputAttachments = 8;
    limits->maxComputeSharedMemorySize = 49152;
    limits->maxComputeWorkGroupInvocations = 256;
    for (int i = 0; i < 3; ++i) {
        limits->maxComputeWorkGroupSize[i] = 256;
        limits->maxComputeWorkGroupCount[i] = 65535;
    }
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice of,
                                                 VkPhysicalDeviceProperties2 *into) {
    (void)of;
    const enum fault fault = fault_at("vkGetPhysicalDeviceProperties2");
    VkPhysicalDeviceProperties *main = &into->properties;
    main->apiVersion = VK_MAKE_API_VERSION(0, 1, 3, 7);
    main->vendorID = 0x1ae0;
    main->deviceID = 0xfa4e;
    main->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    strcpy(main->deviceName, "Fake GPU");
    put_limits(&main->limits, fault == FAULT_NULL ? 4 : 8);
    if (fault == FAULT_NAME)
        memset(main->deviceName, 0x1b, sizeof main->deviceName);
    if (fault == FAULT_GARBAGE)
        memset(main, 0xff, sizeof *main);
    for (VkBaseOutStructure *link = into->pNext; link != NULL; link = link->pNext) {
        if (link->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT)
            ((VkPhysicalDevicePCIBusInfoPropertiesEXT *)(void *)link)->pciBus = 0xfa;
        if (link->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES)
            ((VkPhysicalDeviceIDProperties *)(void *)link)->deviceUUID[0] = 0x42;
    }
}

static VKAPI_ATTR void VKAPI_CALL get_features(VkPhysicalDevice of,
                                               VkPhysicalDeviceFeatures2 *into) {
    (void)of;
    const enum fault fault = fault_at("vkGetPhysicalDeviceFeatures2");
    VkPhysicalDeviceFeatures *main = &into->features;
    main->shaderFloat64 = main->robustBufferAccess = main->fullDrawIndexUint32 = VK_TRUE;
    main->imageCubeArray = main->independentBlend = main->sampleRateShading = VK_TRUE;
    main->depthBiasClamp = main->textureCompressionBC = VK_TRUE;
    main->fragmentStoresAndAtomics = fault != FAULT_NULL;
    for (VkBaseOutStructure *link = into->pNext; link != NULL; link = link->pNext)
        if (link->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES)
            ((VkPhysicalDeviceVulkan12Features *)(void *)link)->timelineSemaphore =
                fault != FAULT_NULL;
}

static VKAPI_ATTR void VKAPI_CALL get_families(VkPhysicalDevice of, uint32_t *count,
                                               VkQueueFamilyProperties *into) {
    (void)of;
    const enum fault fault = fault_at("vkGetPhysicalDeviceQueueFamilyProperties");
    if (into != NULL && *count >= 1) {
        into->queueFlags = fault == FAULT_NULL   ? VK_QUEUE_TRANSFER_BIT
                           : fault == FAULT_MANY ? VK_QUEUE_COMPUTE_BIT
                                                 : VK_QUEUE_COMPUTE_BIT | VK_QUEUE_GRAPHICS_BIT;
        into->queueCount = 1;
        into->timestampValidBits = 0;
    }
    *count = fault == FAULT_HUGE ? 0xffffffff : 1;
}

static VKAPI_ATTR void VKAPI_CALL get_memory(VkPhysicalDevice of,
                                             VkPhysicalDeviceMemoryProperties2 *into) {
    (void)of;
    const enum fault fault = fault_at("vkGetPhysicalDeviceMemoryProperties2");
    VkPhysicalDeviceMemoryProperties *main = &into->memoryProperties;
    main->memoryHeapCount = fault == FAULT_HUGE ? 0xffffffff : 1;
    main->memoryHeaps[0].size = (VkDeviceSize)8 << 30;
    main->memoryHeaps[0].flags = VK_MEMORY_HEAP_DEVICE_LOCAL_BIT;
}

static VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice of,
                                                    const VkDeviceCreateInfo *info,
                                                    const VkAllocationCallbacks *allocator,
                                                    VkDevice *out) {
    (void)of;
    (void)info;
    (void)allocator;
    *out = VK_NULL_HANDLE;
    return VK_ERROR_INITIALIZATION_FAILED;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL get_device_function(VkDevice of, const char *name) {
    (void)of;
    (void)name;
    return NULL;
}

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance of,
                                                                      const char *name) {
    static const struct {
        const char *name;
        PFN_vkVoidFunction function;
    } rows[] = {
        {"vkEnumerateInstanceVersion", (PFN_vkVoidFunction)enumerate_version},
        {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
        {"vkEnumeratePhysicalDevices", (PFN_vkVoidFunction)enumerate_devices},
        {"vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction)enumerate_extensions},
        {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)get_properties},
        {"vkGetPhysicalDeviceFeatures2", (PFN_vkVoidFunction)get_features},
        {"vkGetPhysicalDeviceMemoryProperties2", (PFN_vkVoidFunction)get_memory},
        {"vkGetPhysicalDeviceQueueFamilyProperties", (PFN_vkVoidFunction)get_families},
        {"vkCreateDevice", (PFN_vkVoidFunction)create_device},
        {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)get_device_function},
    };
    (void)of;
    const enum fault fault = fault_at("vkGetInstanceProcAddr");
    if (fault == FAULT_NULL)
        return NULL;
    if (fault == FAULT_GARBAGE)
        return (PFN_vkVoidFunction)(uintptr_t)0xdeadbeef;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i)
        if (strcmp(rows[i].name, name) == 0)
            return rows[i].function;
    return NULL;
}
