// SPDX-License-Identifier: MIT
// Line: the work of one queue in order, and the thread that does it.
#pragma once

#include "base/ring.h"
#include "launch/cpu_call.h"
#include "launch/cpu_event.h"

#include <optional>
#include <variant>

namespace hwa::launch {

/// Bytes from one place to another, and what keeps both there.
struct Transfer {
    std::shared_ptr<Memory> target;
    std::shared_ptr<Memory> source;
    void *to = nullptr;
    const void *from = nullptr;
    uint64_t size_bytes = 0;
};

/// A wait for what another queue does, or for a gate.
struct Barrier {
    std::shared_ptr<CpuEvent> until;
};

struct Task {
    std::shared_ptr<CpuEvent> event;
    std::variant<Transfer, Calls, Barrier> work;
};

/// What a queue and its thread share; the thread keeps it alive when it must outlive the queue.
class Line {
  public:
    Line(std::shared_ptr<Pool> pool, bool timed) : pool_(std::move(pool)), timed_(timed) {}

    /// Puts a task in, which the thread finds at once.
    void post(Task task);
    /// Starts the thread, which ends when it is told to and all is done.
    static base::Result<os::Thread> start(const std::shared_ptr<Line> &line);
    void stop();
    /// False if the thread has not ended by then.
    bool ended(uint64_t timeout_ns) const { return ended_.wait(timeout_ns); }
    Pool &pool() const { return *pool_; }

  private:
    static void *serve(void *owned);
    bool take(base::Ring<Task> &into);
    void complete(Task &task);
    void perform(Task &task);
    std::optional<base::Error> perform(const Transfer &transfer);
    std::optional<base::Error> perform(const Calls &calls);
    std::optional<base::Error> perform(const Barrier &barrier);

    const std::shared_ptr<Pool> pool_;
    const bool timed_;
    std::mutex mutex_;
    std::condition_variable wake_;
    base::Ring<Task> tasks_;
    std::atomic<uint32_t> posted_{0}; ///< counts tasks, for a thread that looks before it sleeps
    bool stopping_ = false;
    os::Latch ended_;
    Scratch scratch_; ///< this and the next are of the thread alone
    bool failed_ = false;
    const std::shared_ptr<base::Error> failure_ = std::make_shared<base::Error>(); ///< the first
};

} // namespace hwa::launch
