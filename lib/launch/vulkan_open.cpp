// SPDX-License-Identifier: MIT
// Vulkan: the loader and its instance, and the choice of the device that detection saw.
// Document: Vulkan 1.3 specification, chapters "Initialization" and "Devices and Queues".
#include "base/once.h"
#include "base/text.h"
#include "launch/match.h"
#include "launch/vulkan.h"
#include "launch/vulkan_device.h"
#include "os/caller.h"
#include "os/fork.h"

#include <algorithm>
#include <cstring>

namespace hwa::launch {
namespace {

using base::Status;

/// More devices than any machine shows.
constexpr uint32_t device_limit = 1024;

Status status_of(VkResult code) {
    switch (code) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return Status::HostMemory;
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTATION:
        return Status::DeviceMemory;
    case VK_ERROR_DEVICE_LOST:
        return Status::Lost;
    case VK_ERROR_INCOMPATIBLE_DRIVER:
    case VK_ERROR_INITIALIZATION_FAILED:
        return Status::Unavailable;
    default:
        return Status::Driver;
    }
}

/// The loader with its instance, and the process that opened it; both stay to the end.
struct Loader {
    std::string directory;
    base::Result<api::Vulkan> vulkan;
    VkInstance instance = VK_NULL_HANDLE;
    uint64_t stamp = 0;
    Loader *next = nullptr;
};

base::Result<VkInstance> create_instance(const api::Vulkan &vulkan) {
    uint32_t version = VK_API_VERSION_1_0;
    HWA_VK("vkEnumerateInstanceVersion", vulkan.vkEnumerateInstanceVersion(&version));
    if (version < VK_API_VERSION_1_2)
        return base::error(Status::Unsupported, "%s is of Vulkan %u.%u; 1.2 is needed",
                           vulkan.library.path.c_str(), VK_API_VERSION_MAJOR(version),
                           VK_API_VERSION_MINOR(version));
    auto application = vulkan_struct<VkApplicationInfo>(VK_STRUCTURE_TYPE_APPLICATION_INFO);
    application.pApplicationName = "hwa";
    application.apiVersion = std::min<uint32_t>(version, VK_API_VERSION_1_3);
    auto wish = vulkan_struct<VkInstanceCreateInfo>(VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO);
    wish.pApplicationInfo = &application;
    VkInstance instance = VK_NULL_HANDLE;
    HWA_VK("vkCreateInstance", vulkan.vkCreateInstance(&wish, nullptr, &instance));
    return instance;
}

Loader *open_loader(const std::string &directory) {
    const os::CallerState state;
    auto *made = new Loader{directory, api::load_vulkan(directory), VK_NULL_HANDLE,
                            os::process_stamp(), nullptr};
    if (!made->vulkan)
        return made;
    auto instance = create_instance(*made->vulkan);
    if (instance)
        if (auto bound = api::bind_instance(*made->vulkan, *instance); !bound)
            instance = bound.error();
    if (instance)
        made->instance = *instance;
    else
        made->vulkan = instance.error();
    return made;
}

/// One loader for each folder that was ever asked for, opened when it first is.
const Loader &loader(const std::string &directory) {
    static constinit std::mutex mutex;
    static Loader *first = nullptr;
    const std::lock_guard lock(mutex);
    for (Loader *one = first; one != nullptr; one = one->next)
        if (one->directory == directory)
            return *one;
    Loader *const made = open_loader(directory);
    made->next = first;
    return *(first = made);
}

/// Drivers keep threads, and threads do not follow a fork: a call from the child may never return.
base::Done check_loader(const Loader &one) {
    if (one.stamp != os::process_stamp())
        return base::error(Status::Forked,
                           "Vulkan was in use when this process was forked, and drivers do not "
                           "survive that; open the first queue after the fork");
    return {};
}

base::Result<std::vector<VkPhysicalDevice>> list_devices(const Loader &one) {
    static constexpr const char *call = "vkEnumeratePhysicalDevices";
    const auto enumerate = one.vulkan->vkEnumeratePhysicalDevices;
    uint32_t count = 0;
    HWA_VK(call, enumerate(one.instance, &count, nullptr));
    std::vector<VkPhysicalDevice> found(std::min(count, device_limit));
    count = static_cast<uint32_t>(found.size());
    if (count != 0) {
        const VkResult code = enumerate(one.instance, &count, found.data());
        if (code != VK_INCOMPLETE)
            HWA_VK(call, code);
    }
    found.resize(std::min<size_t>(count, found.size()));
    return found;
}

/// Drivers that have none fill it with a text that is the same on every machine.
std::string uuid_of(const VkPhysicalDeviceProperties2 &all,
                    const VkPhysicalDeviceIDProperties &ids) {
    std::string text;
    if (all.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU)
        return text;
    for (const uint8_t byte : ids.deviceUUID)
        text += base::format("%02x", byte);
    return text;
}

Shown show(const api::Vulkan &vulkan, VkPhysicalDevice device, size_t index) {
    const VulkanExtensions extensions(vulkan, device);
    VkPhysicalDeviceIDProperties ids = {};
    VkPhysicalDevicePCIBusInfoPropertiesEXT pci = {};
    VkPhysicalDeviceDrmPropertiesEXT drm = {};
    void *head = nullptr;
    chain(head, ids, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES);
    const bool has_pci = extensions.has(VK_EXT_PCI_BUS_INFO_EXTENSION_NAME);
    const bool has_drm = extensions.has(VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME);
    if (has_pci)
        chain(head, pci, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT);
    if (has_drm)
        chain(head, drm, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT);
    auto all = vulkan_struct<VkPhysicalDeviceProperties2>(
        VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, head);
    vulkan.vkGetPhysicalDeviceProperties2(device, &all);
    Shown shown;
    shown.index = base::format("%zu", index);
    shown.name = base::sanitise(
        std::string_view(all.properties.deviceName,
                         strnlen(all.properties.deviceName, sizeof all.properties.deviceName)));
    shown.uuid = uuid_of(all, ids);
    shown.pci_vendor = all.properties.vendorID;
    shown.pci_device = all.properties.deviceID;
    if (has_pci)
        shown.pci = base::format("%04x:%02x:%02x.%x", pci.pciDomain, pci.pciBus, pci.pciDevice,
                                 pci.pciFunction);
    if (has_drm && drm.hasRender != 0 && drm.renderMinor > 0 && drm.renderMinor <= UINT32_MAX)
        shown.render_minor = static_cast<uint32_t>(drm.renderMinor);
    return shown;
}

} // namespace

