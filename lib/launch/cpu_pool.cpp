// SPDX-License-Identifier: MIT
// Cuts a launch into runs of groups and hands them to threads.
#include "launch/cpu_pool.h"

#include "base/units.h"
#include "os/host.h"
#include "os/latch.h"

#include <algorithm>
#include <new>

namespace hwa::launch {
namespace {

/// Scratch, and all before it, starts at a cache line, which also suits every vector register.
constexpr uint64_t block_alignment = 64;

uint64_t padded(uint64_t bytes) {
    return base::divide_up(bytes, block_alignment) * block_alignment;
}

struct FreeBlock {
    void operator()(std::byte *memory) const {
        ::operator delete (memory, std::align_val_t{block_alignment});
    }
};
using Block = std::unique_ptr<std::byte, FreeBlock>;

/// The arguments of one thread: like those of the job, with scratch of its own filled in. All of it
/// is one block of memory: a thread of the pool has nobody to throw at.
class Frame {
  public:
    explicit Frame(const HostJob &job) {
        const size_t count = job.args.size();
        uint64_t bytes = count * (sizeof *args_ + sizeof *sizes_);
        bytes = padded(bytes) + padded(job.shape.shared_bytes);
        for (const HostArg &arg : job.args)
            bytes += arg.data == nullptr ? padded(arg.size_bytes) : 0;
        if (bytes == 0)
            return;
        memory_.reset(static_cast<std::byte *>(
            ::operator new (bytes, std::align_val_t{block_alignment}, std::nothrow)));
        starved_ = memory_ == nullptr;
        if (!starved_)
            place(job);
    }

    bool starved() const { return starved_; }

    HostCall call(const HostJob &job, uint64_t index) const {
        const auto &grid = job.shape.grid;
        const uint64_t row = index / grid[0];
        return {{static_cast<uint32_t>(index % grid[0]), static_cast<uint32_t>(row % grid[1]),
                 static_cast<uint32_t>(row / grid[1])},
                grid,
                job.shape.group,
                {args_, job.args.size()},
                sizes_,
                shared_,
                job.shape.shared_bytes};
    }

  private:
    void place(const HostJob &job) {
        const size_t count = job.args.size();
        args_ = new (memory_.get()) void *[count];
        sizes_ = new (memory_.get() + count * sizeof *args_) uint64_t[count];
        std::byte *free = memory_.get() + padded(count * (sizeof *args_ + sizeof *sizes_));
        shared_ = job.shape.shared_bytes != 0 ? free : nullptr;
        free += padded(job.shape.shared_bytes);
        for (size_t i = 0; i < count; ++i) {
            const HostArg &arg = job.args[i];
            args_[i] = arg.data != nullptr ? arg.data : free;
            sizes_[i] = arg.size_bytes;
            free += arg.data == nullptr ? padded(arg.size_bytes) : 0;
        }
    }

    Block memory_;
    void **args_ = nullptr;
    uint64_t *sizes_ = nullptr;
    void *shared_ = nullptr;
    bool starved_ = false;
};

} // namespace

void HostJob::take_part() {
    if (next.load(std::memory_order_relaxed) >= groups)
        return;
    const Frame frame(*this);
    if (frame.starved()) {
        starved = true;
        next = groups;
        return;
    }
    // Small runs keep threads equally busy; runs longer than one keep them off each other's line.
    const uint64_t run = std::clamp<uint64_t>(groups / (uint64_t{os::usable_cpus()} * 16), 1, 64);
    for (;;) {
        const uint64_t first = next.fetch_add(run, std::memory_order_relaxed);
        if (first >= groups)
            return;
        for (uint64_t i = first; i < std::min(first + run, groups); ++i) {
            const int32_t result = kernel(state, frame.call(*this, i));
            if (result == 0)
                continue;
            int32_t none = 0;
            code.compare_exchange_strong(none, result);
            next.store(groups, std::memory_order_relaxed);
            return;
        }
    }
}

Pool::~Pool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (const os::Thread &thread : threads_)
        thread.join();
}

bool Pool::is_current() {
    const std::lock_guard lock(mutex_);
    return std::any_of(threads_.begin(), threads_.end(),
                       [](const os::Thread &thread) { return thread.is_current(); });
}

void Pool::start_threads() {
    const std::lock_guard lock(mutex_);
    const uint32_t wanted = os::usable_cpus() - 1;
    threads_.reserve(wanted);
    for (uint32_t i = 0; i < wanted; ++i) {
        auto thread = os::start_thread("hwa-pool", &Pool::thread_main, this);
        if (!thread)
            return; // fewer threads are slower, not wrong
        threads_.push_back(*thread);
    }
}

void *Pool::thread_main(void *pool) {
    static_cast<Pool *>(pool)->work();
    return nullptr;
}

void Pool::work() {
    uint32_t seen = posted_.load();
    for (;;) {
        const uint64_t until = os::clock_ns() + os::spin_ns;
        while (posted_.load(std::memory_order_acquire) == seen && os::clock_ns() < until)
            os::pause();
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (stopping_)
            return;
        HostJob &job = *jobs_.front();
        ++job.helpers;
        lock.unlock();
        job.take_part();
        lock.lock();
        seen = posted_.load();
        if (!jobs_.empty() && jobs_.front() == &job)
            jobs_.pop_front(); // nothing is left in it to take
        if (--job.helpers == 0)
            left_.notify_all();
    }
}

void Pool::run(HostJob &job) {
    if (job.groups > 1 && os::usable_cpus() > 1) {
        started_.run([this] { start_threads(); });
        const std::lock_guard lock(mutex_);
        jobs_.push_back(&job);
        posted_.fetch_add(1, std::memory_order_release);
        wake_.notify_all();
    }
    job.take_part();
    if (job.groups <= 1)
        return;
    std::unique_lock lock(mutex_);
    std::erase(jobs_, &job);
    left_.wait(lock, [&job] { return job.helpers == 0; });
}

} // namespace hwa::launch
