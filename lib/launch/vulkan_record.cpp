// SPDX-License-Identifier: MIT
// Vulkan: launches laid out and written into command buffers.
// Document: Vulkan 1.3 specification, chapters "Resource Descriptors", "Dispatching Commands" and
// "Synchronization and Cache Control".
#include "launch/vulkan.h"

#include <algorithm>
#include <cstring>

namespace hwa::launch {
namespace {

using base::Status;

using Number = unsigned long long;

/// Sets that one pool is made for.
constexpr uint32_t sets_per_pool = 64;

/// What has been laid out of one list of arguments.
struct Packing {
    size_t buffers = 0;
    size_t scratch = 0;
    uint64_t value_end = 0;
    std::array<uint32_t, 8> lengths; ///< of scratch, as far as there is
};

/// What is written of a set for every launch of the same kernel.
void lay_out(const VulkanProgram &program, VulkanDispatch &into) {
    into.program = &program;
    into.serial = program.serial;
    const auto &bindings = program.kernel.bindings;
    const VulkanTraits &traits = program.context->traits;
    into.binding_count = static_cast<uint32_t>(bindings.size());
    for (size_t i = 0; i < bindings.size(); ++i) {
        into.largest[i] = bindings[i] == SpirvBinding::Uniform ? traits.uniform_range_bytes
                                                               : traits.storage_range_bytes;
        auto write = vulkan_struct<VkWriteDescriptorSet>(VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET);
        write.dstBinding = static_cast<uint32_t>(i);
        write.descriptorCount = 1;
        write.descriptorType = bindings[i] == SpirvBinding::Uniform
                                   ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                                   : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        write.pBufferInfo = &into.buffers[i];
        into.writes[i] = write;
    }
}

bool pack_buffer(const Arg &arg, VulkanDispatch &into) {
    const uint32_t number = into.buffer_count;
    if (number >= into.binding_count || arg.size_bytes > into.largest[number])
        return false;
    into.buffers[number] = {static_cast<const VulkanMemory &>(**arg.memory).buffer, arg.offset,
                            arg.size_bytes};
    ++into.buffer_count;
    return true;
}

base::Error refuse_buffer(const Arg &arg, size_t place, const VulkanDispatch &into) {
    if (into.buffer_count >= into.binding_count)
        return base::error(Status::Invalid, "args[%zu]: the kernel takes %u buffers and no more",
                           place, into.binding_count);
    return base::error(Status::Unsupported,
                       "args[%zu]: a range of %llu bytes is over the device's limit of %llu", place,
                       Number{arg.size_bytes}, Number{into.largest[into.buffer_count]});
}

/// Most values are of one word or two, which need no call.
void copy_value(unsigned char *to, const void *from, uint64_t size_bytes) {
    if (size_bytes == 4)
        std::memcpy(to, from, 4);
    else if (size_bytes == 8)
        std::memcpy(to, from, 8);
    else
        std::memcpy(to, from, size_bytes);
}

bool pack_value(const Arg &arg, uint64_t limit, Packing &packing, VulkanDispatch &into) {
    const uint64_t begin = place_value(packing.value_end, arg.size_bytes);
    if (begin > limit || arg.size_bytes > limit - begin)
        return false;
    for (uint64_t gap = packing.value_end; gap < begin; ++gap)
        into.values[gap] = 0;
    copy_value(into.values.data() + begin, arg.data, arg.size_bytes);
    packing.value_end = begin + arg.size_bytes;
    return true;
}

base::Error refuse_value(const Arg &arg, size_t place, uint64_t limit, const Packing &packing) {
    const uint64_t begin = place_value(packing.value_end, arg.size_bytes);
    return base::error(Status::Invalid,
                       "args[%zu]: with it the values end at byte %llu, and the kernel's at %llu",
                       place, Number{begin + arg.size_bytes}, Number{limit});
}

base::Done pack_scratch(const VulkanProgram &program, const Arg &arg, size_t place,
                        Packing &packing) {
    const auto &known = program.kernel.scratch;
    if (packing.scratch >= std::min(known.size(), packing.lengths.size()))
        return base::error(Status::Invalid,
                           "args[%zu]: the kernel takes no scratch here, for it has no %s shared "
                           "array whose length is a specialization constant",
                           place, packing.scratch == 0 ? "such" : "further");
    const SpirvScratch &one = known[packing.scratch];
    const uint64_t length = arg.size_bytes / one.element_bytes;
    if (arg.size_bytes % one.element_bytes != 0 || length > UINT32_MAX)
        return base::error(Status::Invalid,
                           "args[%zu]: %llu bytes of scratch are no whole number of elements of "
                           "%llu bytes",
                           place, Number{arg.size_bytes}, Number{one.element_bytes});
    packing.lengths[packing.scratch++] = static_cast<uint32_t>(length);
    return {};
}

/// All that the kernel declares has to be there.
base::Done check_all(const VulkanProgram &program, const Packing &packing,
                     const VulkanDispatch &made) {
    const SpirvKernel &kernel = program.kernel;
    if (size_t{made.buffer_count} != kernel.bindings.size())
        return base::error(Status::Invalid, "the kernel takes %zu buffers, not %zu",
                           kernel.bindings.size(), size_t{made.buffer_count});
    if (packing.value_end != kernel.value_bytes)
        return base::error(Status::Invalid,
                           "the values of the kernel end at byte %llu, those given at %llu",
                           Number{kernel.value_bytes}, Number{packing.value_end});
    if (packing.scratch != 0 && packing.scratch != kernel.scratch.size())
        return base::error(Status::Invalid, "the kernel takes %zu pieces of scratch, not %zu",
                           kernel.scratch.size(), packing.scratch);
    return {};
}

/// Extents that are fixed while others are not; the rest was checked before.
base::Done check_group(const SpirvKernel &kernel, const Shape &shape) {
    for (size_t i = 0; i < 3; ++i)
        if (!kernel.group[i].constant && kernel.group[i].value != shape.group[i])
            return base::error(Status::Invalid, "group[%zu] is %u, and the kernel is made for %u",
                               i, shape.group[i], kernel.group[i].value);
    return {};
}

/// Arrays that are not given as arguments have the length they were written with.
base::Done check_shared(const VulkanProgram &program, const Packing &packing) {
    uint64_t bytes = program.kernel.shared_bytes;
    for (size_t i = 0; i < program.kernel.scratch.size(); ++i) {
        const SpirvScratch &one = program.kernel.scratch[i];
        bytes = one.add_to(bytes, packing.scratch != 0 ? packing.lengths[i] : one.length);
    }
    if (bytes > program.context->limits.shared_bytes)
        return base::error(Status::Unsupported,
                           "%llu bytes of scratch are more than this queue's %u", Number{bytes},
                           program.context->limits.shared_bytes);
    return {};
}

base::Done add_pool(const VulkanContext &context, VulkanSets &sets) {
    const VkDescriptorPoolSize sizes[] = {
        {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, sets_per_pool * context.limits.buffers},
        {VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER, sets_per_pool * context.limits.buffers}};
    auto wish =
        vulkan_struct<VkDescriptorPoolCreateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO);
    wish.maxSets = sets_per_pool;
    wish.poolSizeCount = 2;
    wish.pPoolSizes = sizes;
    sets.pools.reserve(sets.pools.size() + 1); // so that none is made that nobody knows of
    VkDescriptorPool made = VK_NULL_HANDLE;
    HWA_VK("vkCreateDescriptorPool",
           context.vk.vkCreateDescriptorPool(context.device, &wish, nullptr, &made));
    sets.pools.push_back(made);
    return {};
}

/// A set for one launch, from the first pool that is not full or a new one.
base::Result<VkDescriptorSet> allocate_set(const VulkanContext &context,
                                           VkDescriptorSetLayout layout, VulkanSets &sets) {
    auto info =
        vulkan_struct<VkDescriptorSetAllocateInfo>(VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO);
    info.descriptorSetCount = 1;
    info.pSetLayouts = &layout;
    for (;; ++sets.current) {
        const bool fresh = sets.current == sets.pools.size();
        if (fresh)
            HWA_CHECK(add_pool(context, sets));
        info.descriptorPool = sets.pools[sets.current];
        VkDescriptorSet set = VK_NULL_HANDLE;
        const VkResult code = context.vk.vkAllocateDescriptorSets(context.device, &info, &set);
        if (code == VK_SUCCESS)
            return set;
        if (fresh || (code != VK_ERROR_OUT_OF_POOL_MEMORY && code != VK_ERROR_FRAGMENTED_POOL))
            return vulkan_failure("vkAllocateDescriptorSets", code);
    }
}

base::Done bind_buffers(const VulkanContext &context, VkCommandBuffer commands,
                        VulkanDispatch &dispatch, VulkanSets &sets) {
    const VulkanProgram &program = *dispatch.program;
    const uint32_t count = dispatch.buffer_count;
    if (context.traits.push_descriptors) {
        context.vk.vkCmdPushDescriptorSetKHR(commands, VK_PIPELINE_BIND_POINT_COMPUTE,
                                             program.layout, 0, count, dispatch.writes.data());
        return {};
    }
    HWA_TRY(const VkDescriptorSet set, allocate_set(context, program.set_layout, sets));
    for (uint32_t i = 0; i < count; ++i)
        dispatch.writes[i].dstSet = set;
    context.vk.vkUpdateDescriptorSets(context.device, count, dispatch.writes.data(), 0, nullptr);
    context.vk.vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, program.layout, 0,
                                       1, &set, 0, nullptr);
    return {};
}

