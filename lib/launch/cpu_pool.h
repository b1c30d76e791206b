// SPDX-License-Identifier: MIT
// Pool: the threads that run the groups of a launch on the CPU.
#pragma once

#include "base/once.h"
#include "launch/runtime.h"
#include "os/thread.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace hwa::launch {

/// An argument as a kernel sees it; `data` is NULL where every group gets scratch of its own.
struct HostArg {
    void *data = nullptr;
    uint64_t size_bytes = 0;
};

/// One launch, cut into groups that any thread may take.
struct HostJob {
    HostKernel kernel = nullptr;
    const void *state = nullptr;
    std::span<const HostArg> args;
    Shape shape;
    uint64_t groups = 0;

    /// Runs groups until none is left or one has failed.
    void take_part();

    std::atomic<uint64_t> next{0};    ///< the first group that nobody has taken
    std::atomic<int32_t> code{0};     ///< what the first kernel to fail returned
    std::atomic<bool> starved{false}; ///< no memory for scratch
    uint32_t helpers = 0;             ///< threads of the pool at work on it; under its mutex
};

/// One thread less than there are processors: who brings the work takes part in it. The threads
/// start with the first job that has something for them.
class Pool {
  public:
    ~Pool();
    /// Returns when every group has run.
    void run(HostJob &job);
    /// True on a thread of this pool, which must not wait for the work it is doing.
    bool is_current();

  private:
    static void *thread_main(void *pool);
    void work();
    void start_threads();

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable left_;
    std::deque<HostJob *> jobs_;
    std::vector<os::Thread> threads_;
    base::Once started_;
    std::atomic<uint32_t> posted_{0}; ///< counts jobs, for threads that look before they sleep
    bool stopping_ = false;
};

} // namespace hwa::launch
