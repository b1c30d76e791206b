// SPDX-License-Identifier: MIT
// Cuts a launch into runs of groups and hands them to threads.
#include "launch/cpu_pool.h"

#include "base/units.h"
#include "os/fork.h"
#include "os/host.h"
#include "os/latch.h"

#include <algorithm>

namespace hwa::launch {
namespace {

uint64_t padded(uint64_t bytes) {
    constexpr auto line = static_cast<uint64_t>(host_alignment);
    return base::divide_up(bytes, line) * line;
}

/// Bytes of scratch that one thread needs, with a list of arguments of its own if it needs any.
uint64_t scratch_bytes(const HostJob &job) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < job.args.size(); ++i)
        bytes += job.args[i] == nullptr ? padded(job.arg_bytes[i]) : 0;
    if (bytes != 0)
        bytes += padded(job.args.size_bytes());
    return bytes + padded(job.shape.shared_bytes);
}

/// Points what the job left open at the thread's own scratch.
void place(HostCall &call, const HostJob &job, std::byte *free) {
    if (job.shape.shared_bytes != 0) {
        call.shared = free;
        free += padded(job.shape.shared_bytes);
    }
    if (std::find(job.args.begin(), job.args.end(), nullptr) == job.args.end())
        return;
    auto *const args = new (free) void *[job.args.size()];
    free += padded(job.args.size_bytes());
    for (size_t i = 0; i < job.args.size(); ++i) {
        args[i] = job.args[i] != nullptr ? job.args[i] : free;
        free += job.args[i] == nullptr ? padded(job.arg_bytes[i]) : 0;
    }
    call.args = {args, job.args.size()};
}

/// The group after this one, the first direction fastest.
void advance(HostCall &call) {
    for (size_t i = 0; i < 3; ++i) {
        if (++call.group[i] < call.grid[i])
            return;
        call.group[i] = 0;
    }
}

} // namespace

std::byte *Scratch::at_least(uint64_t bytes) {
    if (bytes <= bytes_)
        return memory_;
    clear();
    memory_ = static_cast<std::byte *>(::operator new(bytes, host_alignment, std::nothrow));
    bytes_ = memory_ == nullptr ? 0 : bytes;
    return memory_;
}

void Scratch::clear() {
    ::operator delete(memory_, host_alignment);
    memory_ = nullptr;
    bytes_ = 0;
}

void Scratch::trim() {
    if (bytes_ > 1u << 20)
        clear();
}

/// Nothing may be thrown past a job that other threads are still in.
bool HostJob::run_groups(HostCall &call, uint64_t first, uint64_t end) noexcept {
    const uint64_t row = first / shape.grid[0];
    call.group = {static_cast<uint32_t>(first % shape.grid[0]),
                  static_cast<uint32_t>(row % shape.grid[1]),
                  static_cast<uint32_t>(row / shape.grid[1])};
    for (uint64_t i = first; i < end; ++i, advance(call)) {
        const int32_t result = kernel(state, call);
        if (result == 0)
            continue;
        int32_t none = 0;
        code.compare_exchange_strong(none, result);
        return false;
    }
    return true;
}

void HostJob::take_part(Scratch &scratch) {
    if (next.load(std::memory_order_relaxed) >= groups)
        return;
    HostCall call{{}, shape.grid, shape.group, args, arg_bytes, nullptr, shape.shared_bytes};
    if (const uint64_t bytes = scratch_bytes(*this); bytes != 0) {
        std::byte *const free = scratch.at_least(bytes);
        if (free == nullptr) {
            starved = true;
            next = groups;
            return;
        }
        place(call, *this, free);
    }
    for (;;) {
        const uint64_t first = next.fetch_add(run, std::memory_order_relaxed);
        // A count of nearly 2^64 groups may wrap after a failure.
        if (first >= groups || code.load(std::memory_order_relaxed) != 0)
            break;
        if (!run_groups(call, first, std::min(first + run, groups)))
            next.store(groups, std::memory_order_relaxed);
    }
    scratch.trim();
}