base::Done add_launch(const VulkanContextPtr &context, const Launch &launch,
                      VulkanDispatch &dispatch, VulkanRecording &into) {
    into.holds.push_back(launch.program);
    for (const Arg &arg : launch.args)
        if (arg.memory != nullptr)
            into.holds.push_back(*arg.memory);
    HWA_CHECK(pack_vulkan(static_cast<VulkanProgram &>(*launch.program), launch.args, launch.shape,
                          dispatch));
    return record_dispatch(*context, into.commands, dispatch, into.bound, into.sets);
}

} // namespace

base::Done pack_vulkan(VulkanProgram &program, std::span<const Arg> args, const Shape &shape,
                       VulkanDispatch &into) {
    if (into.program != &program || into.serial != program.serial)
        lay_out(program, into);
    into.buffer_count = 0;
    // What is right is passed over in few steps, and what is wrong looked at again for its reason.
    const SpirvKernel &kernel = program.kernel;
    Packing packing;
    for (size_t i = 0; i < args.size(); ++i) {
        const Arg &arg = args[i];
        if (arg.memory != nullptr) {
            if (!pack_buffer(arg, into))
                return refuse_buffer(arg, i, into);
        } else if (arg.data != nullptr) {
            if (!pack_value(arg, kernel.value_bytes, packing, into))
                return refuse_value(arg, i, kernel.value_bytes, packing);
        } else {
            HWA_CHECK(pack_scratch(program, arg, i, packing));
        }
    }
    if (into.buffer_count != into.binding_count || packing.value_end != kernel.value_bytes ||
        packing.scratch != 0)
        HWA_CHECK(check_all(program, packing, into));
    if (program.group[0] == 0)
        HWA_CHECK(check_group(kernel, shape));
    if (!kernel.scratch.empty())
        HWA_CHECK(check_shared(program, packing));
    into.grid = shape.grid;
    const VulkanVariant *const last = program.last.load(std::memory_order_acquire);
    if (last != nullptr && packing.scratch == 0 && last->scratch.empty() &&
        last->group[0] == shape.group[0] && last->group[1] == shape.group[1] &&
        last->group[2] == shape.group[2]) {
        into.pipeline = last->pipeline;
        return {};
    }
    HWA_TRY(into.pipeline,
            find_pipeline(program, shape.group, {packing.lengths.data(), packing.scratch}));
    return {};
}

