// SPDX-License-Identifier: MIT
// Timeline: submission in order, gates, waiting, and letting go.
// Document: Vulkan 1.3 specification, "Semaphores", "Command Buffer Submission".
#include "launch/vulkan_timeline.h"

#include "os/host.h"
#include "os/latch.h"

#include <algorithm>
#include <chrono>

namespace hwa::launch {

using base::Status;

/// Other queues that one submission waits for.
static constexpr size_t wait_limit = 32;

namespace {

struct VulkanGate final : Gate {
    explicit VulkanGate(VulkanTimelinePtr owner) : timeline(std::move(owner)) {}
    ~VulkanGate() override {
        if (!opened)
            timeline->open_gate(*this, base::error(Status::Cancelled, "the gate was given up"));
    }
    void open(const base::Done &how) override {
        opened = true;
        timeline->open_gate(*this, how);
    }

    VulkanTimelinePtr timeline;
    bool opened = false;
};

} // namespace

/// A slot that is kept back, or the gate that keeps back what follows.
struct VulkanTimeline::Kept {
    VulkanSlot *slot = nullptr;
    const Gate *gate = nullptr;
    std::optional<base::Done> opened;
};

static VulkanLane &next_lane(VulkanContext &context) {
    return *context.lanes[context.next_lane.fetch_add(1) % context.lanes.size()];
}

VulkanTimeline::VulkanTimeline(VulkanContextPtr context, bool timed)
    : context_(std::move(context)), lane_(next_lane(*context_)),
      timed_(timed && context_->traits.nanoseconds_per_tick > 0), mutex_(lane_.mutex) {}

base::Result<VulkanTimelinePtr> VulkanTimeline::create(VulkanContextPtr context, bool timed) {
    const VulkanTimelinePtr made(new VulkanTimeline(std::move(context), timed));
    const VulkanContext &owner = *made->context_;
    const auto kind = [] {
        auto type =
            vulkan_struct<VkSemaphoreTypeCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
        type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
        return type;
    }();
    const auto semaphore =
        vulkan_struct<VkSemaphoreCreateInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &kind);
    HWA_VK("vkCreateSemaphore",
           owner.vk.vkCreateSemaphore(owner.device, &semaphore, nullptr, &made->semaphore_));
    auto pool = vulkan_struct<VkCommandPoolCreateInfo>(VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO);
    pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
    pool.queueFamilyIndex = owner.traits.family;
    HWA_VK("vkCreateCommandPool",
           owner.vk.vkCreateCommandPool(owner.device, &pool, nullptr, &made->pool_));
    return made;
}

VulkanTimeline::~VulkanTimeline() {
    const api::VulkanDevice &vk = context_->vk;
    const VkDevice device = context_->device;
    for (const auto &slot : slots_) {
        for (const VkDescriptorPool sets : slot->sets.pools)
            vk.vkDestroyDescriptorPool(device, sets, nullptr);
        if (slot->queries != VK_NULL_HANDLE)
            vk.vkDestroyQueryPool(device, slot->queries, nullptr);
    }
    if (pool_ != VK_NULL_HANDLE)
        vk.vkDestroyCommandPool(device, pool_, nullptr);
    if (semaphore_ != VK_NULL_HANDLE)
        vk.vkDestroySemaphore(device, semaphore_, nullptr);
}

std::shared_ptr<VulkanEvent> VulkanTimeline::make_event(uint64_t value) {
    auto event =
        std::allocate_shared<VulkanEvent>(base::BlockAllocator<VulkanEvent>(context_->blocks));
    event->timeline = shared_from_this();
    event->value = value;
    return event;
}

const std::shared_ptr<VulkanEvent> &VulkanTimeline::renew_event(VulkanSlot &slot) {
    if (slot.event == nullptr || slot.event.use_count() != 1)
        slot.event = make_event(slot.value);
    else
        // One more and one less: after that, whoever had it is done with it.
        std::shared_ptr<VulkanEvent>(slot.event).reset();
    VulkanEvent &event = *slot.event;
    event.value = slot.value;
    event.elapsed_ns = 0;
    event.delivers = slot.delivers;
    return slot.event;
}

