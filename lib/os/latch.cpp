// SPDX-License-Identifier: MIT
// A latch on one futex word: opening costs a system call only if somebody sleeps.
#include "os/latch.h"

#include "os/host.h"
#include "os/thread.h"

#include <climits>
#include <ctime>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace hwa::os {

/// After so long the one waited for may well be waiting for this very processor.
static constexpr uint64_t polite_after_ns = 2'000;

void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

bool Spin::again() {
    if (usable_cpus() == 1)
        return false;
    const uint64_t now = clock_ns();
    if (start_ns_ == 0)
        start_ns_ = now;
    const uint64_t passed = now - start_ns_;
    if (passed >= for_ns_)
        return false;
    if (passed < polite_after_ns)
        pause();
    else
        ::sched_yield();
    return true;
}

void Latch::open() {
    if (state_.exchange(Open, std::memory_order_acq_rel) == Awaited)
        ::syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

/// Sleeps while the latch is closed, at most for `left_ns`; may wake for no reason.
static void sleep_on(std::atomic<uint32_t> &word, uint32_t expected, uint64_t left_ns) {
    timespec limit = {};
    limit.tv_sec = static_cast<time_t>(left_ns / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(left_ns % 1'000'000'000);
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected,
              left_ns == forever_ns ? nullptr : &limit, nullptr, 0);
}

bool Latch::wait(uint64_t timeout_ns, uint64_t look_ns) const {
    if (is_open() || timeout_ns == 0)
        return is_open();
    const uint64_t start = clock_ns();
    Spin spin(look_ns);
    for (;;) {
        if (is_open())
            return true;
        const uint64_t passed = clock_ns() - start;
        if (passed >= timeout_ns)
            return false;
        if (spin.again())
            continue;
        uint32_t closed = Closed;
        state_.compare_exchange_strong(closed, Awaited, std::memory_order_acq_rel);
        if (!is_open())
            sleep_on(state_, Awaited, timeout_ns == forever_ns ? forever_ns : timeout_ns - passed);
    }
}

} // namespace hwa::os
