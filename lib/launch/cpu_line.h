// SPDX-License-Identifier: MIT
// Line: the work of one queue in order, and the thread that does it.
#pragma once

#include "launch/cpu_step.h"

namespace hwa::launch {

/// What a queue and its thread share; the thread keeps it alive when it must outlive the queue.
class Line {
  public:
    Line(std::shared_ptr<Pool> pool, bool timed) : pool_(std::move(pool)), timed_(timed) {}

    /// Puts them in all at once. By one thread at a time.
    void post(Steps &&steps);
    /// Somebody is about to wait for an event of this line. Who waits without a deadline does the
    /// work itself, up to there, unless it is being done: two threads that take turns lose more
    /// time to each other than short work takes. It may then be late for no deadline.
    void expect(const CpuEvent &event, uint64_t timeout_ns);
    /// Lets the thread look after what there is.
    void wake();
    /// Starts the thread, which ends when it is told to and all is done.
    static base::Result<os::Thread> start(const std::shared_ptr<Line> &line);
    void stop() { put(&stop_, &stop_); }
    /// False if the thread has not ended by then.
    bool ended(uint64_t timeout_ns) const { return ended_.wait(timeout_ns); }

  private:
    /// Tells the thread to end; nothing is put in after it.
    struct Stop final : Step {
        std::optional<base::Error> perform(const Bench &) const override { return {}; }
    };

    /// How the thread waits for work.
    enum class Rest { None, Nap, Sleep };

    static void *serve(void *owned);
    void put(Step *newest, Step *oldest);
    bool lead(const CpuEvent *until);
    bool do_steps(const CpuEvent *until);
    Step *first();
    bool has_work() const;
    void idle();
    void rest(Rest how, uint64_t timeout_ns);
    void perform(const Step &step);
    void complete(Step *step);

    const std::shared_ptr<Pool> pool_;
    const bool timed_;
    Stop stop_;
    // These four in one order for all threads (sequentially consistent): one puts work in and then
    // looks whether somebody is up to do it, the other lies down and then looks for work.
    std::atomic<Step *> inbox_{nullptr}; ///< the newest first
    std::atomic<Step *> ready_{nullptr}; ///< taken from there, the oldest first
    std::atomic<bool> led_{false};       ///< whether a thread is at work on it
    std::atomic<Rest> rest_{Rest::None};
    std::atomic<bool> helped_{false}; ///< whether who waited did work lately
    os::Latch wake_;                  ///< opened by who finds it at rest
    os::Latch ended_;

    // Of the thread that leads.
    Scratch scratch_;
    uint64_t started_ns_ = 0; ///< when the submission in progress began
    bool failed_ = false;
    bool told_ = false; ///< whether an event has said so already
    const std::shared_ptr<base::Error> failure_ = std::make_shared<base::Error>();
};

} // namespace hwa::launch