std::shared_ptr<VulkanEvent> VulkanTimeline::past_event() {
    auto event = make_event(settled_.load(std::memory_order_acquire));
    event->stillborn = has_failed();
    return event;
}

std::shared_ptr<VulkanEvent> VulkanTimeline::last_event() {
    const std::lock_guard lock(mutex_);
    return make_event(last_);
}

/// Under the mutex.
base::Done VulkanTimeline::submit(VulkanSlot &slot) {
    std::array<VkCommandBuffer, 3> commands;
    uint32_t count = 0;
    const auto add = [&](VkCommandBuffer one) {
        if (one != VK_NULL_HANDLE)
            commands[count++] = one;
    };
    add(slot.marks[0]);
    add(slot.begun ? slot.commands : slot.recorded);
    add(slot.marks[1]);
    static constexpr std::array<VkPipelineStageFlags, wait_limit> stages = [] {
        std::array<VkPipelineStageFlags, wait_limit> all{};
        all.fill(VK_PIPELINE_STAGE_ALL_COMMANDS_BIT);
        return all;
    }();
    const auto waits = static_cast<uint32_t>(slot.waits.size());
    const VkTimelineSemaphoreSubmitInfo values = {VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                                  nullptr,
                                                  waits,
                                                  slot.wait_values.data(),
                                                  1,
                                                  &slot.value};
    const VkSubmitInfo info = {VK_STRUCTURE_TYPE_SUBMIT_INFO,
                               &values,
                               waits,
                               slot.waits.data(),
                               stages.data(),
                               count,
                               commands.data(),
                               1,
                               &semaphore_};
    HWA_VK("vkQueueSubmit", context_->vk.vkQueueSubmit(lane_.handle, 1, &info, VK_NULL_HANDLE));
    // After whatever has failed before it: see wait_for().
    submitted_.store(slot.value, std::memory_order_release);
    return {};
}

/// Under the mutex.
void VulkanTimeline::take_waits(VulkanSlot &slot) {
    slot.waits.swap(waits_);
    slot.wait_values.swap(wait_values_);
    for (auto &hold : wait_holds_)
        slot.holds.push_back(std::move(hold));
    wait_holds_.clear();
}

EventResult VulkanTimeline::put(VulkanSlot &slot) {
    if (slot.begun) {
        slot.writing = false;
        const VkResult code = context_->vk.vkEndCommandBuffer(slot.commands);
        if (code != VK_SUCCESS) {
            abandon(slot);
            return vulkan_failure("vkEndCommandBuffer", code);
        }
    }
    std::unique_lock lock(mutex_);
    if (!waits_.empty())
        take_waits(slot);
    slot.value = last_ + 1;
    if (!kept_.empty()) {
        kept_.push_back({&slot, nullptr, {}});
    } else if (!failure_) {
        if (base::Done done = submit(slot); !done) {
            fail(done.error(), slot.value, true);
            lock.unlock();
            abandon(slot);
            return std::move(done.error());
        }
    }
    ++last_;
    open_.push_back(&slot);
    return std::shared_ptr<Event>(renew_event(slot));
}

bool VulkanTimeline::is_idle() {
    tidy();
    const std::lock_guard lock(mutex_);
    return open_.empty() && !settling_ && kept_.empty() && waits_.empty();
}

bool VulkanTimeline::wait_for(const VulkanTimelinePtr &other, uint64_t value) {
    if (other.get() == this)
        return true;
    const bool over = other->settled_.load(std::memory_order_acquire) >= value;
    const bool given = other->submitted_.load(std::memory_order_acquire) >= value;
    // Asked last: what fails before it is submitted or settled has failed by the time it is.
    if (other->has_failed())
        return false;
    if (over)
        return true;
    if (!given || waits_.size() >= wait_limit)
        return false;
    waits_.push_back(other->semaphore_);
    wait_values_.push_back(value);
    wait_holds_.push_back(other);
    return true;
}

