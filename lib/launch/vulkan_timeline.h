// SPDX-License-Identifier: MIT
// Timeline: the work of one queue, counted by a semaphore of the driver.
#pragma once

#include "base/ring.h"
#include "launch/vulkan.h"

#include <condition_variable>
#include <optional>
#include <thread>

namespace hwa::launch {

class VulkanTimeline;
using VulkanTimelinePtr = std::shared_ptr<VulkanTimeline>;

/// The value that the timeline reaches when the work is done. Nobody else has one that its slot
/// alone holds, and then it serves again.
struct VulkanEvent final : Event {
    VulkanTimelinePtr timeline;
    uint64_t value = 0;
    uint64_t elapsed_ns = 0;
    bool stillborn = false; ///< put in after a failure, so without a value of its own
    bool delivers = false;  ///< the host gets its bytes only when the work is let go of
};

/// Bytes that a piece of work leaves for the host in memory on the way.
struct VulkanDelivery {
    std::shared_ptr<VulkanMemory> stage;
    void *to = nullptr; ///< NULL: they went the other way
    uint64_t size_bytes = 0;
};

/// The commands of one submission and what they use, used again when they are done.
struct VulkanSlot {
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkPipeline bound = VK_NULL_HANDLE;         ///< by the commands so far
    VkCommandBuffer recorded = VK_NULL_HANDLE; ///< of a recording, in place of `commands`
    /// Of a timed queue, recorded once: before and after the commands.
    std::array<VkCommandBuffer, 2> marks{};
    VkQueryPool queries = VK_NULL_HANDLE;
    VulkanSets sets;
    std::vector<std::shared_ptr<const void>> holds;
    std::vector<VulkanDelivery> deliveries;
    std::vector<VkSemaphore> waits;
    std::vector<uint64_t> wait_values;
    std::shared_ptr<VulkanEvent> event;
    std::shared_ptr<uint64_t> passed_ns; ///< of a copy in pieces: by all of them so far
    VulkanSlot *next = nullptr;          ///< in the list of those that are free
    uint64_t value = 0;
    bool begun = false;   ///< there is something in `commands`
    bool writing = false; ///< and there may be more
    bool delivers = false;
};

/// Takes commands in order, submits them, and lets go of what they used when they are done. After a
/// failure nothing more is given to the driver: what was put in by then is over once all that the
/// driver has is done.
///
/// take(), begin() and put() are for the one thread that uses the queue; all else for any.
class VulkanTimeline : public std::enable_shared_from_this<VulkanTimeline> {
  public:
    static base::Result<VulkanTimelinePtr> create(VulkanContextPtr context, bool timed);
    ~VulkanTimeline();
    VulkanTimeline(const VulkanTimeline &) = delete;
    VulkanTimeline &operator=(const VulkanTimeline &) = delete;

    const VulkanContextPtr &context() const { return context_; }
    VkSemaphore semaphore() const { return semaphore_; }
    VkQueue native() const { return lane_.handle; }
    VulkanStages &stages() { return stages_; }

    /// An empty slot; waits, at most so long, where very many are under way.
    base::Result<VulkanSlot *> take(uint64_t timeout_ns);
    /// Opens the command buffer of an empty slot for commands.
    base::Done begin(VulkanSlot &slot);
    /// Submits what was written into the slot, or keeps it back behind a gate. What cannot be is
    /// abandoned; where the driver refused it, the queue has failed, for it may have been told to
    /// wait for something.
    EventResult put(VulkanSlot &slot);
    /// Gives back a slot that came to nothing.
    void abandon(VulkanSlot &slot);

    /// True while nothing is under way and nothing is waited for.
    bool is_idle();
    /// True once some of the work has failed.
    bool has_failed() const { return failed_from_.load(std::memory_order_acquire) != UINT64_MAX; }
    /// An event of work that is over already, or of what comes after a failure.
    std::shared_ptr<VulkanEvent> past_event();
    /// An event of all work so far.
    std::shared_ptr<VulkanEvent> last_event();

