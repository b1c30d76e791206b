// SPDX-License-Identifier: MIT
// The thread of a queue: takes tasks in order and ends their events.
#include "launch/cpu_line.h"

#include "os/host.h"

#include <algorithm>
#include <cstring>

namespace hwa::launch {

using base::Error;
using base::Status;

void Line::post(Task task) {
    {
        const std::lock_guard lock(mutex_);
        tasks_.push_back(std::move(task));
    }
    posted_.fetch_add(1, std::memory_order_release);
    wake_.notify_one();
}

void Line::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_one();
}

base::Result<os::Thread> Line::start(const std::shared_ptr<Line> &line) {
    auto owned = std::make_unique<std::shared_ptr<Line>>(line);
    HWA_TRY(const os::Thread thread, os::start_thread("hwa-queue", serve, owned.get()));
    owned.release();
    return thread;
}

void *Line::serve(void *owned) {
    const std::unique_ptr<std::shared_ptr<Line>> owner(static_cast<std::shared_ptr<Line> *>(owned));
    Line &line = **owner;
    line.pool_->join_cpus();
    base::Ring<Task> tasks;
    while (line.take(tasks))
        while (!tasks.empty()) {
            Task task = tasks.pop_front();
            line.complete(task);
        }
    line.ended_.open();
    return nullptr;
}

/// All there is to do; false when there will be nothing more. `into` is empty, and lends its
/// memory.
bool Line::take(base::Ring<Task> &into) {
    const uint32_t seen = posted_.load();
    std::unique_lock lock(mutex_);
    if (tasks_.empty() && !stopping_) {
        lock.unlock();
        const uint64_t until = os::clock_ns() + os::spin_ns;
        while (os::usable_cpus() > 1 && posted_.load(std::memory_order_acquire) == seen &&
               os::clock_ns() < until)
            os::pause();
        lock.lock();
    }
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    std::swap(tasks_, into);
    return !into.empty();
}

std::optional<Error> Line::perform(const Transfer &transfer) {
    std::memcpy(transfer.to, transfer.from, transfer.size_bytes);
    return {};
}

std::optional<Error> Line::perform(const Calls &calls) {
    return calls.perform(*pool_, scratch_);
}

std::optional<Error> Line::perform(const Barrier &barrier) {
    barrier.until->wait(os::forever_ns);
    const base::Done how = barrier.until->outcome();
    if (how)
        return {};
    Error why = how.error();
    why.message = "what the queue waited for failed: " + why.message;
    return why;
}

void Line::perform(Task &task) {
    try {
        auto why = std::visit([this](const auto &work) { return perform(work); }, task.work);
        failed_ = why.has_value();
        if (failed_)
            *failure_ = std::move(*why);
    } catch (const std::bad_alloc &) { // A thread has nobody to throw at.
        failed_ = true;
        *failure_ = Error{Status::HostMemory, 0, "cpu", "no host memory"};
    }
}

void Line::complete(Task &task) {
    const uint64_t start = timed_ ? os::clock_ns() : 0;
    const bool later = failed_;
    if (!later)
        perform(task);
    const bool counts = timed_ && !failed_;
    const uint64_t elapsed_ns = counts ? std::max<uint64_t>(os::clock_ns() - start, 1) : 0;
    // Release hooks run before the event is over, so that who waited for it finds them called.
    task.work = Transfer{};
    task.event->end(failed_ ? Failure{failure_, later} : Failure{}, elapsed_ns);
}

} // namespace hwa::launch
