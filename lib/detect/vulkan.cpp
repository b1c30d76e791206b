// SPDX-License-Identifier: MIT
// Vulkan as a witness: physical devices of every installed driver, software ones included.
//
// Document: Vulkan 1.3 specification, chapters "Devices and Queues", "Features", "Limits".
#include "detect/vulkan.h"

#include "api/vulkan.h"
#include "base/text.h"
#include "config.h"
#include "core/code.h"
#include "detect/frames.h"
#include "detect/webgpu.h"
#include "detect/witness.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

namespace hwa::detect {

using base::Status;
using core::Dtype;
using core::Source;
using core::Support;

/// Ids from 0x10000 on are the registry's own, of makers that are not on the PCI bus.
static constexpr uint32_t registry_vendors = 0x10000;

/// What a queue of this library needs of a device.
static constexpr uint32_t runtime_version = VK_API_VERSION_1_2;

static std::string version_text(uint32_t version) {
    return base::format("%u.%u.%u", VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version),
                        VK_API_VERSION_PATCH(version));
}

static base::Error failure(const char *call, VkResult code) {
    const auto status = code == VK_ERROR_OUT_OF_HOST_MEMORY ? Status::HostMemory : Status::Driver;
    base::Error why =
        base::error(status, "%s answered %s (%d)", call, api::vulkan_error(code), code);
    why.code = code;
    return why;
}

/// The count a call gave, if it can be true.
static base::Result<uint32_t> plausible(const char *call, uint32_t count) {
    if (count > device_limit)
        return base::error(Status::Parse, "%s told of %u things, which cannot be", call, count);
    return count;
}

/// Puts a struct at the head of a chain that a call will fill.
template <class T> static void chain(void *&head, T &link, VkStructureType type) {
    link.sType = type;
    link.pNext = head;
    head = &link;
}

namespace {

/// One physical device while it is being asked.
struct Subject {
    const api::Vulkan &vulkan;
    VkPhysicalDevice handle;
    uint32_t index;
    uint32_t loader_version; ///< 0: it does not tell
    std::vector<VkExtensionProperties> extensions;

    bool has(const char *name) const {
        return std::any_of(extensions.begin(), extensions.end(), [&](const auto &row) {
            return std::strncmp(row.extensionName, name, sizeof row.extensionName) == 0;
        });
    }
};

} // namespace

static base::Done ask_extensions(Subject &subject, Findings &findings) {
    static constexpr const char *call = "vkEnumerateDeviceExtensionProperties";
    findings.stage(call);
    const auto enumerate = subject.vulkan.vkEnumerateDeviceExtensionProperties;
    uint32_t count = 0;
    VkResult code = enumerate(subject.handle, nullptr, &count, nullptr);
    if (code != VK_SUCCESS)
        return failure(call, code);
    HWA_CHECK(plausible(call, count));
    subject.extensions.resize(count);
    code = enumerate(subject.handle, nullptr, &count, subject.extensions.data());
    if (code != VK_SUCCESS && code != VK_INCOMPLETE)
        return failure(call, code);
    subject.extensions.resize(std::min<size_t>(count, subject.extensions.size()));
    return {};
}

namespace {

/// Properties of a device and what is chained to them; what a driver does not know stays 0.
struct Properties {
    VkPhysicalDeviceProperties2 all = {};
    VkPhysicalDeviceIDProperties ids = {};
    VkPhysicalDeviceSubgroupProperties subgroup = {};
    VkPhysicalDeviceDriverProperties driver = {};
    VkPhysicalDevicePCIBusInfoPropertiesEXT pci = {};
    VkPhysicalDeviceDrmPropertiesEXT drm = {};
    VkPhysicalDeviceShaderSMBuiltinsPropertiesNV nvidia = {};
    VkPhysicalDeviceShaderCoreProperties2AMD amd = {};
};

} // namespace

static void ask_properties(const Subject &subject, Properties &into) {
    void *head = nullptr;
    chain(head, into.ids, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES);
    chain(head, into.subgroup, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES);
    chain(head, into.driver, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES);
    if (subject.has(VK_EXT_PCI_BUS_INFO_EXTENSION_NAME))
        chain(head, into.pci, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PCI_BUS_INFO_PROPERTIES_EXT);
    if (subject.has(VK_EXT_PHYSICAL_DEVICE_DRM_EXTENSION_NAME))
        chain(head, into.drm, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRM_PROPERTIES_EXT);
    if (subject.has(VK_NV_SHADER_SM_BUILTINS_EXTENSION_NAME))
        chain(head, into.nvidia,
              VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV);
    if (subject.has(VK_AMD_SHADER_CORE_PROPERTIES_2_EXTENSION_NAME))
        chain(head, into.amd, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_CORE_PROPERTIES_2_AMD);
    into.all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    into.all.pNext = head;
    subject.vulkan.vkGetPhysicalDeviceProperties2(subject.handle, &into.all);
}

