// SPDX-License-Identifier: MIT
// Vulkan: buffers and the memory behind them, made, borrowed, mapped, or on the way.
// Document: Vulkan 1.3 specification, chapters "Memory Allocation" and "Resource Creation".
#include "launch/vulkan.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>
#include <bit>

namespace hwa::launch {
namespace {

using base::Status;

constexpr VkBufferUsageFlags every_use =
    VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_UNIFORM_BUFFER_BIT |
    VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;

constexpr VkMemoryPropertyFlags local = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
constexpr VkMemoryPropertyFlags visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
constexpr VkMemoryPropertyFlags coherent_bit = VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
constexpr VkMemoryPropertyFlags cached = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;

/// Kinds of memory in falling order of liking. A device with memory of its own is best served there
/// and copied to; the others use the host's, which needs no copies.
constexpr VkMemoryPropertyFlags for_discrete[] = {local};
constexpr VkMemoryPropertyFlags for_integrated[] = {local | visible | coherent_bit | cached,
                                                    local | visible | coherent_bit,
                                                    visible | coherent_bit, local, 0};
constexpr VkMemoryPropertyFlags for_host[] = {visible | coherent_bit | cached, visible | cached,
                                              visible | coherent_bit, visible};

std::span<const VkMemoryPropertyFlags> likings(const VulkanTraits &traits, VulkanPlace place) {
    if (place == VulkanPlace::Host)
        return for_host;
    if (traits.discrete)
        return for_discrete;
    return for_integrated;
}

/// Kinds that only other uses are allowed.
constexpr VkMemoryPropertyFlags unfit = VK_MEMORY_PROPERTY_PROTECTED_BIT |
                                        VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT |
                                        VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD;

/// Types of memory among `allowed`, the best liked first, each once.
std::vector<uint32_t> types_of(const VulkanTraits &traits, uint32_t allowed, VulkanPlace place) {
    std::vector<uint32_t> found;
    for (const VkMemoryPropertyFlags wanted : likings(traits, place))
        for (uint32_t i = 0; i < std::min(traits.memory.memoryTypeCount, 32u); ++i) {
            const VkMemoryPropertyFlags has = traits.memory.memoryTypes[i].propertyFlags;
            if ((allowed >> i & 1) != 0 && (has & wanted) == wanted && (has & unfit) == 0 &&
                std::find(found.begin(), found.end(), i) == found.end())
                found.push_back(i);
        }
    return found;
}

base::Done create_buffer(VulkanMemory &memory, const void *next) {
    auto info = vulkan_struct<VkBufferCreateInfo>(VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, next);
    info.size = memory.size_bytes;
    info.usage = every_use;
    info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
    const VulkanContext &context = *memory.context;
    HWA_VK("vkCreateBuffer",
           context.vk.vkCreateBuffer(context.device, &info, nullptr, &memory.buffer));
    return {};
}

/// Drivers may fail in any way, and some crash, when there are more than they can count.
base::Done allocate_of(VulkanMemory &memory, uint64_t size_bytes, uint32_t type, const void *next) {
    VulkanContext &context = *memory.context;
    if (context.allocation_count.fetch_add(1) >= context.traits.allocation_limit) {
        context.allocation_count.fetch_sub(1);
        return base::error(Status::DeviceMemory,
                           "this device has no more than %llu pieces of memory at a time",
                           static_cast<unsigned long long>(context.traits.allocation_limit));
    }
    auto info = vulkan_struct<VkMemoryAllocateInfo>(VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, next);
    info.allocationSize = size_bytes;
    info.memoryTypeIndex = type;
    const VkResult code =
        context.vk.vkAllocateMemory(context.device, &info, nullptr, &memory.memory);
    if (code == VK_SUCCESS)
        return {};
    memory.memory = VK_NULL_HANDLE;
    context.allocation_count.fetch_sub(1);
    return vulkan_failure("vkAllocateMemory", code);
}

/// Host-visible memory stays mapped for as long as it lives.
base::Done bind(VulkanMemory &memory, uint64_t offset, uint32_t type, bool map) {
    const VulkanContext &context = *memory.context;
    HWA_VK("vkBindBufferMemory",
           context.vk.vkBindBufferMemory(context.device, memory.buffer, memory.memory, offset));
    const VkMemoryPropertyFlags has = context.traits.memory.memoryTypes[type].propertyFlags;
    if (!map || (has & visible) == 0)
        return {};
    HWA_VK("vkMapMemory", context.vk.vkMapMemory(context.device, memory.memory, 0, VK_WHOLE_SIZE, 0,
                                                 &memory.mapped));
    memory.coherent = (has & coherent_bit) != 0;
    return {};
}

uint32_t types_of_pointer(const VulkanContext &context, void *base, VkResult &code) {
    auto properties = vulkan_struct<VkMemoryHostPointerPropertiesEXT>(
        VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT);
    code = context.vk.vkGetMemoryHostPointerPropertiesEXT(
        context.device, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, base, &properties);
    return properties.memoryTypeBits;
}

/// The pages around what the caller lends; the buffer lies in them where the caller's bytes do.
base::Result<std::shared_ptr<Memory>> import(const VulkanContextPtr &context,
                                             const MemoryRequest &request) {
    const uint64_t page = context->traits.import_alignment_bytes;
    const auto address = reinterpret_cast<uintptr_t>(request.host);
    const uint64_t offset = address % page;
    const auto end = base::checked_add(offset + request.size_bytes, page - 1);
    if (!end)
        return base::error(Status::Invalid, "host memory of that size wraps around");
    void *const base = reinterpret_cast<void *>(address - offset);
    auto made = std::make_shared<VulkanMemory>(context);
    made->size_bytes = request.size_bytes;
    auto external = vulkan_struct<VkExternalMemoryBufferCreateInfo>(
        VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO);
    external.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    HWA_CHECK(create_buffer(*made, &external));
    VkMemoryRequirements needs = {};
    context->vk.vkGetBufferMemoryRequirements(context->device, made->buffer, &needs);
    if (needs.alignment != 0 && offset % needs.alignment != 0)
        return base::error(Status::Unsupported,
                           "this device uses host memory in place only if it begins at a multiple "
                           "of %llu bytes",
                           static_cast<unsigned long long>(needs.alignment));
    const uint64_t whole_bytes = *end / page * page;
    if (needs.size > whole_bytes - offset)
        return base::error(Status::Unsupported,
                           "this device wants %llu bytes for a buffer of %llu, and the pages of "
                           "this host memory have %llu from there on",
                           static_cast<unsigned long long>(needs.size),
                           static_cast<unsigned long long>(request.size_bytes),
                           static_cast<unsigned long long>(whole_bytes - offset));
    VkResult code = VK_SUCCESS;
    const uint32_t fit = types_of_pointer(*context, base, code) & needs.memoryTypeBits;
    const std::vector<uint32_t> types = types_of(context->traits, fit, VulkanPlace::Host);
    auto how = vulkan_struct<VkImportMemoryHostPointerInfoEXT>(
        VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT);
    how.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
    how.pHostPointer = base;
    base::Done done = vulkan_failure("vkGetMemoryHostPointerPropertiesEXT",
                                     code == VK_SUCCESS ? VK_ERROR_INVALID_EXTERNAL_HANDLE : code);
    // What was bound once, well or not, is not bound again.
    for (size_t i = 0; !done && made->memory == VK_NULL_HANDLE && i < types.size(); ++i)
        if (done = allocate_of(*made, whole_bytes, types[i], &how); done) {
            done = bind(*made, offset, types[i], false);
            made->coherent =
                (context->traits.memory.memoryTypes[types[i]].propertyFlags & coherent_bit) != 0;
        }
    if (!done) {
        done.error().status = Status::Unsupported;
        done.error().message =
            "the driver cannot use this host memory in place: " + done.error().message;
        return std::move(done.error());
    }
    // Seen through the caller's own pointer. Without coherence it could not be flushed.
    if (made->coherent)
        made->mapped = request.host;
    made->lease = request.lease;
    return std::shared_ptr<Memory>(std::move(made));
}

base::Result<std::shared_ptr<Memory>> adopt(const VulkanContextPtr &context,
                                            const MemoryRequest &request) {
    auto made = std::make_shared<VulkanMemory>(context);
    made->owned = false;
    made->buffer = (VkBuffer)request.native;
    made->size_bytes = request.size_bytes;
    // A buffer does not tell its size, but it cannot be larger than the memory it needs.
    VkMemoryRequirements needs = {};
    context->vk.vkGetBufferMemoryRequirements(context->device, made->buffer, &needs);
    if (needs.size < request.size_bytes)
        return base::error(Status::Invalid, "the VkBuffer has %llu bytes, fewer than asked",
                           static_cast<unsigned long long>(needs.size));
    made->lease = request.lease;
    return std::shared_ptr<Memory>(std::move(made));
}

} // namespace

VulkanMemory::~VulkanMemory() {
    if (!owned)
        return;
    const api::VulkanDevice &vk = context->vk;
    if (buffer != VK_NULL_HANDLE)
        vk.vkDestroyBuffer(context->device, buffer, nullptr);
    if (memory != VK_NULL_HANDLE) {
        vk.vkFreeMemory(context->device, memory, nullptr);
        context->allocation_count.fetch_sub(1);
    }
}

VkMappedMemoryRange VulkanMemory::range(uint64_t offset, uint64_t bytes) const {
    // The ends must be multiples of this, or the end of the memory.
    const uint64_t atom = context->traits.coherent_atom_bytes;
    auto made = vulkan_struct<VkMappedMemoryRange>(VK_STRUCTURE_TYPE_MAPPED_MEMORY_RANGE);
    made.memory = memory;
    made.offset = offset / atom * atom;
    const uint64_t end = base::divide_up(offset + bytes, atom) * atom;
    made.size = end >= size_bytes ? VK_WHOLE_SIZE : end - made.offset;
    return made;
}

base::Done VulkanMemory::flush(uint64_t offset, uint64_t bytes) const {
    if (coherent || mapped == nullptr)
        return {};
    const VkMappedMemoryRange what = range(offset, bytes);
    HWA_VK("vkFlushMappedMemoryRanges",
           context->vk.vkFlushMappedMemoryRanges(context->device, 1, &what));
    return {};
}

base::Done VulkanMemory::invalidate(uint64_t offset, uint64_t bytes) const {
    if (coherent || mapped == nullptr)
        return {};
    const VkMappedMemoryRange what = range(offset, bytes);
    HWA_VK("vkInvalidateMappedMemoryRanges",
           context->vk.vkInvalidateMappedMemoryRanges(context->device, 1, &what));
    return {};
}

base::Result<std::shared_ptr<VulkanMemory>>
allocate_vulkan(const VulkanContextPtr &context, uint64_t size_bytes, VulkanPlace place) {
    auto made = std::make_shared<VulkanMemory>(context);
    made->size_bytes = size_bytes;
    HWA_CHECK(create_buffer(*made, nullptr));
    VkMemoryRequirements needs = {};
    context->vk.vkGetBufferMemoryRequirements(context->device, made->buffer, &needs);
    base::Done done =
        base::error(Status::Unsupported, "the driver offers no memory for such a buffer");
    for (const uint32_t type : types_of(context->traits, needs.memoryTypeBits, place)) {
        done = allocate_of(*made, needs.size, type, nullptr);
        if (done)
            done = bind(*made, 0, type, place == VulkanPlace::Host || !context->traits.discrete);
        // The next best kind may have room.
        if (done || made->memory != VK_NULL_HANDLE ||
            done.error().code != VK_ERROR_OUT_OF_DEVICE_MEMORY)
            break;
    }
    if (!done)
        return std::move(done.error());
    return made;
}

base::Result<std::shared_ptr<Memory>> wrap_vulkan(const VulkanContextPtr &context,
                                                  const MemoryRequest &request) {
    if (request.native != 0)
        return adopt(context, request);
    if (context->traits.import_alignment_bytes == 0)
        return base::error(Status::Unsupported,
                           "this driver cannot use host memory in place, for it lacks %s",
                           VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
    return import(context, request);
}

/// What is kept for the next copies together, and the smallest piece worth an allocation.
static constexpr uint64_t kept_limit_bytes = 64 * base::MiB;
static constexpr uint64_t smallest_bytes = 64 * base::KiB;

base::Result<std::shared_ptr<VulkanMemory>> VulkanStages::take(const VulkanContextPtr &context,
                                                               uint64_t size_bytes) {
    {
        const std::lock_guard lock(mutex_);
        for (auto &one : kept_)
            if (one->size_bytes >= size_bytes &&
                one->size_bytes / 8 <= size_bytes + smallest_bytes) {
                std::swap(one, kept_.back());
                auto found = std::move(kept_.back());
                kept_.pop_back();
                kept_bytes_ -= found->size_bytes;
                return found;
            }
    }
    const uint64_t rounded = size_bytes > kept_limit_bytes
                                 ? size_bytes
                                 : std::bit_ceil(std::max(size_bytes, smallest_bytes));
    return allocate_vulkan(context, rounded, VulkanPlace::Host);
}

void VulkanStages::give(std::shared_ptr<VulkanMemory> stage) {
    const std::lock_guard lock(mutex_);
    if (stage->size_bytes > kept_limit_bytes - kept_bytes_)
        return;
    kept_bytes_ += stage->size_bytes;
    kept_.push_back(std::move(stage));
}

} // namespace hwa::launch