base::Error vulkan_failure(const char *call, VkResult code) {
    base::Error why =
        base::error(status_of(code), "%s answered %s (%d)", call, api::vulkan_error(code), code);
    why.code = code;
    why.backend = "vulkan";
    return why;
}

VulkanExtensions::VulkanExtensions(const api::Vulkan &vulkan, VkPhysicalDevice device) {
    const auto enumerate = vulkan.vkEnumerateDeviceExtensionProperties;
    uint32_t count = 0;
    if (enumerate(device, nullptr, &count, nullptr) != VK_SUCCESS)
        return;
    rows_.resize(std::min(count, 4096u));
    count = static_cast<uint32_t>(rows_.size());
    if (const VkResult code = enumerate(device, nullptr, &count, rows_.data());
        code != VK_SUCCESS && code != VK_INCOMPLETE)
        count = 0;
    rows_.resize(std::min<size_t>(count, rows_.size()));
}

bool VulkanExtensions::has(const char *name) const {
    return std::any_of(rows_.begin(), rows_.end(), [&](const VkExtensionProperties &row) {
        return std::strncmp(row.extensionName, name, sizeof row.extensionName) == 0;
    });
}

base::Result<VulkanContextPtr> open_vulkan(const OpenRequest &request) {
    const Loader &one = loader(request.library_path);
    HWA_CHECK(check_loader(one));
    if (!one.vulkan)
        return one.vulkan.error();
    const os::CallerState state;
    HWA_TRY(const auto devices, list_devices(one));
    std::vector<Shown> shown;
    for (size_t i = 0; i < devices.size(); ++i)
        shown.push_back(show(*one.vulkan, devices[i], i));
    HWA_TRY(const size_t which, match_device(*request.device, *request.runtime, shown));
    auto context = std::make_shared<VulkanContext>(*one.vulkan);
    context->physical = devices[which];
    context->cache = request.cache;
    HWA_CHECK(open_vulkan_device(*context));
    return context;
}

} // namespace hwa::launch
