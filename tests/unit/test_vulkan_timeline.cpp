// SPDX-License-Identifier: MIT
// launch/vulkan_timeline: what becomes of work that cannot be submitted, over a driver that is
// played: its semaphores move when the test says so.
#include "check.h"

#include "launch/vulkan_timeline.h"

#include <chrono>
#include <cstring>

using namespace hwa;
using namespace hwa::launch;
using base::Status;

namespace {

/// The played driver.
struct Driver {
    std::mutex mutex;
    std::condition_variable moved;
    std::array<uint64_t, 4> counters{}; ///< of each semaphore
    uintptr_t semaphores = 0;
    int submissions = 0;
    uint32_t waits = 0; ///< of the last of them
    int refusals = 0;   ///< to come
    int command_buffers = 0;
    int query_pools = 0;
    VkResult query_code = VK_SUCCESS;
    VkResult invalidate_code = VK_SUCCESS;
    std::vector<VkPipelineStageFlagBits> marks;
};
Driver *driver;

template <class Handle> Handle handle_of(uintptr_t number) {
    return reinterpret_cast<Handle>(number);
}
uint64_t &counter_of(VkSemaphore semaphore) {
    return driver->counters[reinterpret_cast<uintptr_t>(semaphore) - 1];
}

VkResult create_semaphore(VkDevice, const VkSemaphoreCreateInfo *, const VkAllocationCallbacks *,
                          VkSemaphore *out) {
    *out = handle_of<VkSemaphore>(++driver->semaphores);
    return VK_SUCCESS;
}
void destroy_semaphore(VkDevice, VkSemaphore, const VkAllocationCallbacks *) {}
VkResult create_pool(VkDevice, const VkCommandPoolCreateInfo *, const VkAllocationCallbacks *,
                     VkCommandPool *out) {
    *out = handle_of<VkCommandPool>(1);
    return VK_SUCCESS;
}
void destroy_pool(VkDevice, VkCommandPool, const VkAllocationCallbacks *) {}
VkResult allocate_commands(VkDevice, const VkCommandBufferAllocateInfo *info,
                           VkCommandBuffer *out) {
    for (uint32_t i = 0; i < info->commandBufferCount; ++i)
        out[i] = handle_of<VkCommandBuffer>(static_cast<uintptr_t>(++driver->command_buffers));
    return VK_SUCCESS;
}
void free_commands(VkDevice, VkCommandPool, uint32_t count, const VkCommandBuffer *) {
    driver->command_buffers -= static_cast<int>(count);
}
VkResult begin(VkCommandBuffer, const VkCommandBufferBeginInfo *) {
    return VK_SUCCESS;
}
VkResult end(VkCommandBuffer) {
    return VK_SUCCESS;
}
VkResult create_queries(VkDevice, const VkQueryPoolCreateInfo *, const VkAllocationCallbacks *,
                        VkQueryPool *out) {
    *out = handle_of<VkQueryPool>(static_cast<uintptr_t>(++driver->query_pools));
    return VK_SUCCESS;
}
void destroy_queries(VkDevice, VkQueryPool pool, const VkAllocationCallbacks *) {
    driver->query_pools -= pool != VK_NULL_HANDLE;
}
void reset_queries(VkCommandBuffer, VkQueryPool, uint32_t, uint32_t) {}
void write_mark(VkCommandBuffer, VkPipelineStageFlagBits stage, VkQueryPool, uint32_t) {
    driver->marks.push_back(stage);
}
template <class... Rest>
VkResult read_queries(VkDevice, VkQueryPool, uint32_t, uint32_t, size_t, void *into, Rest...) {
    static_cast<uint64_t *>(into)[0] = 100;
    static_cast<uint64_t *>(into)[1] = 107;
    return VK_SUCCESS;
}
/// Fails the second of the two command buffers of marks.
VkResult end_marks(VkCommandBuffer) {
    return driver->query_code;
}
VkResult invalidate(VkDevice, uint32_t, const VkMappedMemoryRange *) {
    return driver->invalidate_code;
}
VkResult submit(VkQueue, uint32_t, const VkSubmitInfo *info, VkFence) {
    const std::lock_guard lock(driver->mutex);
    if (driver->refusals > 0) {
        --driver->refusals;
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    ++driver->submissions;
    driver->waits = info->waitSemaphoreCount;
    return VK_SUCCESS;
}
VkResult wait_semaphores(VkDevice, const VkSemaphoreWaitInfo *info, uint64_t timeout_ns) {
    std::unique_lock lock(driver->mutex);
    const auto done = [&] { return counter_of(info->pSemaphores[0]) >= info->pValues[0]; };
    return driver->moved.wait_for(
               lock, std::chrono::nanoseconds(std::min<uint64_t>(timeout_ns, 60'000'000'000)), done)
               ? VK_SUCCESS
               : VK_TIMEOUT;
}
VkResult read_counter(VkDevice, VkSemaphore semaphore, uint64_t *out) {
    const std::lock_guard lock(driver->mutex);
    *out = counter_of(semaphore);
    return VK_SUCCESS;
}

constexpr uint64_t long_ns = 5'000'000'000;

struct Played {
    api::Vulkan loader;
    Driver own;
    VulkanContextPtr context = std::make_shared<VulkanContext>(loader);
    std::vector<VulkanTimelinePtr> lines;

    explicit Played(bool timed = false) {
        driver = &own;
        api::VulkanDevice &vk = context->vk;
        vk.vkCreateSemaphore = create_semaphore;
        vk.vkDestroySemaphore = destroy_semaphore;
        vk.vkCreateCommandPool = create_pool;
        vk.vkDestroyCommandPool = destroy_pool;
        vk.vkAllocateCommandBuffers = allocate_commands;
        vk.vkFreeCommandBuffers = free_commands;
        vk.vkBeginCommandBuffer = begin;
        vk.vkEndCommandBuffer = timed ? end_marks : end;
        vk.vkCreateQueryPool = create_queries;
        vk.vkDestroyQueryPool = destroy_queries;
        vk.vkCmdResetQueryPool = reset_queries;
        vk.vkCmdWriteTimestamp = write_mark;
        vk.vkGetQueryPoolResults = read_queries<VkDeviceSize, VkQueryResultFlags>;
        vk.vkInvalidateMappedMemoryRanges = invalidate;
        vk.vkQueueSubmit = submit;
        vk.vkWaitSemaphores = wait_semaphores;
        vk.vkGetSemaphoreCounterValue = read_counter;
        context->traits.nanoseconds_per_tick = 1;
        context->traits.tick_mask = UINT64_MAX;
        context->lanes.push_back(std::make_unique<VulkanLane>());
        for (int i = 0; i < 2; ++i)
            lines.push_back(*VulkanTimeline::create(context, timed));
    }
    /// What is still at work holds on to its line, so the device is through with all of it first.
    ~Played() {
        for (size_t i = 0; i < lines.size(); ++i) {
            reach(UINT64_MAX, i);
            static_cast<void>(static_cast<bool>(lines[i]->wait_all(0)));
            lines[i]->close();
        }
    }
    Played(const Played &) = delete;
    Played &operator=(const Played &) = delete;

    VulkanSlot &take(size_t which = 0) {
        auto slot = lines[which]->take(0);
        assert_true(static_cast<bool>(slot));
        return **slot;
    }
    std::shared_ptr<Event> put(size_t which = 0) {
        EventResult event = lines[which]->put(take(which));
        assert_true(static_cast<bool>(event));
        return *event;
    }
    /// The device has done so much.
    void reach(uint64_t value, size_t which = 0) {
        const std::lock_guard lock(own.mutex);
        own.counters[which] = value;
        own.moved.notify_all();
    }
    base::Done wait(const std::shared_ptr<Event> &event, uint64_t timeout_ns = 0) {
        return lines[0]->wait(static_cast<const VulkanEvent &>(*event), timeout_ns);
    }
    bool is(const std::shared_ptr<Event> &event, Status status) {
        const base::Done done = wait(event);
        return done ? status == Status::Ok : done.error().status == status;
    }
};

/// Nobody waits for what the driver will never be given.
void ends_the_wait_for_what_cannot_be_submitted(void **) {
    Played played;
    const auto before = played.put();
    const auto gate = played.lines[0]->close_gate();
    const auto first = played.put();
    const auto second = played.put();
    assert_true(played.is(second, Status::Timeout));
    base::Done outcome;
    std::thread waiter([&] { outcome = played.wait(second, long_ns); });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    played.own.refusals = 100;
    gate->open({});
    played.reach(1);
    waiter.join();
    assert_true(!outcome && outcome.error().status == Status::HostMemory);
    assert_true(played.is(before, Status::Ok));
    const base::Done own = played.wait(first);
    assert_true(!own && own.error().code == VK_ERROR_OUT_OF_HOST_MEMORY);
    assert_non_null(strstr(outcome.error().message.c_str(), "earlier work"));
    assert_int_equal(played.own.submissions, 1);
    assert_true(played.lines[0]->is_idle());
}

/// What the driver still has at work is not over because something later has failed.
void waits_for_what_came_before_a_failure(void **) {
    Played played;
    const auto before = played.put();
    const auto gate = played.lines[0]->close_gate();
    const auto after = played.put();
    gate->open(base::error(Status::Driver, "no"));
    assert_true(played.is(before, Status::Timeout));
    assert_true(played.is(after, Status::Timeout));
    played.reach(1);
    assert_true(played.is(after, Status::Driver));
    assert_true(played.is(before, Status::Ok));
}

/// A gate that nobody has opened yet keeps back nothing after a failure, and does no harm later.
void forgets_gates_after_a_failure(void **) {
    Played played;
    const auto first = played.lines[0]->close_gate();
    const auto early = played.put();
    const auto second = played.lines[0]->close_gate();
    const auto late = played.put();
    first->open(base::error(Status::Driver, "no"));
    assert_true(played.is(early, Status::Driver));
    assert_true(played.is(late, Status::Driver));
    second->open({});
    const auto later = played.put();
    assert_true(played.is(later, Status::Driver));
    assert_int_equal(played.own.submissions, 0);
}

/// What a refused submission was to wait for went with it: nothing may run in its place.
void fails_with_a_refused_submission(void **) {
    Played played;
    played.put(1);
    assert_true(played.lines[0]->wait_for(played.lines[1], 1));
    played.own.refusals = 1;
    const EventResult refused = played.lines[0]->put(played.take());
    assert_true(!refused && refused.error().code == VK_ERROR_OUT_OF_HOST_MEMORY);
    assert_true(played.lines[0]->has_failed());
    const auto later = played.put();
    assert_true(played.is(later, Status::HostMemory));
    assert_false(static_cast<bool>(played.lines[0]->wait_all(0)));
    assert_int_equal(played.own.submissions, 1);
    assert_false(played.lines[1]->has_failed());
}

void hands_its_waits_to_the_driver_once(void **) {
    Played played;
    played.put(1);
    assert_true(played.lines[0]->wait_for(played.lines[1], 1));
    played.put();
    assert_int_equal(played.own.waits, 1);
    played.put();
    assert_int_equal(played.own.waits, 0);
}

/// A queue that has failed says so, whatever it was asked for: the driver would not.
void waits_for_no_queue_that_failed(void **) {
    Played played;
    const auto gate = played.lines[1]->close_gate();
    played.put(1);
    assert_false(played.lines[0]->wait_for(played.lines[1], 1));
    gate->open(base::error(Status::Driver, "no"));
    assert_false(played.lines[0]->wait_for(played.lines[1], 1));
    played.lines[1]->tidy();
    assert_false(played.lines[0]->wait_for(played.lines[1], 1));
}

/// Of work whose slot could not be made ready, nothing stays behind.
void strands_no_slot(void **) {
    Played played(true);
    played.own.query_code = VK_ERROR_OUT_OF_DEVICE_MEMORY;
    for (int i = 0; i < 10; ++i) {
        const auto slot = played.lines[0]->take(0);
        assert_true(!slot && slot.error().status == Status::DeviceMemory);
    }
    assert_int_equal(played.own.command_buffers, 0);
    assert_int_equal(played.own.query_pools, 0);
    played.own.query_code = VK_SUCCESS;
    const auto event = played.put();
    played.reach(1);
    assert_true(played.is(event, Status::Ok));
    assert_int_equal(played.own.command_buffers, 3);
}

/// Both marks wait for all before them; the pieces of a copy add up.
void measures_the_work_alone_and_all_of_it(void **) {
    Played played(true);
    const auto passed_ns = std::make_shared<uint64_t>(0);
    std::shared_ptr<Event> events[3];
    for (auto &event : events) {
        VulkanSlot &slot = played.take();
        slot.passed_ns = passed_ns;
        event = *played.lines[0]->put(slot);
    }
    const auto alone = played.put();
    played.reach(4);
    assert_true(played.is(alone, Status::Ok));
    assert_int_equal(static_cast<const VulkanEvent &>(*events[2]).elapsed_ns, 21);
    assert_int_equal(static_cast<const VulkanEvent &>(*alone).elapsed_ns, 7);
    for (const auto stage : played.own.marks)
        assert_int_equal(stage, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT);
}

/// A read of one number by way of `stage`.
std::shared_ptr<Event> put_read(Played &played, int &from, int &to) {
    auto stage = std::make_shared<VulkanMemory>(played.context);
    stage->owned = false;
    stage->mapped = &from;
    stage->size_bytes = sizeof from;
    VulkanSlot &slot = played.take();
    slot.deliveries.push_back({std::move(stage), &to, sizeof to});
    slot.delivers = true;
    return *played.lines[0]->put(slot);
}

void leaves_the_host_alone_once_given_up(void **) {
    Played played;
    int from = 1;
    int to = 0;
    const auto sound = put_read(played, from, to);
    played.reach(1);
    assert_true(played.is(sound, Status::Ok) && to == 1);
    from = 2;
    const auto event = put_read(played, from, to);
    const auto gate = played.lines[0]->close_gate();
    const auto kept = put_read(played, from, to);
    played.lines[0]->give_up();
    gate->open({});
    const base::Done done = played.lines[0]->at_host([&]() -> base::Done {
        to = 3;
        return {};
    });
    assert_true(!done && done.error().status == Status::Cancelled);
    played.reach(2);
    assert_true(played.is(event, Status::Cancelled));
    assert_true(played.is(kept, Status::Cancelled));
    assert_int_equal(to, 1);
    assert_int_equal(played.own.submissions, 2);
}

void fails_when_bytes_cannot_be_delivered(void **) {
    Played played;
    int from = 1;
    int to = 0;
    played.own.invalidate_code = VK_ERROR_OUT_OF_HOST_MEMORY;
    const auto event = put_read(played, from, to);
    played.reach(1);
    assert_true(played.is(event, Status::HostMemory));
}

} // namespace

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(ends_the_wait_for_what_cannot_be_submitted),
        cmocka_unit_test(waits_for_what_came_before_a_failure),
        cmocka_unit_test(forgets_gates_after_a_failure),
        cmocka_unit_test(fails_with_a_refused_submission),
        cmocka_unit_test(hands_its_waits_to_the_driver_once),
        cmocka_unit_test(waits_for_no_queue_that_failed),
        cmocka_unit_test(strands_no_slot),
        cmocka_unit_test(measures_the_work_alone_and_all_of_it),
        cmocka_unit_test(leaves_the_host_alone_once_given_up),
        cmocka_unit_test(fails_when_bytes_cannot_be_delivered),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