void record_barrier(const VulkanContext &context, VkCommandBuffer commands) {
    constexpr VkPipelineStageFlags work =
        VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
    static constexpr VkMemoryBarrier memory = {
        VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr,
        VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT |
            VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT | VK_ACCESS_HOST_READ_BIT |
            VK_ACCESS_HOST_WRITE_BIT};
    context.vk.vkCmdPipelineBarrier(commands, work, work | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                                    &memory, 0, nullptr, 0, nullptr);
}

base::Done record_dispatch(const VulkanContext &context, VkCommandBuffer commands,
                           VulkanDispatch &dispatch, VkPipeline &bound, VulkanSets &sets) {
    const VulkanProgram &program = *dispatch.program;
    if (bound != dispatch.pipeline)
        context.vk.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, dispatch.pipeline);
    bound = dispatch.pipeline;
    if (dispatch.buffer_count != 0)
        HWA_CHECK(bind_buffers(context, commands, dispatch, sets));
    if (program.kernel.value_bytes != 0)
        context.vk.vkCmdPushConstants(
            commands, program.layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
            static_cast<uint32_t>((program.kernel.value_bytes + 3) & ~3ULL),
            dispatch.values.data());
    context.vk.vkCmdDispatch(commands, dispatch.grid[0], dispatch.grid[1], dispatch.grid[2]);
    record_barrier(context, commands);
    return {};
}

base::Result<std::shared_ptr<Program>> record_vulkan(const VulkanContextPtr &context,
                                                     std::span<const Launch> launches) {
    auto program = std::make_shared<VulkanProgram>(context);
    program->knows_args = true;
    program->recording = std::make_unique<VulkanRecording>();
    VulkanRecording &made = *program->recording;
    auto pool = vulkan_struct<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    pool.queueFamilyIndex = context->traits.family;
    HWA_VK("vkCreateCommandPool",
           context->vk.vkCreateCommandPool(context->device, &pool, nullptr, &made.pool));
    auto wish =
        vulkan_struct<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    wish.commandPool = made.pool;
    wish.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    wish.commandBufferCount = 1;
    HWA_VK("vkAllocateCommandBuffers",
           context->vk.vkAllocateCommandBuffers(context->device, &wish, &made.commands));
    auto begin =
        vulkan_struct<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    begin.flags = VK_COMMAND_BUFFER_USAGE_SIMULTANEOUS_USE_BIT;
    HWA_VK("vkBeginCommandBuffer", context->vk.vkBeginCommandBuffer(made.commands, &begin));
    const auto dispatch = std::make_unique<VulkanDispatch>();
    for (const Launch &launch : launches)
        HWA_CHECK(add_launch(context, launch, *dispatch, made));
    HWA_VK("vkEndCommandBuffer", context->vk.vkEndCommandBuffer(made.commands));
    return std::shared_ptr<Program>(std::move(program));
}

} // namespace hwa::launch
