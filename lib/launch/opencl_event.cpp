// SPDX-License-Identifier: MIT
// OpenCL: waiting for commands, with a deadline as well, and letting go of what they used.
#include "launch/opencl.h"

#include "os/host.h"

#include <algorithm>

namespace hwa::launch {
namespace {

using base::Status;

/// Longest pause between two looks where a driver has no callbacks.
constexpr uint64_t nap_ns = 200'000;

/// The same where a driver has callbacks, but forgets them when what a command waits for fails.
constexpr uint64_t doubt_ns = 1'000'000;

/// How many events are kept to be used again.
constexpr size_t spare_limit = 64;

/// How long a wait with a deadline looks before it asks for a callback: more than an empty kernel
/// takes from end to end on common drivers.
constexpr uint64_t look_ns = 3 * os::spin_ns;

/// Positive while under way, 0 when done, negative when failed.
cl_int execution_status(const ClEvent &event) {
    if (event.armed != nullptr)
        return event.armed->latch.is_open() ? event.armed->status : CL_RUNNING;
    if (const cl_int known = event.known.load(std::memory_order_relaxed); known <= CL_COMPLETE)
        return known;
    cl_int status = CL_QUEUED;
    const cl_int code = event.context->cl.clGetEventInfo(
        event.handle, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    return code == CL_SUCCESS ? status : code;
}

/// Some drivers hold locks of theirs meanwhile, so this asks them nothing.
void CL_CALLBACK on_end(cl_event, cl_int status, void *user) {
    const std::unique_ptr<std::shared_ptr<ClEnd>> end(static_cast<std::shared_ptr<ClEnd> *>(user));
    (*end)->status = status;
    (*end)->latch.open();
}

/// The latch that the driver opens at the end of the command; NULL if it has no callbacks.
std::shared_ptr<ClEnd> end_of(ClEvent &event) {
    if (event.armed != nullptr)
        return event.armed;
    const std::lock_guard lock(event.mutex);
    if (event.ended == nullptr)
        event.ended = arm(event);
    return event.ended;
}

/// Waits in the driver, which knows no deadline.
void wait_inside(ClEvent &event) {
    const cl_int code = event.context->cl.clWaitForEvents(1, &event.handle);
    // A driver that cannot wait will not tell of the end either.
    if (code == CL_SUCCESS || execution_status(event) > CL_COMPLETE)
        event.known.store(code, std::memory_order_relaxed);
}

/// True once the command has ended, well or not.
bool wait_until(ClEvent &event, uint64_t timeout_ns) {
    if (event.armed != nullptr)
        return event.armed->latch.wait(timeout_ns);
    const bool gated = event.context->gates.load(std::memory_order_relaxed) != 0;
    if (timeout_ns == os::forever_ns && !gated) {
        wait_inside(event);
        return true;
    }
    const uint64_t start = os::clock_ns();
    bool asking = !event.lengthy || timeout_ns == 0;
    os::Spin look(look_ns);
    std::shared_ptr<ClEnd> end;
    for (uint64_t passed = 0;; passed = os::clock_ns() - start) {
        if (asking && execution_status(event) <= CL_COMPLETE)
            return true;
        if (passed >= timeout_ns)
            return false;
        if (asking && look.again())
            continue;
        if (end == nullptr)
            end = end_of(event);
        if (end == nullptr) {
            asking = true;
            os::Latch().wait(std::min(timeout_ns - passed, nap_ns));
        } else if (end->latch.wait(std::min(timeout_ns - passed, gated ? doubt_ns : timeout_ns))) {
            event.known.store(end->status, std::memory_order_relaxed);
            return true;
        } else {
            asking = gated;
        }
    }
}

uint64_t profiled_ns(const ClEvent &event) {
    if (event.context->limits.timer_ns == 0)
        return 0;
    const auto at = [&](cl_event of, cl_profiling_info what) {
        cl_ulong time = 0;
        const cl_int code =
            event.context->cl.clGetEventProfilingInfo(of, what, sizeof time, &time, nullptr);
        return code == CL_SUCCESS ? time : 0;
    };
    const cl_event first = event.first != nullptr ? event.first : event.handle;
    const cl_ulong start = at(first, CL_PROFILING_COMMAND_START);
    const cl_ulong end = at(event.handle, CL_PROFILING_COMMAND_END);
    return end > start ? end - start : 1;
}

/// What the code of a command that failed on the device means: there, CL_OUT_OF_RESOURCES is what
/// common drivers say of an access to no memory at all.
base::Error command_failure(const ClEvent &event, cl_int code) {
    base::Error why = opencl_failure(*event.context, "the command", code);
    if (code == CL_OUT_OF_RESOURCES && why.status != Status::Lost)
        why.status = Status::Driver;
    return why;
}

base::Done outcome(const ClEvent &event) {
    if (event.failure)
        return *event.failure;
    return {};
}

/// Asks what the work waited for, once it is over; that has queues and mutexes of its own, but
/// never waits for what comes later, so this cannot go round in a circle.
void ask_causes(ClEvent &event) {
    const std::lock_guard lock(event.mutex);
    for (const auto &cause : event.causes)
        if (base::Done how = cause->outcome(); !how && !event.doom)
            event.doom = std::move(how.error());
    event.causes.clear();
    event.caused.store(false, std::memory_order_release);
}

} // namespace

std::shared_ptr<ClEnd> arm(const ClEvent &event) {
    const auto call_back = event.context->cl.clSetEventCallback;
    if (call_back == nullptr)
        return nullptr;
    auto end = std::make_shared<ClEnd>();
    auto owned = std::make_unique<std::shared_ptr<ClEnd>>(end);
    if (call_back(event.handle, CL_COMPLETE, on_end, owned.get()) != CL_SUCCESS)
        return nullptr;
    owned.release();
    return end;
}

void ClEvent::release() {
    for (cl_event *const mine : {&handle, &first})
        if (*mine != nullptr)
            context->cl.clReleaseEvent(std::exchange(*mine, nullptr));
}

void ClEvent::renew() {
    release();
    elapsed_ns = 0;
    lengthy = false;
    taken = false;
    known.store(CL_QUEUED, std::memory_order_relaxed);
    caused.store(false, std::memory_order_relaxed);
    doom.reset();
    failure.reset();
    armed.reset();
    ended.reset();
    std::construct_at(&settled);
}

std::shared_ptr<ClEvent> ClBacklog::begin(const ClContextPtr &context) {
    if (next_ != nullptr && next_.use_count() == 1) {
        // A copy reads the count as the last user left it, and so sees all that he did before.
        const std::shared_ptr<ClEvent> seen = next_;
        seen->renew();
        return std::move(next_);
    }
    return std::allocate_shared<ClEvent>(base::BlockAllocator<ClEvent>(context->blocks), context);
}

void ClBacklog::push(std::shared_ptr<ClEvent> event, bool tidying) {
    std::unique_lock lock(mutex_);
    last_ = event;
    open_.push_back(std::move(event));
    open_count_.store(open_.size(), std::memory_order_relaxed);
    // What was put in just now has hardly ended.
    if (tidying && open_.size() > 1)
        settle(lock, nullptr);
    if (next_ == nullptr && !spare_.empty())
        next_ = spare_.pop_front();
}

void ClBacklog::doom(std::shared_ptr<ClEvent> event, const base::Error *why) {
    std::unique_lock lock(mutex_);
    sound_.store(false, std::memory_order_relaxed);
    if (why != nullptr)
        event->doom = *why;
    else
        event->doom = after(failure_ ? *failure_ : *last_->doom);
    last_ = event;
    if (event->handle == nullptr && !open_.empty()) {
        event->handle = open_.back()->handle;
        event->armed = open_.back()->armed;
        event->context->cl.clRetainEvent(event->handle);
    }
    if (event->handle != nullptr) {
        open_.push_back(std::move(event));
        open_count_.store(open_.size(), std::memory_order_relaxed);
        return;
    }
    event->taken = true;
    conclude(*event, CL_COMPLETE);
    lock.unlock();
    event->settled.open();
}

/// Under the mutex: says how the work went.
void ClBacklog::conclude(ClEvent &event, cl_int status) {
    if (failure_)
        event.failure = after(*failure_);
    else if (event.doom)
        failure_ = event.failure = event.doom;
    else if (status != CL_COMPLETE)
        failure_ = event.failure = command_failure(event, status);
    else if (timed_)
        event.elapsed_ns = profiled_ns(event);
    if (event.failure)
        sound_.store(false, std::memory_order_relaxed);
}

/// Under the mutex, which is let go meanwhile: settles what is over, up to `through` or as far as
/// it goes if that is NULL. Gives back the first that is not over; NULL if none is left to settle.
/// It never goes past `through`, not even while another thread is still at that: the caller may be
/// asking for the sake of what comes next, whose causes it has under lock.
std::shared_ptr<ClEvent> ClBacklog::settle(std::unique_lock<std::mutex> &lock,
                                           const ClEvent *through) {
    while (!open_.empty() && (through == nullptr || !through->taken)) {
        std::shared_ptr<ClEvent> oldest = open_.front();
        const cl_int status = execution_status(*oldest);
        if (status > CL_COMPLETE)
            return oldest;
        if (oldest->caused.load(std::memory_order_acquire)) {
            lock.unlock();
            ask_causes(*oldest);
            lock.lock();
            continue;
        }
        open_.pop_front();
        oldest->taken = true;
        open_count_.store(open_.size(), std::memory_order_relaxed);
        conclude(*oldest, status);
        // There may be hooks on what it held, and they may free what belongs to this queue.
        lock.unlock();
        oldest->holds.clear();
        oldest->settled.open();
        lock.lock();
        if (spare_.size() < spare_limit)
            spare_.push_back(std::move(oldest));
    }
    return nullptr;
}

base::Done ClBacklog::wait(const ClEvent &event, uint64_t timeout_ns) {
    const bool limited = timeout_ns != os::forever_ns;
    const uint64_t start = limited ? os::clock_ns() : 0;
    uint64_t left_ns = timeout_ns;
    // What is constant about an event is its command; how it is waited for is not.
    auto *next = const_cast<ClEvent *>(&event);
    for (std::shared_ptr<ClEvent> earlier; !event.settled.is_open(); next = earlier.get()) {
        if (limited && next != &event)
            left_ns = timeout_ns - std::min(timeout_ns, os::clock_ns() - start);
        // Nothing is left to settle, but another thread may still be about to let go.
        if (next == nullptr ? !event.settled.wait(left_ns) : !wait_until(*next, left_ns))
            return base::error(Status::Timeout, "the work is not done yet");
        std::unique_lock lock(mutex_);
        earlier = settle(lock, &event);
    }
    return outcome(event);
}

base::Done ClBacklog::wait_all(uint64_t timeout_ns) {
    const std::shared_ptr<ClEvent> latest = last();
    return latest == nullptr ? base::Done() : wait(*latest, timeout_ns);
}

std::shared_ptr<ClEvent> ClBacklog::last() {
    const std::lock_guard lock(mutex_);
    return last_;
}

bool ClBacklog::is_idle() {
    const std::shared_ptr<ClEvent> latest = last();
    return latest == nullptr || latest->settled.is_open() ||
           execution_status(*latest) <= CL_COMPLETE;
}

void ClBacklog::tidy() {
    if (open_count_.load(std::memory_order_relaxed) == 0)
        return;
    std::unique_lock lock(mutex_);
    settle(lock, nullptr);
}

uint64_t ClBacklog::elapsed_ns(const ClEvent &event) {
    return wait(event, 0) ? event.elapsed_ns : 0;
}

} // namespace hwa::launch
