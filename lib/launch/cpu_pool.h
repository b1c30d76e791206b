// SPDX-License-Identifier: MIT
// Pool: the threads that run the groups of launches on the CPU.
#pragma once

#include "base/once.h"
#include "launch/runtime.h"
#include "os/thread.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <new>

namespace hwa::launch {

/// Buffers and scratch start at a cache line, which also suits every vector register.
inline constexpr std::align_val_t host_alignment{64};

/// Memory of one thread that it uses again for every launch.
class Scratch {
  public:
    ~Scratch() { clear(); }
    /// NULL if there is no memory. What was there before is lost.
    std::byte *at_least(uint64_t bytes);
    /// Keeps no more than a moderate piece.
    void trim();

  private:
    void clear();
    std::byte *memory_ = nullptr;
    uint64_t bytes_ = 0;
};

/// One launch, cut into groups that any thread may take.
struct HostJob {
    HostKernel kernel = nullptr;
    const void *state = nullptr;
    std::span<void *const> args; ///< NULL where every group gets scratch of its own
    const uint64_t *arg_bytes = nullptr;
    Shape shape;
    uint64_t groups = 0;
    uint64_t run = 1; ///< groups that a thread takes at a time

    /// Runs groups until none is left or one has failed.
    void take_part(Scratch &scratch);

    std::atomic<uint64_t> next{0};    ///< the first group that nobody has taken
    std::atomic<int32_t> code{0};     ///< what the first kernel to fail returned
    std::atomic<bool> starved{false}; ///< no memory for scratch
    /// Threads of the pool at work on it; changed under its mutex.
    std::atomic<uint32_t> helpers{0};

  private:
    bool run_groups(HostCall &call, uint64_t first, uint64_t end) noexcept;
};

/// One thread less than there are processors: who brings the work takes part in it. The threads
/// start with the first job that has something for them.
class Pool {
  public:
    /// Keeps its threads to these processors; empty: wherever the process may run.
    explicit Pool(std::vector<uint32_t> cpus);
    ~Pool();
    /// The pool of this process for these processors; one for all queues that ask for the same.
    static std::shared_ptr<Pool> of(const std::vector<uint32_t> &cpus);

    /// Returns when every group has run. `scratch` is that of the calling thread.
    void run(HostJob &job, Scratch &scratch);
    /// Threads that can be at work at once.
    uint32_t width() const { return width_; }
    /// Whether any thread of the process can take part as well as its own.
    bool is_everywhere() const { return cpus_.empty(); }
    /// Keeps the calling thread to the processors of the pool.
    void join_cpus() const;

  private:
    static void *thread_main(void *pool);
    void work();
    void start_threads();

    const std::vector<uint32_t> cpus_;
    const uint32_t width_; ///< threads that can be at work at once
    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable left_;
    std::vector<HostJob *> jobs_; ///< the first is helped first
    std::vector<os::Thread> threads_;
    base::Once started_;
    std::atomic<uint32_t> posted_{0}; ///< counts jobs, for threads that look before they sleep
    bool stopping_ = false;
};

} // namespace hwa::launch
