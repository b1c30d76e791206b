// SPDX-License-Identifier: MIT
// Latch: opened once, waited for by any number of threads, with a deadline.
#pragma once

#include <atomic>
#include <cstdint>

namespace hwa::os {

inline constexpr uint64_t forever_ns = UINT64_MAX;

/// How long a wait looks again and again before it sleeps: about what a sleep and a wake-up cost.
inline constexpr uint64_t spin_ns = 20'000;

/// Tells the processor that this is a loop that waits for another one.
void pause();

/// The time between looking and sleeping.
class Spin {
  public:
    explicit Spin(uint64_t for_ns = spin_ns) : for_ns_(for_ns) {}
    /// Lets a little time pass; false when it is time to sleep.
    bool again();

  private:
    uint64_t for_ns_;
    uint64_t start_ns_ = 0;
};

/// A gate that starts closed and, once open, stays so. What was written before open() is seen by
/// all that found it open.
class Latch {
  public:
    void open();
    /// For the next time, when nobody waits for it and nobody is about to open it.
    void close() { state_.store(Closed, std::memory_order_relaxed); }
    bool is_open() const { return state_.load(std::memory_order_acquire) == Open; }
    /// False if `timeout_ns` passed first. Looks for a moment before it sleeps.
    bool wait(uint64_t timeout_ns, uint64_t look_ns = spin_ns) const;

  private:
    enum State : uint32_t { Closed = 0, Awaited = 1, Open = 2 };
    mutable std::atomic<uint32_t> state_{Closed};
};

} // namespace hwa::os
