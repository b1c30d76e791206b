/* SPDX-License-Identifier: MIT */
/* A Vulkan loader in front of the system's: counts the calls that reach a device, and lets them go
   wrong as the scenario says. Lines "FUNCTION N fail" answer an error; "device N ACTION" changes
   what the device is: fail: of Vulkan 1.1; null: without timeline semaphores; huge: with memory of
   its own; name: without extensions; many: with room for few pieces of memory and uniform buffers
   of 16 bytes; garbage: without uniform buffers. */
#include "fault.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

#define EXPORT __attribute__((visibility("default")))

/* In the order of `names` below. */
#define FUNCTIONS(X)                                                                               \
    X(0, vkAllocateMemory, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                          \
    X(1, vkQueueSubmit, VK_ERROR_DEVICE_LOST)                                                      \
    X(2, vkWaitSemaphores, VK_ERROR_DEVICE_LOST)                                                   \
    X(3, vkGetSemaphoreCounterValue, VK_ERROR_DEVICE_LOST)                                         \
    X(4, vkBeginCommandBuffer, VK_ERROR_OUT_OF_HOST_MEMORY)                                        \
    X(5, vkEndCommandBuffer, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                        \
    X(6, vkCreateComputePipelines, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                  \
    X(7, vkCreateBuffer, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                            \
    X(8, vkCreateShaderModule, VK_ERROR_OUT_OF_HOST_MEMORY)                                        \
    X(9, vkMapMemory, VK_ERROR_MEMORY_MAP_FAILED)                                                  \
    X(10, vkCmdDispatch, VK_SUCCESS)                                                               \
    X(11, vkCmdPipelineBarrier, VK_SUCCESS)                                                        \
    X(12, vkCmdBindPipeline, VK_SUCCESS)                                                           \
    X(13, vkCmdPushDescriptorSetKHR, VK_SUCCESS)                                                   \
    X(14, vkCmdPushConstants, VK_SUCCESS)                                                          \
    X(15, vkCmdCopyBuffer, VK_SUCCESS)                                                             \
    X(16, vkCmdBindDescriptorSets, VK_SUCCESS)                                                     \
    X(17, vkUpdateDescriptorSets, VK_SUCCESS)                                                      \
    X(18, vkAllocateDescriptorSets, VK_SUCCESS)                                                    \
    X(19, vkResetDescriptorPool, VK_SUCCESS)                                                       \
    X(20, vkAllocateCommandBuffers, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                 \
    X(21, vkCreateSemaphore, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                        \
    X(22, vkCmdWriteTimestamp, VK_SUCCESS)                                                         \
    X(23, vkCmdResetQueryPool, VK_SUCCESS)                                                         \
    X(24, vkGetQueryPoolResults, VK_ERROR_DEVICE_LOST)                                             \
    X(25, vkFlushMappedMemoryRanges, VK_ERROR_OUT_OF_HOST_MEMORY)                                  \
    X(26, vkInvalidateMappedMemoryRanges, VK_ERROR_OUT_OF_HOST_MEMORY)                             \
    X(27, vkGetBufferMemoryRequirements, VK_SUCCESS)                                               \
    X(28, vkCreateDescriptorPool, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                   \
    X(29, vkBindBufferMemory, VK_ERROR_OUT_OF_DEVICE_MEMORY)                                       \
    X(30, vkFreeMemory, VK_SUCCESS)                                                                \
    X(31, vkCreatePipelineCache, VK_ERROR_OUT_OF_HOST_MEMORY)                                      \
    X(32, vkGetPipelineCacheData, VK_ERROR_OUT_OF_HOST_MEMORY)

/* Numbers and pointers of any function pass through a call with more of them, in the registers and
   on the stack where the callee looks for them: so by all calling conventions of Linux. */
typedef uintptr_t any_t;
typedef any_t (*function_t)(any_t, any_t, any_t, any_t, any_t, any_t, any_t, any_t, any_t, any_t);

static void *library;
static PFN_vkGetInstanceProcAddr next;
static PFN_vkGetDeviceProcAddr next_device;
static VkInstance instance;
static unsigned long calls;
static enum fault shape;

/* How many calls have reached a device so far, whatever became of them. */
EXPORT unsigned long vulkan_shim_calls(void);
EXPORT unsigned long vulkan_shim_calls(void) {
    return __atomic_load_n(&calls, __ATOMIC_SEQ_CST);
}

/* Pieces of memory that are allocated and not freed. */
static long pieces;
EXPORT unsigned long vulkan_shim_pieces(void);
EXPORT unsigned long vulkan_shim_pieces(void) {
    return (unsigned long)__atomic_load_n(&pieces, __ATOMIC_SEQ_CST);
}

/* Bytes that the last pipeline cache was made of. */
static size_t cached_bytes;
EXPORT unsigned long vulkan_shim_cached_bytes(void);
EXPORT unsigned long vulkan_shim_cached_bytes(void) {
    return cached_bytes;
}

static void count_call(int which, const any_t *a, any_t answer) {
    if (which == 0 && (VkResult)answer == VK_SUCCESS)
        __atomic_add_fetch(&pieces, 1, __ATOMIC_SEQ_CST);
    if (which == 30)
        __atomic_sub_fetch(&pieces, 1, __ATOMIC_SEQ_CST);
    if (which == 31)
        cached_bytes = ((const VkPipelineCacheCreateInfo *)a[1])->initialDataSize;
}

/* Sets that were taken from a pool. */
static int *sets_of(any_t pool) {
    static struct {
        any_t pool;
        int sets;
    } pools[64];
    size_t i = 0;
    while (pools[i].pool != 0 && pools[i].pool != pool)
        ++i;
    pools[i].pool = pool;
    return &pools[i].sets;
}

/* Some drivers give no more sets than a pool was made for. */
static int is_full(any_t info) {
    return ++*sets_of((any_t)((const VkDescriptorSetAllocateInfo *)info)->descriptorPool) > 64;
}

static any_t as_device_has(int which, any_t *a);
static int spoil(int which, enum fault fault, any_t *a);

#define FORWARD(number, name, failure)                                                             \
    static function_t real_##number;                                                               \
    static any_t call_##number(any_t a, any_t b, any_t c, any_t d, any_t e, any_t f, any_t g,      \
                               any_t h, any_t i, any_t j) {                                        \
        __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST);                                           \
        const enum fault fault = fault_at(#name);                                                  \
        any_t all[] = {a, b, c, d};                                                                \
        if (fault == FAULT_FAIL) {                                                                 \
            /* A device that is lost does nothing more: so let it end first. */                    \
            if (number == 2)                                                                       \
                real_##number(a, b, c, d, e, f, g, h, i, j);                                       \
            return (any_t)(failure);                                                               \
        }                                                                                          \
        if (number == 19)                                                                          \
            *sets_of(b) = 0;                                                                       \
        if (number == 18 && shape == FAULT_NAME && is_full(b))                                     \
            return (any_t)VK_ERROR_OUT_OF_POOL_MEMORY;                                             \
        if (fault != FAULT_NONE && spoil(number, fault, all))                                      \
            return VK_SUCCESS;                                                                     \
        if (shape == FAULT_HUGE && as_device_has(number, all) != 0)                                \
            return 0;                                                                              \
        const any_t answer = real_##number(a, all[1], c, d, e, f, g, h, i, j);                     \
        count_call(number, all, answer);                                                           \
        return answer;                                                                             \
    }
FUNCTIONS(FORWARD)

static const struct {
    const char *name;
    function_t ours;
    function_t *real;
} rows[] = {
#define ROW(number, name, failure) {#name, call_##number, &real_##number},
    FUNCTIONS(ROW)
#undef ROW
};

/* A device with memory of its own has two types: the first is the device's, the second the host's
   and not coherent. The one there is stands behind both. */
static any_t as_device_has(int which, any_t *a) {
    static VkMemoryAllocateInfo plain;
    if (which == 0) {
        plain = *(const VkMemoryAllocateInfo *)a[1];
        plain.memoryTypeIndex = 0;
        a[1] = (any_t)&plain;
    }
    if (which == 27) {
        real_27(a[0], a[1], a[2], 0, 0, 0, 0, 0, 0, 0);
        ((VkMemoryRequirements *)a[2])->memoryTypeBits = 3;
        return 1;
    }
    return 0;
}

/* Buffers that need more than they have, and what is kept of pipelines without a head. */
static int spoil(int which, enum fault fault, any_t *a) {
    if (which == 27 && fault == FAULT_HUGE) {
        real_27(a[0], a[1], a[2], 0, 0, 0, 0, 0, 0, 0);
        ((VkMemoryRequirements *)a[2])->size += 1 << 20;
        return 1;
    }
    if (which == 32 && fault == FAULT_GARBAGE) {
        *(size_t *)a[2] = 16;
        if (a[3] != 0)
            memset((void *)a[3], 0xaa, 16);
        return 1;
    }
    return 0;
}

static VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL device_function(VkDevice of, const char *name) {
    const PFN_vkVoidFunction real = next_device(of, name);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i)
        if (strcmp(rows[i].name, name) == 0 && real != NULL) {
            *rows[i].real = (function_t)real;
            return (PFN_vkVoidFunction)rows[i].ours;
        }
    return real;
}

static PFN_vkVoidFunction real_of(const char *name) {
    return next(instance, name);
}

static VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo *info,
                                                      const VkAllocationCallbacks *allocator,
                                                      VkInstance *out) {
    const VkResult code =
        ((PFN_vkCreateInstance)next(NULL, "vkCreateInstance"))(info, allocator, out);
    instance = *out;
    shape = fault_at("device");
    return code;
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_version(uint32_t *version) {
    *version = VK_API_VERSION_1_1;
    if (fault_at("vkEnumerateInstanceVersion") == FAULT_FAIL)
        return VK_SUCCESS;
    return ((PFN_vkEnumerateInstanceVersion)next(NULL, "vkEnumerateInstanceVersion"))(version);
}

static VKAPI_ATTR VkResult VKAPI_CALL enumerate_extensions(VkPhysicalDevice of, const char *layer,
                                                           uint32_t *count,
                                                           VkExtensionProperties *into) {
    if (shape == FAULT_NAME) {
        *count = 0;
        return VK_SUCCESS;
    }
    return ((PFN_vkEnumerateDeviceExtensionProperties)real_of(
        "vkEnumerateDeviceExtensionProperties"))(of, layer, count, into);
}

static VKAPI_ATTR void VKAPI_CALL get_properties(VkPhysicalDevice of,
                                                 VkPhysicalDeviceProperties2 *into) {
    ((PFN_vkGetPhysicalDeviceProperties2)real_of("vkGetPhysicalDeviceProperties2"))(of, into);
    if (shape == FAULT_FAIL)
        into->properties.apiVersion = VK_API_VERSION_1_1;
    if (shape == FAULT_HUGE)
        into->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    if (shape == FAULT_MANY)
        into->properties.limits.maxMemoryAllocationCount = 8;
    if (shape == FAULT_MANY)
        into->properties.limits.maxUniformBufferRange = 16;
    if (shape == FAULT_GARBAGE)
        into->properties.limits.maxDescriptorSetUniformBuffers = 0;
}

static VKAPI_ATTR void VKAPI_CALL get_features(VkPhysicalDevice of,
                                               VkPhysicalDeviceFeatures2 *into) {
    ((PFN_vkGetPhysicalDeviceFeatures2)real_of("vkGetPhysicalDeviceFeatures2"))(of, into);
    for (VkBaseOutStructure *link = into->pNext; link != NULL; link = link->pNext)
        if (link->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES &&
            shape == FAULT_NULL)
            ((VkPhysicalDeviceVulkan12Features *)(void *)link)->timelineSemaphore = VK_FALSE;
}

static VKAPI_ATTR void VKAPI_CALL get_memory(VkPhysicalDevice of,
                                             VkPhysicalDeviceMemoryProperties2 *into) {
    ((PFN_vkGetPhysicalDeviceMemoryProperties2)real_of("vkGetPhysicalDeviceMemoryProperties2"))(
        of, into);
    if (shape != FAULT_HUGE)
        return;
    VkPhysicalDeviceMemoryProperties *main = &into->memoryProperties;
    main->memoryTypeCount = 2;
    main->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    main->memoryTypes[1] = main->memoryTypes[0];
    main->memoryTypes[1].propertyFlags =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
}

EXPORT VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance of,
                                                                      const char *name) {
    static const struct {
        const char *name;
        PFN_vkVoidFunction function;
    } ours[] = {
        {"vkEnumerateInstanceVersion", (PFN_vkVoidFunction)enumerate_version},
        {"vkCreateInstance", (PFN_vkVoidFunction)create_instance},
        {"vkEnumerateDeviceExtensionProperties", (PFN_vkVoidFunction)enumerate_extensions},
        {"vkGetPhysicalDeviceProperties2", (PFN_vkVoidFunction)get_properties},
        {"vkGetPhysicalDeviceFeatures2", (PFN_vkVoidFunction)get_features},
        {"vkGetPhysicalDeviceMemoryProperties2", (PFN_vkVoidFunction)get_memory},
        {"vkGetDeviceProcAddr", (PFN_vkVoidFunction)device_function},
    };
    if (library == NULL) {
        library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            return NULL;
        *(void **)&next = dlsym(library, "vkGetInstanceProcAddr");
    }
    if (of != NULL && next_device == NULL)
        next_device = (PFN_vkGetDeviceProcAddr)next(of, "vkGetDeviceProcAddr");
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; ++i)
        if (strcmp(ours[i].name, name) == 0)
            return ours[i].function;
    return next(of, name);
}