    /// What is put in from here on waits for a value of another timeline of the same device. False
    /// if the driver has not been given that work yet, or never will be.
    bool wait_for(const VulkanTimelinePtr &other, uint64_t value);
    std::shared_ptr<Gate> close_gate();
    void open_gate(const Gate &gate, const base::Done &how);

    base::Done wait(const VulkanEvent &event, uint64_t timeout_ns);
    base::Done wait_all(uint64_t timeout_ns);
    bool is_over(const VulkanEvent &event) const {
        return event.stillborn || settled_.load(std::memory_order_acquire) >= event.value;
    }
    /// How an event that is over went.
    base::Done outcome(const VulkanEvent &event);
    /// Lets go of what has ended.
    void tidy();
    /// Runs `copy` of the host from or into what the caller lent, unless that was given up.
    template <class Copy> base::Done at_host(Copy &&copy) {
        const std::lock_guard lock(host_mutex_);
        if (given_up_)
            return closed();
        return copy();
    }
    /// Nothing more is given to the driver, and the caller's memory left alone: the queue closes
    /// and the work has not ended in time.
    void give_up();
    /// Forgets the events it kept for use again, which hold it.
    void close();

  private:
    struct Kept;

    VulkanTimeline(VulkanContextPtr context, bool timed);

    base::Result<VulkanSlot *> create_slot();
    base::Done record_marks(VulkanSlot &slot);
    VulkanSlot *take_free();
    void give_free(VulkanSlot &slot);
    base::Done submit(VulkanSlot &slot);
    void take_waits(VulkanSlot &slot);
    static base::Error closed();
    bool await_submission(std::unique_lock<std::mutex> &lock, uint64_t value, uint64_t timeout_ns);
    base::Result<bool> reach(uint64_t value, uint64_t timeout_ns);
    void fail(base::Error why, uint64_t from, bool first_is_own);
    void fail_lost(base::Error why);
    void release_kept();
    void settle_through(uint64_t value, bool patient);
    void finish(VulkanSlot &slot);
    void clear(VulkanSlot &slot);
    std::shared_ptr<VulkanEvent> make_event(uint64_t value);
    const std::shared_ptr<VulkanEvent> &renew_event(VulkanSlot &slot);

    VulkanContextPtr context_;
    VulkanLane &lane_;
    const bool timed_;
    VkSemaphore semaphore_ = VK_NULL_HANDLE;
    VkCommandPool pool_ = VK_NULL_HANDLE;
    VulkanStages stages_;
    std::vector<VkSemaphore> waits_; ///< of the next slot, with the values and the timelines
    std::vector<uint64_t> wait_values_;
    std::vector<std::shared_ptr<const void>> wait_holds_;
    std::vector<std::unique_ptr<VulkanSlot>> slots_;
    VulkanSlot *ready_ = nullptr;              ///< free, and taken without a thought
    std::atomic<VulkanSlot *> given_{nullptr}; ///< free, given back by any thread
    std::mutex host_mutex_;                    ///< for what the host copies, and
    bool given_up_ = false;

    /// For all below, and for the lane: so a launch locks once.
    std::mutex &mutex_;
    std::condition_variable turned_;
    base::Ring<VulkanSlot *> open_;
    base::Ring<Kept> kept_; ///< behind a gate
    uint64_t last_ = 0;     ///< value of the newest work
    std::atomic<uint64_t> submitted_{0};
    std::atomic<uint64_t> settled_{0};
    std::atomic<uint64_t> failed_from_{UINT64_MAX};
    std::optional<base::Error> failure_;
    bool first_is_own_ = false; ///< the failure is that of the first event that fails
    bool lost_ = false;
    bool settling_ = false;
    std::thread::id settler_;
};

} // namespace hwa::launch