/// Formats that shaders can compute with or at least load; absence proves nothing of the hardware.
static void ask_features(const Subject &subject, core::Device &device) {
    VkPhysicalDevice16BitStorageFeatures store16 = {};
    VkPhysicalDevice8BitStorageFeatures store8 = {};
    VkPhysicalDeviceShaderFloat16Int8Features narrow = {};
    VkPhysicalDeviceFeatures2 all = {};
    void *head = nullptr;
    chain(head, store16, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES);
    chain(head, store8, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES);
    chain(head, narrow, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES);
    all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    all.pNext = head;
    subject.vulkan.vkGetPhysicalDeviceFeatures2(subject.handle, &all);
    const struct {
        Dtype dtype;
        VkBool32 native;
        VkBool32 storage;
    } rows[] = {
        {Dtype::F64, all.features.shaderFloat64, 0},
        {Dtype::F32, 1, 0},
        {Dtype::F16, narrow.shaderFloat16, store16.storageBuffer16BitAccess},
        {Dtype::I8, narrow.shaderInt8, store8.storageBuffer8BitAccess},
        {Dtype::I16, all.features.shaderInt16, store16.storageBuffer16BitAccess},
        {Dtype::I32, 1, 0},
        {Dtype::I64, all.features.shaderInt64, 0},
    };
    for (const auto &row : rows)
        if (row.native != 0 || row.storage != 0)
            device.put_compute({row.dtype, row.native != 0 ? Support::Native : Support::Storage, 0,
                                0, Source::Driver});
}

static core::Memory memory_of(core::MemoryRole role, uint64_t bytes) {
    core::Memory memory;
    memory.role = role;
    memory.size_bytes.offer(bytes, Source::Driver);
    return memory;
}

/// A discrete device has its largest local heap, the others being windows onto the same; an
/// integrated one has all heaps together, which only differ in how the driver counts them.
static void put_memories(const VkPhysicalDeviceMemoryProperties &heaps, bool integrated,
                         core::Device &device) {
    uint64_t local = 0;
    uint64_t host = 0;
    uint64_t sum = 0;
    const uint32_t count = std::min<uint32_t>(heaps.memoryHeapCount, VK_MAX_MEMORY_HEAPS);
    for (uint32_t i = 0; i < count; ++i) {
        const VkMemoryHeap &heap = heaps.memoryHeaps[i];
        const bool is_local = (heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) != 0;
        uint64_t &largest = is_local ? local : host;
        largest = std::max<uint64_t>(largest, heap.size);
        sum = heap.size > UINT64_MAX - sum ? UINT64_MAX : sum + heap.size;
    }
    using core::MemoryRole;
    if (integrated && sum > 0)
        device.memories.push_back(
            memory_of(count == 1 ? MemoryRole::Unified : MemoryRole::Shared, sum));
    if (!integrated && local > 0)
        device.memories.push_back(memory_of(MemoryRole::Dedicated, local));
    if (!integrated && host > 0)
        device.memories.push_back(memory_of(MemoryRole::Shared, host));
}

static void ask_memory(const Subject &subject, bool integrated, core::Device &device) {
    VkPhysicalDeviceMemoryProperties2 memory = {};
    VkPhysicalDeviceMemoryBudgetPropertiesEXT budget = {};
    void *head = nullptr;
    const bool has_budget = subject.has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
    if (has_budget)
        chain(head, budget, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT);
    memory.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2;
    memory.pNext = head;
    subject.vulkan.vkGetPhysicalDeviceMemoryProperties2(subject.handle, &memory);
    put_memories(memory.memoryProperties, integrated, device);
    if (!has_budget)
        return;
    const auto largest =
        std::max_element(std::begin(budget.heapBudget), std::end(budget.heapBudget));
    if (*largest > 0 && *largest <= INT64_MAX)
        device.put_attr(core::attr_int("vulkan.memory_budget_bytes", static_cast<int64_t>(*largest),
                                       Source::Driver));
}