Pool::Pool(std::vector<uint32_t> cpus)
    : cpus_(std::move(cpus)),
      width_(cpus_.empty() ? os::usable_cpus() : static_cast<uint32_t>(cpus_.size())) {}

Pool::~Pool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (const os::Thread &thread : threads_)
        thread.join();
}

namespace {

/// The pools of one process. A child that is forked has none of their threads, and may have the
/// mutex as another thread of the parent held it, so it starts a table of its own.
struct Table {
    explicit Table(uint64_t of) : stamp(of) {}
    const uint64_t stamp;
    std::mutex mutex;
    std::vector<std::pair<std::vector<uint32_t>, std::weak_ptr<Pool>>> pools;
};

Table &own_table() {
    static std::atomic<Table *> shared{nullptr};
    Table *table = shared.load(std::memory_order_acquire);
    while (table == nullptr || table->stamp != os::process_stamp()) {
        auto fresh = std::make_unique<Table>(os::process_stamp());
        if (shared.compare_exchange_strong(table, fresh.get(), std::memory_order_acq_rel))
            table = fresh.release();
    }
    return *table;
}

} // namespace

std::shared_ptr<Pool> Pool::of(const std::vector<uint32_t> &cpus) {
    Table &table = own_table();
    const std::lock_guard lock(table.mutex);
    for (auto &[key, pool] : table.pools)
        if (key == cpus) {
            auto found = pool.lock();
            if (found == nullptr)
                pool = found = std::make_shared<Pool>(cpus);
            return found;
        }
    auto made = std::make_shared<Pool>(cpus);
    table.pools.emplace_back(cpus, made);
    return made;
}

void Pool::join_cpus() const {
    if (!cpus_.empty())
        os::keep_to(cpus_);
}

void Pool::start_threads() {
    const std::lock_guard lock(mutex_);
    threads_.reserve(width_ - 1);
    for (uint32_t i = 0; i + 1 < width_; ++i) {
        auto thread = os::start_thread("hwa-pool", &Pool::thread_main, this);
        if (!thread)
            return; // fewer threads are slower, not wrong
        threads_.push_back(*thread);
    }
}

void *Pool::thread_main(void *pool) {
    static_cast<Pool *>(pool)->join_cpus();
    static_cast<Pool *>(pool)->work();
    return nullptr;
}

void Pool::work() {
    Scratch scratch;
    uint32_t seen = posted_.load();
    for (;;) {
        os::Spin spin;
        while (posted_.load(std::memory_order_acquire) == seen && spin.again())
            ;
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
        if (stopping_)
            return;
        HostJob &job = *jobs_.front();
        ++job.helpers;
        lock.unlock();
        job.take_part(scratch);
        lock.lock();
        seen = posted_.load();
        if (!jobs_.empty() && jobs_.front() == &job)
            jobs_.erase(jobs_.begin()); // nothing is left in it to take
        if (--job.helpers == 0)
            left_.notify_all();
    }
}

void Pool::run(HostJob &job, Scratch &scratch) {
    if (job.groups <= 1 || width_ <= 1) {
        job.run = job.groups;
        job.take_part(scratch);
        return;
    }
    // Small runs keep threads equally busy; runs longer than one keep them off each other's line.
    job.run = std::clamp<uint64_t>(job.groups / (uint64_t{width_} * 16), 1, 64);
    started_.run([this] { start_threads(); });
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(&job);
        posted_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    job.take_part(scratch);
    {
        const std::lock_guard lock(mutex_);
        std::erase(jobs_, &job);
    }
    // From here on nobody else comes, and who is there is about to be done.
    const auto alone = [&job] { return job.helpers.load(std::memory_order_acquire) == 0; };
    for (os::Spin spin; !alone() && spin.again();)
        ;
    std::unique_lock lock(mutex_);
    left_.wait(lock, alone);
}

} // namespace hwa::launch