std::shared_ptr<Gate> VulkanTimeline::close_gate() {
    auto gate = std::make_shared<VulkanGate>(shared_from_this());
    const std::lock_guard lock(mutex_);
    kept_.push_back({nullptr, gate.get(), {}});
    return gate;
}

void VulkanTimeline::open_gate(const Gate &gate, const base::Done &how) {
    const std::lock_guard lock(mutex_);
    const size_t count = kept_.size();
    // The ring has no way in but its ends, and there are few gates at a time.
    for (size_t i = 0; i < count; ++i) {
        Kept one = kept_.pop_front();
        if (one.gate == &gate)
            one.opened = how;
        kept_.push_back(std::move(one));
    }
    release_kept();
}

/// Under the mutex: submits what no gate keeps back any more.
void VulkanTimeline::release_kept() {
    while (!kept_.empty()) {
        const Kept &first = kept_.front();
        if (first.gate != nullptr && !first.opened)
            break;
        if (first.gate != nullptr && !*first.opened)
            return fail(first.opened->error(), submitted_.load() + 1, false);
        if (first.gate == nullptr)
            if (const base::Done done = submit(*first.slot); !done)
                return fail(done.error(), first.slot->value, true);
        kept_.pop_front();
    }
    turned_.notify_all();
}

/// Under the mutex. Only the first failure counts. What is kept back never gets to the driver, and
/// who waits for that waits for nothing.
void VulkanTimeline::fail(base::Error why, uint64_t from, bool first_is_own) {
    lost_ = lost_ || why.status == Status::Lost;
    if (!failure_) {
        why.backend = why.backend.empty() ? "vulkan" : why.backend;
        failure_ = std::move(why);
        first_is_own_ = first_is_own;
        failed_from_.store(from, std::memory_order_release);
    }
    while (!kept_.empty())
        kept_.pop_front();
    turned_.notify_all();
}

void VulkanTimeline::fail_lost(base::Error why) {
    const std::lock_guard lock(mutex_);
    fail(std::move(why), settled_.load(std::memory_order_relaxed) + 1, true);
}

base::Done VulkanTimeline::outcome(const VulkanEvent &event) {
    const uint64_t from = failed_from_.load(std::memory_order_acquire);
    if (!event.stillborn && event.value < from)
        return {};
    const std::lock_guard lock(mutex_);
    if (first_is_own_ && !event.stillborn && event.value == from)
        return *failure_;
    return after(*failure_);
}

/// Whether the driver was given the work up to that value by then, or never will be.
bool VulkanTimeline::await_submission(std::unique_lock<std::mutex> &lock, uint64_t value,
                                      uint64_t timeout_ns) {
    static constexpr uint64_t longest_ns = 1'000'000'000'000'000'000; // what a clock can add
    return turned_.wait_for(lock, std::chrono::nanoseconds(std::min(timeout_ns, longest_ns)), [&] {
        return submitted_.load(std::memory_order_relaxed) >= value || failure_;
    });
}

