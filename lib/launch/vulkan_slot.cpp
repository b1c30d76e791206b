// SPDX-License-Identifier: MIT
// Slots: the command buffers of a timeline, taken, filled, emptied and used again.
// Document: Vulkan 1.3 specification, "Command Buffers", "Queries".
#include "launch/vulkan_timeline.h"

#include <algorithm>

namespace hwa::launch {

using base::Status;

/// Submissions under way before a launch waits for the oldest: enough to keep any device busy, and
/// few enough for the memory of their command buffers.
static constexpr size_t open_limit = 4096;

/// Work put in between two questions what has ended.
static constexpr uint64_t poll_interval = 16;

/// The two timestamps around whatever the slot will do.
base::Done VulkanTimeline::record_marks(VulkanSlot &slot) {
    const api::VulkanDevice &vk = context_->vk;
    auto queries = vulkan_struct<VkQueryPoolCreateInfo>(VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO);
    queries.queryType = VK_QUERY_TYPE_TIMESTAMP;
    queries.queryCount = 2;
    HWA_VK("vkCreateQueryPool",
           vk.vkCreateQueryPool(context_->device, &queries, nullptr, &slot.queries));
    const auto begin =
        vulkan_struct<VkCommandBufferBeginInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO);
    HWA_VK("vkBeginCommandBuffer", vk.vkBeginCommandBuffer(slot.marks[0], &begin));
    vk.vkCmdResetQueryPool(slot.marks[0], slot.queries, 0, 2);
    // When all earlier work has ended: the wait for that does not count.
    vk.vkCmdWriteTimestamp(slot.marks[0], VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, slot.queries, 0);
    HWA_VK("vkEndCommandBuffer", vk.vkEndCommandBuffer(slot.marks[0]));
    HWA_VK("vkBeginCommandBuffer", vk.vkBeginCommandBuffer(slot.marks[1], &begin));
    vk.vkCmdWriteTimestamp(slot.marks[1], VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, slot.queries, 1);
    HWA_VK("vkEndCommandBuffer", vk.vkEndCommandBuffer(slot.marks[1]));
    return {};
}

base::Result<VulkanSlot *> VulkanTimeline::create_slot() {
    auto slot = std::make_unique<VulkanSlot>();
    std::array<VkCommandBuffer, 3> made{};
    auto wish =
        vulkan_struct<VkCommandBufferAllocateInfo>(VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO);
    wish.commandPool = pool_;
    wish.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
    wish.commandBufferCount = timed_ ? 3 : 1;
    const api::VulkanDevice &vk = context_->vk;
    slots_.reserve(slots_.size() + 1); // so that nothing is made that nobody knows of
    HWA_VK("vkAllocateCommandBuffers",
           vk.vkAllocateCommandBuffers(context_->device, &wish, made.data()));
    slot->commands = made[0];
    slot->marks = {made[1], made[2]};
    if (base::Done marked = timed_ ? record_marks(*slot) : base::Done(); !marked) {
        vk.vkFreeCommandBuffers(context_->device, pool_, wish.commandBufferCount, made.data());
        vk.vkDestroyQueryPool(context_->device, slot->queries, nullptr);
        return std::move(marked.error());
    }
    slots_.push_back(std::move(slot));
    return slots_.back().get();
}

/// By the thread that uses the queue. It takes all that were given back at once, so that none can
/// come back between two looks at the list.
VulkanSlot *VulkanTimeline::take_free() {
    if (ready_ == nullptr)
        ready_ = given_.exchange(nullptr, std::memory_order_acquire);
    if (ready_ == nullptr)
        return nullptr;
    return std::exchange(ready_, ready_->next);
}

void VulkanTimeline::give_free(VulkanSlot &slot) {
    slot.next = given_.load(std::memory_order_relaxed);
    while (!given_.compare_exchange_weak(slot.next, &slot, std::memory_order_release,
                                         std::memory_order_relaxed)) {
    }
}

