// SPDX-License-Identifier: MIT
// Starts threads by pthread_create, and counts the processors there are for them.
#include "os/thread.h"

#include <atomic>
#include <csignal>
#include <sched.h>

namespace hwa::os {

base::Result<Thread> start_thread(const char *name, void *(*body)(void *), void *state) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    Thread thread;
    const int code = ::pthread_create(&thread.handle, nullptr, body, state);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (code != 0)
        return base::os_error(code, "the thread %s could not be started", name);
    ::pthread_setname_np(thread.handle, name);
    return thread;
}

static uint32_t count_cpus() {
    // Machines with more processors than a cpu_set_t holds need a longer mask; the kernel answers
    // EINVAL until it is long enough.
    for (int limit = CPU_SETSIZE; limit <= 1 << 17; limit *= 2) {
        cpu_set_t *set = CPU_ALLOC(static_cast<size_t>(limit));
        if (set == nullptr)
            return 1;
        const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(limit));
        const int found = ::sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (found > 0)
            return static_cast<uint32_t>(found);
    }
    return 1;
}

uint32_t usable_cpus() {
    static std::atomic<uint32_t> known{0};
    uint32_t count = known.load(std::memory_order_relaxed);
    if (count == 0) {
        count = count_cpus();
        known.store(count, std::memory_order_relaxed);
    }
    return count;
}

} // namespace hwa::os
