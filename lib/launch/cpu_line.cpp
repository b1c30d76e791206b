// SPDX-License-Identifier: MIT
// The work of a queue in order, by its thread or by who waits for it; ends the events.
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
        oldest->next = before;
    while (!inbox_.compare_exchange_weak(before, newest));
    // One piece of work may lie for the length of a nap: who put it in is likely to wait for it,
    // and to do it then. A second one, or the end, says that this is not so.
    const Rest how = rest_.load();
    if (how == Rest::Sleep || (how == Rest::Nap && (before != nullptr || newest == &stop_)))
        wake();
}

void Line::wake() {
    if (rest_.load() != Rest::None && rest_.exchange(Rest::None) != Rest::None)
        wake_.open();
}

void Line::expect(const CpuEvent &event, uint64_t timeout_ns) {
    if (timeout_ns != os::forever_ns || !pool_->is_everywhere()) {
        wake();
        return;
    }
    const os::OwnThread own;
    helped_.store(true, std::memory_order_relaxed);
    lead(&event);
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
    while (!line.lead(nullptr))
        line.idle();
    line.ended_.open();
    return nullptr;
}

/// Does what there is, if nobody else is at it, until `until` is over; the thread of the queue,
/// which has none, until nothing is left. True at the end of the line.
bool Line::lead(const CpuEvent *until) {
    bool others = false;
    if (led_.load(std::memory_order_relaxed) || !led_.compare_exchange_strong(others, true))
        return false;
    const bool end = do_steps(until);
    led_.store(false);
    // Whoever found it led has left it to this thread to see to the rest.
    if (until != nullptr && has_work())
        wake();
    return end;
}

bool Line::do_steps(const CpuEvent *until) {
    while (until == nullptr || !until->is_over()) {
        Step *const step = first();
        if (step == nullptr || step == &stop_)
            return step != nullptr && until == nullptr;
        if (until != nullptr && step->is_bound())
            return false;
        ready_.store(step->next, std::memory_order_relaxed);
        complete(step);
    }
    return false;
}

/// The oldest there is, or NULL.
Step *Line::first() {
    if (ready_.load(std::memory_order_relaxed) == nullptr)
        ready_.store(Steps::reversed(inbox_.exchange(nullptr)), std::memory_order_relaxed);
    return ready_.load(std::memory_order_relaxed);
}

bool Line::has_work() const {
    return !led_.load() && (ready_.load() != nullptr || inbox_.load() != nullptr);
}

/// Until there may be work. Where those who wait do it, the thread only looks now and then, so as
/// not to be in their way.
void Line::idle() {
    constexpr uint64_t nap_ns = 100'000;
    constexpr int most_naps = 10;
    const auto helped = [this] { return helped_.exchange(false, std::memory_order_relaxed); };
    if (helped()) {
        for (int naps = 0; naps < most_naps && !has_work(); naps = helped() ? 0 : naps + 1)
            rest(Rest::Nap, nap_ns);
    } else {
        os::Spin spin;
        while (!has_work() && spin.again())
            ;
    }
    if (!has_work())
        rest(Rest::Sleep, os::forever_ns);
}

void Line::rest(Rest how, uint64_t timeout_ns) {
    rest_.store(how);
    if (!has_work())
        wake_.wait(timeout_ns, 0);
    if (rest_.exchange(Rest::None) == Rest::None)
        wake_.wait(os::forever_ns); // who took it away is about to open
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
