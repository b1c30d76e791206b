// SPDX-License-Identifier: MIT
// Line: the work of one queue in order, and the thread that does it.
#pragma once

#include "launch/cpu_step.h"

namespace hwa::launch {

/// What a queue and its thread share; the thread keeps it alive when it must outlive the queue.
class Line {
  public:
    Line(std::shared_ptr<Pool> pool, bool timed) : pool_(std::move(pool)), timed_(timed) {}

    /// Puts them in all at once. By one thread at a time; wakes the thread if it sleeps.
    void post(Steps &&steps);
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

    static void *serve(void *owned);
    void put(Step *newest, Step *oldest);
    Step *take();
    void sleep();
    void perform(const Step &step);
    void complete(Step *step);
    /// Stands in the inbox while the thread sleeps.
    Step *asleep() { return &asleep_; }

    const std::shared_ptr<Pool> pool_;
    const bool timed_;
    Stop stop_;
    Stop asleep_;
    std::atomic<Step *> inbox_{nullptr}; ///< the newest first
    os::Latch wake_;                     ///< opened by who finds it asleep
    os::Latch ended_;

    // Of the thread alone.
    Scratch scratch_;
    uint64_t started_ns_ = 0; ///< when the submission in progress began
    bool failed_ = false;
    bool told_ = false; ///< whether an event has said so already
    const std::shared_ptr<base::Error> failure_ = std::make_shared<base::Error>();
};

} // namespace hwa::launch