/// Whether the driver is done with all work up to that value.
base::Result<bool> VulkanTimeline::reach(uint64_t value, uint64_t timeout_ns) {
    const api::VulkanDevice &vk = context_->vk;
    VkResult code = VK_SUCCESS;
    const char *call = "vkWaitSemaphores";
    {
        std::unique_lock lock(mutex_);
        if (submitted_.load(std::memory_order_relaxed) < value) {
            const uint64_t start = os::clock_ns();
            if (!await_submission(lock, value, timeout_ns))
                return false;
            if (timeout_ns != os::forever_ns)
                timeout_ns -= std::min(timeout_ns, os::clock_ns() - start);
        }
        if (lost_)
            return true;
        value = std::min(value, submitted_.load(std::memory_order_relaxed));
    }
    uint64_t now = value;
    if (timeout_ns == 0) {
        call = "vkGetSemaphoreCounterValue";
        code = vk.vkGetSemaphoreCounterValue(context_->device, semaphore_, &now);
        if (code == VK_SUCCESS && now < value)
            return false;
    } else {
        auto info = vulkan_struct<VkSemaphoreWaitInfo>(VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO);
        info.semaphoreCount = 1;
        info.pSemaphores = &semaphore_;
        info.pValues = &value;
        code = vk.vkWaitSemaphores(context_->device, &info, timeout_ns);
        if (code == VK_TIMEOUT)
            return false;
    }
    if (code == VK_ERROR_DEVICE_LOST)
        fail_lost(vulkan_failure(call, code));
    else if (code != VK_SUCCESS)
        return vulkan_failure(call, code);
    return true;
}

base::Done VulkanTimeline::wait(const VulkanEvent &event, uint64_t timeout_ns) {
    if (!is_over(event)) {
        HWA_TRY(const bool reached, reach(event.value, timeout_ns));
        if (!reached)
            return base::error(Status::Timeout, "the work is not done yet");
        settle_through(event.value, true);
    }
    return outcome(event);
}

base::Done VulkanTimeline::wait_all(uint64_t timeout_ns) {
    VulkanEvent last;
    {
        const std::lock_guard lock(mutex_);
        last.value = last_;
    }
    HWA_CHECK(wait(last, timeout_ns));
    last.stillborn = has_failed();
    return outcome(last);
}

void VulkanTimeline::tidy() {
    {
        const std::lock_guard lock(mutex_);
        if (open_.empty() || settling_)
            return;
    }
    uint64_t now = 0;
    const VkResult code =
        context_->vk.vkGetSemaphoreCounterValue(context_->device, semaphore_, &now);
    if (code == VK_ERROR_DEVICE_LOST)
        fail_lost(vulkan_failure("vkGetSemaphoreCounterValue", code));
    {
        const std::lock_guard lock(mutex_);
        if (lost_)
            now = last_;
        else if (code != VK_SUCCESS)
            return;
        else if (failure_ && now >= submitted_.load(std::memory_order_relaxed))
            now = last_; // the rest was never given to the driver
    }
    settle_through(now, false);
}

/// Lets go of all work up to a value that has been reached, oldest first. What it held may have
/// hooks, and those may call back: so they run outside of the mutex, one piece of work at a time.
void VulkanTimeline::settle_through(uint64_t value, bool patient) {
    std::unique_lock lock(mutex_);
    while (settled_.load(std::memory_order_relaxed) < value) {
        if (settling_) {
            if (!patient || settler_ == std::this_thread::get_id())
                return;
            turned_.wait(lock);
            continue;
        }
        if (open_.empty() || open_.front()->value > value)
            return;
        VulkanSlot *const slot = open_.pop_front();
        settling_ = true;
        settler_ = std::this_thread::get_id();
        const bool sound = !lost_ && slot->value < failed_from_.load(std::memory_order_relaxed);
        lock.unlock();
        if (sound)
            finish(*slot);
        const uint64_t reached = slot->value;
        clear(*slot);
        lock.lock();
        settling_ = false;
        give_free(*slot);
        settled_.store(reached, std::memory_order_release);
        turned_.notify_all();
    }
}

base::Error VulkanTimeline::closed() {
    return base::error(Status::Cancelled, "the queue was closed before its work had ended");
}

void VulkanTimeline::give_up() {
    {
        const std::lock_guard lock(host_mutex_);
        given_up_ = true;
    }
    const std::lock_guard lock(mutex_);
    fail(closed(), settled_.load(std::memory_order_relaxed) + 1, false);
}

void VulkanTimeline::close() {
    while (VulkanSlot *const slot = take_free())
        slot->event.reset();
}

} // namespace hwa::launch