static void put_attrs(const Subject &subject, const Properties &properties, core::Device &device) {
    const VkPhysicalDeviceProperties &main = properties.all.properties;
    const auto number = [&](const char *key, uint64_t value) {
        if (value != 0 && value <= INT64_MAX)
            device.put_attr(core::attr_int(key, static_cast<int64_t>(value), Source::Driver));
    };
    const auto text = [&](const char *key, std::string value) {
        if (!value.empty())
            device.put_attr(core::attr_text(key, std::move(value), Source::Driver));
    };
    device.put_attr(core::attr_int("vulkan.index", subject.index, Source::Driver));
    text("vulkan.api_version", version_text(main.apiVersion));
    text("vulkan.driver", base::sanitise(field_text(properties.driver.driverName) + " " +
                                         field_text(properties.driver.driverInfo)));
    number("vulkan.subgroup_size", properties.subgroup.subgroupSize);
    number("vulkan.group_threads", main.limits.maxComputeWorkGroupInvocations);
    number("vulkan.shared_bytes", main.limits.maxComputeSharedMemorySize);
    number("vulkan.cooperative_matrix", subject.has("VK_KHR_cooperative_matrix") ? 1 : 0);
    if (properties.drm.hasRender != 0)
        text("vulkan.render_node",
             base::format("%lld:%lld", static_cast<long long>(properties.drm.renderMajor),
                          static_cast<long long>(properties.drm.renderMinor)));
}

static void identify(const Subject &subject, const Properties &properties, core::Device &device) {
    const VkPhysicalDeviceProperties &main = properties.all.properties;
    device.name.offer(field_text(main.deviceName), Source::Driver);
    device.uuid = uuid_text(properties.ids.deviceUUID);
    device.kind = core::Kind::Gpu;
    if (main.deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU)
        device.flags |= core::DeviceIntegrated;
    if (main.deviceType == VK_PHYSICAL_DEVICE_TYPE_OTHER)
        device.kind = core::Kind::Unknown;
    name_vendor(device, main.vendorID);
    if (main.vendorID < registry_vendors) {
        device.pci_vendor.offer(main.vendorID, Source::Driver);
        device.pci_device.offer(main.deviceID, Source::Driver);
    }
    const uint32_t units =
        std::max(properties.nvidia.shaderSMCount, properties.amd.activeComputeUnitCount);
    if (units != 0)
        device.compute_units.offer(units, Source::Driver);
    const auto &pci = properties.pci;
    if (subject.has(VK_EXT_PCI_BUS_INFO_EXTENSION_NAME))
        device.id = pci_id(pci.pciDomain, pci.pciBus, pci.pciDevice, pci.pciFunction);
    else
        name_unlisted(device, "vulkan", subject.index);
}

static bool has_timeline(const Subject &subject) {
    VkPhysicalDeviceVulkan12Features version = {};
    VkPhysicalDeviceFeatures2 all = {};
    void *head = nullptr;
    chain(head, version, VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES);
    all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    all.pNext = head;
    subject.vulkan.vkGetPhysicalDeviceFeatures2(subject.handle, &all);
    return version.timelineSemaphore != 0;
}

