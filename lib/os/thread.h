// SPDX-License-Identifier: MIT
// Threads of the library's own: no signals, a name, and an error where there is none to be had.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <pthread.h>

namespace hwa::os {

/// A running thread. It must be joined or detached once.
struct Thread {
    pthread_t handle{};

    void join() const { ::pthread_join(handle, nullptr); }
    void detach() const { ::pthread_detach(handle); }
    bool is_current() const { return ::pthread_equal(handle, ::pthread_self()) != 0; }
};

/// Starts `body(state)`. All signals are blocked in it: they are the caller's business.
base::Result<Thread> start_thread(const char *name, void *(*body)(void *), void *state);

/// Processors this process may run on, at least 1; looked up once.
uint32_t usable_cpus();

} // namespace hwa::os
