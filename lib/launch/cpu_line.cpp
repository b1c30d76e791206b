// SPDX-License-Identifier: MIT
// The thread of a queue: takes steps in order and ends their events.
#include "launch/cpu_line.h"

#include "os/host.h"

#include <algorithm>

namespace hwa::launch {

using base::Error;
using base::Status;

void Line::post(Steps &&steps) {
    put(steps.newest(), steps.oldest());
    steps.release();
}

void Line::put(Step *newest, Step *oldest) {
    Step *before = inbox_.load(std::memory_order_relaxed);
    do
        oldest->next = before == asleep() ? nullptr : before;
    while (!inbox_.compare_exchange_weak(before, newest, std::memory_order_acq_rel,
                                         std::memory_order_relaxed));
    if (before == asleep())
        wake_.open();
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
    for (;;)
        for (Step *step = line.take(); step != nullptr;) {
            if (step == &line.stop_) {
                line.ended_.open();
                return nullptr;
            }
            line.complete(std::exchange(step, step->next));
        }
}

/// All there is to do, the oldest first.
Step *Line::take() {
    os::Spin spin;
    while (inbox_.load(std::memory_order_relaxed) == nullptr)
        if (!spin.again())
            sleep();
    return Steps::reversed(inbox_.exchange(nullptr, std::memory_order_acquire));
}

void Line::sleep() {
    Step *none = nullptr;
    if (!inbox_.compare_exchange_strong(none, asleep()))
        return;
    wake_.wait(os::forever_ns);
    wake_.close();
}

void Line::perform(const Step &step) {
    try {
        if (auto why = step.perform({*pool_, scratch_})) {
            failed_ = true;
            *failure_ = std::move(*why);
        }
    } catch (const std::bad_alloc &) { // A thread has nobody to throw at.
        failed_ = true;
        *failure_ = Error{Status::HostMemory, 0, "cpu", "no host memory"};
    }
}

void Line::complete(Step *step) {
    if (timed_ && started_ns_ == 0)
        started_ns_ = os::clock_ns();
    if (!failed_)
        perform(*step);
    // Release hooks run before the event is over, so that who waited for it finds them called.
    const std::shared_ptr<CpuEvent> event = std::move(step->event);
    Steps::destroy(step);
    if (event == nullptr)
        return;
    const uint64_t start_ns = std::exchange(started_ns_, 0);
    const bool counts = timed_ && !failed_;
    event->end(failed_ ? Failure{failure_, std::exchange(told_, true)} : Failure{},
               counts ? std::max<uint64_t>(os::clock_ns() - start_ns, 1) : 0);
}

} // namespace hwa::launch
