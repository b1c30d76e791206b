// SPDX-License-Identifier: MIT
// Threads of the library's own: no signals, a name, and an error where there is none to be had.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <pthread.h>
#include <span>
#include <vector>

namespace hwa::os {

/// A running thread. It must be joined or detached once.
struct Thread {
    pthread_t handle{};

    void join() const { ::pthread_join(handle, nullptr); }
    void detach() const { ::pthread_detach(handle); }
};

/// Starts `body(state)`. All signals are blocked in it: they are the caller's business.
base::Result<Thread> start_thread(const char *name, void *(*body)(void *), void *state);

/// True on a thread that start_thread() started. What the caller's hooks do there must not wait for
/// other threads of the library, which may be waiting for this one.
bool is_own_thread();

/// Lets the calling thread count as one of the library's own while it does their work.
class OwnThread {
  public:
    OwnThread();
    ~OwnThread();
    OwnThread(const OwnThread &) = delete;
    OwnThread &operator=(const OwnThread &) = delete;

  private:
    bool was_own_;
};

/// Keeps the calling thread to those of `cpus` that it may run on; where it may run on none of
/// them, it stays as it is.
void keep_to(std::span<const uint32_t> cpus);

/// Those of `cpus` that the calling thread may run on; empty if these are all it may run on, or
/// none.
std::vector<uint32_t> usable_among(std::span<const uint32_t> cpus);

/// Processors this process may run on, at least 1; looked up once.
uint32_t usable_cpus();

} // namespace hwa::os