base::Result<VulkanSlot *> VulkanTimeline::take(uint64_t timeout_ns) {
    // The driver is asked what has ended when that is of use, not each time.
    const bool asked = last_ % poll_interval == 0;
    if (asked)
        tidy();
    if (VulkanSlot *const slot = take_free())
        return slot;
    if (!asked)
        tidy();
    if (VulkanSlot *const slot = take_free())
        return slot;
    uint64_t oldest = 0;
    {
        const std::lock_guard lock(mutex_);
        if (open_.size() >= open_limit && kept_.empty())
            oldest = open_.front()->value;
    }
    if (oldest == 0)
        return create_slot();
    HWA_TRY(const bool reached, reach(oldest, timeout_ns));
    if (!reached)
        return base::error(Status::Timeout, "the queue is full of work and none of it ends");
    settle_through(oldest, true);
    return take(timeout_ns);
}

base::Done VulkanTimeline::begin(VulkanSlot &slot) {
    const api::VulkanDevice &vk = context_->vk;
    for (const VkDescriptorPool sets : slot.sets.pools)
        vk.vkResetDescriptorPool(context_->device, sets, 0);
    slot.sets.current = 0;
    static constexpr VkCommandBufferBeginInfo begin = {
        VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO, nullptr,
        VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT, nullptr};
    HWA_VK("vkBeginCommandBuffer", vk.vkBeginCommandBuffer(slot.commands, &begin));
    slot.begun = true;
    slot.writing = true;
    slot.bound = VK_NULL_HANDLE;
    return {};
}

/// What was written so far is ended, for only then may it begin afresh.
void VulkanTimeline::abandon(VulkanSlot &slot) {
    if (slot.writing)
        context_->vk.vkEndCommandBuffer(slot.commands);
    slot.writing = false;
    clear(slot);
    give_free(slot);
}

static base::Done deliver(const VulkanDelivery &one) {
    HWA_CHECK(one.stage->invalidate(0, one.size_bytes));
    std::copy_n(static_cast<const char *>(one.stage->mapped), one.size_bytes,
                static_cast<char *>(one.to));
    return {};
}

/// What the host has to do when the device is done.
void VulkanTimeline::finish(VulkanSlot &slot) {
    for (const VulkanDelivery &one : slot.deliveries) {
        if (one.to == nullptr)
            continue;
        if (base::Done done = at_host([&] { return deliver(one); }); !done) {
            const std::lock_guard lock(mutex_);
            fail(std::move(done.error()), slot.value, true);
        }
    }
    if (slot.queries == VK_NULL_HANDLE)
        return;
    std::array<uint64_t, 2> ticks{};
    if (context_->vk.vkGetQueryPoolResults(context_->device, slot.queries, 0, 2, sizeof ticks,
                                           ticks.data(), sizeof ticks[0],
                                           VK_QUERY_RESULT_64_BIT) != VK_SUCCESS)
        return;
    const uint64_t passed = (ticks[1] - ticks[0]) & context_->traits.tick_mask;
    uint64_t passed_ns = std::max<uint64_t>(
        static_cast<uint64_t>(static_cast<double>(passed) * context_->traits.nanoseconds_per_tick),
        1);
    // The pieces of a copy end one after the other, and by one thread at a time.
    if (slot.passed_ns != nullptr)
        passed_ns = *slot.passed_ns += passed_ns;
    slot.event->elapsed_ns = passed_ns;
}

void VulkanTimeline::clear(VulkanSlot &slot) {
    for (VulkanDelivery &one : slot.deliveries)
        stages_.give(std::move(one.stage));
    slot.deliveries.clear();
    slot.holds.clear();
    slot.waits.clear();
    slot.wait_values.clear();
    slot.recorded = VK_NULL_HANDLE;
    slot.passed_ns.reset();
    slot.begun = false;
    slot.delivers = false;
}

} // namespace hwa::launch
