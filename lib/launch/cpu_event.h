// SPDX-License-Identifier: MIT
// CpuEvent: the end of one piece of work on the CPU, and who wants to hear of it.
#pragma once

#include "launch/runtime.h"
#include "os/latch.h"

#include <atomic>
#include <memory>

namespace hwa::launch {

/// Why work failed, shared by all that fails of it: to say so takes no memory.
struct Failure {
    std::shared_ptr<const base::Error> first; ///< NULL: it has not
    bool later = false;                       ///< whether it was the fault of earlier work
};

class CpuEvent final : public Event {
  public:
    CpuEvent() = default;
    ~CpuEvent() override;
    CpuEvent(const CpuEvent &) = delete;
    CpuEvent &operator=(const CpuEvent &) = delete;

    bool is_over() const { return done_.is_open(); }
    bool wait(uint64_t timeout_ns) const { return done_.wait(timeout_ns); }
    /// How it went; only of what is over.
    base::Done outcome() const;
    uint64_t elapsed_ns() const { return is_over() ? elapsed_ns_ : 0; }

    /// Calls `notice` at the end, on the thread that brings it, or at once if that has been.
    void notify(Notice notice);
    /// Once: who waits goes on, and all notices are called in the order they came.
    void end(Failure failure = {}, uint64_t elapsed_ns = 0) noexcept;

  private:
    struct Listener {
        Notice notice;
        Listener *next;
    };
    /// outcome() on a thread that has nobody to throw at.
    base::Done told() const noexcept;
    /// Stands at the head of the list once nobody will look at it again; leads nowhere.
    Listener *closed() { return reinterpret_cast<Listener *>(this); }

    os::Latch done_;
    Failure failure_; ///< this and the next are set before the latch opens
    uint64_t elapsed_ns_ = 0;
    std::atomic<Listener *> listeners_{nullptr}; ///< the latest first
};

} // namespace hwa::launch