static bool computes(const Subject &subject) {
    const auto ask = subject.vulkan.vkGetPhysicalDeviceQueueFamilyProperties;
    uint32_t count = 0;
    ask(subject.handle, &count, nullptr);
    std::vector<VkQueueFamilyProperties> families(std::min(count, device_limit));
    count = static_cast<uint32_t>(families.size());
    ask(subject.handle, &count, families.data());
    families.resize(std::min<size_t>(count, families.size()));
    return std::any_of(families.begin(), families.end(), [](const auto &family) {
        return (family.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
    });
}

/// Why no queue can be opened on the device; "" if one can.
static std::string lack(const Subject &subject, const VkPhysicalDeviceProperties &main) {
    if (HWA_RUNTIME_VULKAN == 0)
        return "the runtime was left out when the library was built";
    if (subject.loader_version < runtime_version)
        return base::format("the Vulkan loader is of version %s; 1.2 is needed",
                            version_text(subject.loader_version).c_str());
    if (main.apiVersion < runtime_version)
        return base::format("the driver has Vulkan %s; 1.2 is needed",
                            version_text(main.apiVersion).c_str());
    if (!has_timeline(subject))
        return "the device has no timeline semaphores";
    return computes(subject) ? "" : "the device has no queue that computes";
}

static void put_runtime(const Subject &subject, const Properties &properties,
                        core::Device &device) {
    const VkPhysicalDeviceProperties &main = properties.all.properties;
    core::Runtime runtime;
    runtime.name = "vulkan";
    runtime.flags = core::BackendRunsKernels | core::BackendRunsOps;
    runtime.code_mask = core::code_mask("vulkan");
    runtime.native_id = base::format("%u", subject.index);
    runtime.version = version_text(main.apiVersion);
    runtime.device_name = field_text(main.deviceName);
    if (main.deviceType != VK_PHYSICAL_DEVICE_TYPE_CPU)
        runtime.device_uuid = uuid_text(properties.ids.deviceUUID);
    runtime.message = lack(subject, main);
    if (!runtime.message.empty())
        runtime.status = Status::Unsupported;
    device.runtimes.push_back(std::move(runtime));
}

static base::Done ask_device(Subject &subject, uint32_t &software_count, Findings &findings) {
    HWA_CHECK(ask_extensions(subject, findings));
    Properties properties;
    findings.stage("vkGetPhysicalDeviceProperties2");
    ask_properties(subject, properties);
    core::Device device;
    device.flags = core::DeviceUsable;
    identify(subject, properties, device);
    put_attrs(subject, properties, device);
    findings.stage("vkGetPhysicalDeviceFeatures2");
    ask_features(subject, device);
    put_webgpu(subject.vulkan, subject.handle, properties.all.properties, device);
    put_runtime(subject, properties, device);
    if (properties.all.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU) {
        mark_software(device, "vulkan", software_count++);
        device.driver.offer(device.find_attr("vulkan.driver") != nullptr
                                ? device.find_attr("vulkan.driver")->s
                                : std::string(),
                            Source::Driver);
    } else {
        findings.stage("vkGetPhysicalDeviceMemoryProperties2");
        ask_memory(subject, (device.flags & core::DeviceIntegrated) != 0, device);
    }
    findings.found(std::move(device));
    return {};
}

static base::Result<VkInstance> create_instance(const api::Vulkan &vulkan) {
    VkApplicationInfo application = {};
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
    application.pApplicationName = "hwa-probe";
    application.apiVersion = VK_API_VERSION_1_2;
    VkInstanceCreateInfo wish = {};
    wish.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    wish.pApplicationInfo = &application;
    VkInstance instance = VK_NULL_HANDLE;
    const VkResult code = vulkan.vkCreateInstance(&wish, nullptr, &instance);
    if (code != VK_SUCCESS)
        return failure("vkCreateInstance", code);
    return instance;
}

static base::Result<std::vector<VkPhysicalDevice>> list_devices(const api::Vulkan &vulkan,
                                                                VkInstance instance) {
    static constexpr const char *call = "vkEnumeratePhysicalDevices";
    uint32_t count = 0;
    VkResult code = vulkan.vkEnumeratePhysicalDevices(instance, &count, nullptr);
    if (code != VK_SUCCESS)
        return failure(call, code);
    HWA_CHECK(plausible(call, count));
    std::vector<VkPhysicalDevice> devices(count);
    if (count > 0)
        code = vulkan.vkEnumeratePhysicalDevices(instance, &count, devices.data());
    if (code != VK_SUCCESS && code != VK_INCOMPLETE)
        return failure(call, code);
    devices.resize(std::min<size_t>(count, devices.size()));
    return devices;
}

base::Done ask_vulkan(const std::string &library_path, Findings &findings) {
    findings.stage("dlopen");
    HWA_TRY(api::Vulkan vulkan, api::load_vulkan(library_path));
    findings.library = vulkan.library.path;
    findings.stage("vkEnumerateInstanceVersion");
    uint32_t version = 0;
    if (vulkan.vkEnumerateInstanceVersion(&version) == VK_SUCCESS)
        findings.version = version_text(version);
    findings.stage("vkCreateInstance");
    HWA_TRY(const VkInstance instance, create_instance(vulkan));
    HWA_CHECK(api::bind_instance(vulkan, instance));
    findings.stage("vkEnumeratePhysicalDevices");
    HWA_TRY(const auto handles, list_devices(vulkan, instance));
    if (handles.empty())
        findings.warning = "the Vulkan drivers that are installed have no device to show";
    uint32_t software_count = 0;
    std::optional<base::Error> failed;
    uint32_t failures = 0;
    for (uint32_t i = 0; i < handles.size(); ++i) {
        Subject subject{vulkan, handles[i], i, version, {}};
        const auto asked = ask_device(subject, software_count, findings);
        if (asked)
            continue;
        failed = asked.error();
        failed->message = base::format("physical device %u: %s", i, failed->message.c_str());
        ++failures;
    }
    // One bad driver does not hide the others.
    if (failed && failures == handles.size())
        return *failed;
    if (failed)
        findings.warning = failed->message;
    return {};
}

} // namespace hwa::detect
