// SPDX-License-Identifier: MIT
// Fills the Vulkan table and names its error codes.
#include "api/vulkan.h"

#include <cstring>

namespace hwa::api {

namespace {

/// One row of a table.
struct Row {
    const char *name;
    size_t offset;
};

} // namespace

static constexpr Row global_rows[] = {
#define HWA_GLOBAL(name) {#name, offsetof(Vulkan, name)},
#define HWA_INSTANCE(name)
#define HWA_DEVICE(name)
#define HWA_EXTENSION(name)
#include "api/vulkan.def"
#undef HWA_INSTANCE
#undef HWA_GLOBAL
};

static constexpr Row instance_rows[] = {
#define HWA_GLOBAL(name)
#define HWA_INSTANCE(name) {#name, offsetof(Vulkan, name)},
#include "api/vulkan.def"
#undef HWA_INSTANCE
#undef HWA_DEVICE
};

static constexpr Row device_rows[] = {
#define HWA_INSTANCE(name)
#define HWA_DEVICE(name) {#name, offsetof(VulkanDevice, name)},
#include "api/vulkan.def"
#undef HWA_EXTENSION
#undef HWA_DEVICE
};

static constexpr Row extension_rows[] = {
#define HWA_DEVICE(name)
#define HWA_EXTENSION(name) {#name, offsetof(VulkanDevice, name)},
#include "api/vulkan.def"
#undef HWA_EXTENSION
#undef HWA_DEVICE
#undef HWA_INSTANCE
#undef HWA_GLOBAL
};

static void put(void *table, const Row &row, PFN_vkVoidFunction address) {
    std::memcpy(static_cast<char *>(table) + row.offset, &address, sizeof address);
}

static base::Done fill(Vulkan &table, VkInstance instance, std::span<const Row> rows) {
    for (const Row &row : rows) {
        const PFN_vkVoidFunction address = table.vkGetInstanceProcAddr(instance, row.name);
        if (address == nullptr)
            return base::error(base::Status::Unsupported,
                               "%s: lacks the function %s, which came with Vulkan 1.1",
                               table.library.path.c_str(), row.name);
        put(&table, row, address);
    }
    return {};
}

base::Result<Vulkan> load_vulkan(const std::string &directory) {
    static constexpr const char *sonames[] = {"libvulkan.so.1"};
    static constexpr os::Symbol symbols[] = {
        {"vkGetInstanceProcAddr", true, offsetof(Vulkan, vkGetInstanceProcAddr)}};
    Vulkan table;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    HWA_CHECK(fill(table, VK_NULL_HANDLE, global_rows));
    return table;
}

base::Done bind_instance(Vulkan &table, VkInstance instance) {
    return fill(table, instance, instance_rows);
}

base::Result<VulkanDevice> bind_device(const Vulkan &table, VkDevice device) {
    VulkanDevice made;
    for (const Row &row : device_rows) {
        const PFN_vkVoidFunction address = table.vkGetDeviceProcAddr(device, row.name);
        if (address == nullptr)
            return base::error(base::Status::Unsupported,
                               "the driver lacks the function %s, which is of Vulkan 1.2",
                               row.name);
        put(&made, row, address);
    }
    for (const Row &row : extension_rows)
        put(&made, row, table.vkGetDeviceProcAddr(device, row.name));
    return made;
}

namespace {

struct CodeName {
    VkResult code;
    const char *name;
};

} // namespace

#define HWA_CODE(name)                                                                             \
    { name, #name }
static constexpr CodeName code_names[] = {
    HWA_CODE(VK_NOT_READY),
    HWA_CODE(VK_TIMEOUT),
    HWA_CODE(VK_INCOMPLETE),
    HWA_CODE(VK_ERROR_OUT_OF_HOST_MEMORY),
    HWA_CODE(VK_ERROR_OUT_OF_DEVICE_MEMORY),
    HWA_CODE(VK_ERROR_INITIALIZATION_FAILED),
    HWA_CODE(VK_ERROR_DEVICE_LOST),
    HWA_CODE(VK_ERROR_MEMORY_MAP_FAILED),
    HWA_CODE(VK_ERROR_LAYER_NOT_PRESENT),
    HWA_CODE(VK_ERROR_EXTENSION_NOT_PRESENT),
    HWA_CODE(VK_ERROR_FEATURE_NOT_PRESENT),
    HWA_CODE(VK_ERROR_INCOMPATIBLE_DRIVER),
    HWA_CODE(VK_ERROR_TOO_MANY_OBJECTS),
    HWA_CODE(VK_ERROR_FORMAT_NOT_SUPPORTED),
    HWA_CODE(VK_ERROR_FRAGMENTED_POOL),
    HWA_CODE(VK_ERROR_OUT_OF_POOL_MEMORY),
    HWA_CODE(VK_ERROR_INVALID_EXTERNAL_HANDLE),
    HWA_CODE(VK_ERROR_FRAGMENTATION),
    HWA_CODE(VK_ERROR_INVALID_SHADER_NV),
    HWA_CODE(VK_ERROR_UNKNOWN),
};
#undef HWA_CODE

const char *vulkan_error(VkResult code) {
    for (const CodeName &row : code_names)
        if (row.code == code)
            return row.name;
    return "an unknown Vulkan error";
}

} // namespace hwa::api
