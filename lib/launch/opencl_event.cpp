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

/// How long a wait with a deadline looks before it asks for a callback: more than an empty kernel
/// takes from end to end on common drivers.
constexpr uint64_t look_ns = 3 * os::spin_ns;

/// Positive while under way, 0 when done, negative when failed.
cl_int execution_status(const ClEvent &event) {
    cl_int status = CL_QUEUED;
    const cl_int code = event.context->cl.clGetEventInfo(
        event.handle, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof status, &status, nullptr);
    return code == CL_SUCCESS ? status : code;
}

void CL_CALLBACK on_end(cl_event, cl_int, void *user) {
    const std::unique_ptr<std::shared_ptr<os::Latch>> latch(
        static_cast<std::shared_ptr<os::Latch> *>(user));
    (*latch)->open();
}

/// The latch that the driver opens at the end of the command; NULL if it has no callbacks.
std::shared_ptr<os::Latch> latch_of(ClEvent &event) {
    const api::OpenCl &cl = event.context->cl;
    const std::lock_guard lock(event.mutex);
    if (event.ended != nullptr || cl.clSetEventCallback == nullptr)
        return event.ended;
    auto latch = std::make_shared<os::Latch>();
    auto owned = std::make_unique<std::shared_ptr<os::Latch>>(latch);
    if (cl.clSetEventCallback(event.handle, CL_COMPLETE, on_end, owned.get()) != CL_SUCCESS)
        return nullptr;
    owned.release();
    event.ended = std::move(latch);
    return event.ended;
}

/// True once the command has ended, well or not. OpenCL itself has no wait with a deadline.
bool wait_until(ClEvent &event, uint64_t timeout_ns) {
    if (timeout_ns == os::forever_ns) {
        event.context->cl.clWaitForEvents(1, &event.handle);
        return true;
    }
    const uint64_t start = os::clock_ns();
    std::shared_ptr<os::Latch> latch;
    for (;;) {
        if (execution_status(event) <= CL_COMPLETE)
            return true;
        const uint64_t passed = os::clock_ns() - start;
        if (passed >= timeout_ns)
            return false;
        if (passed < look_ns) {
            os::pause();
            continue;
        }
        if (latch == nullptr)
            latch = latch_of(event);
        if (latch == nullptr)
            os::Latch().wait(std::min(timeout_ns - passed, nap_ns));
        else if (latch->wait(timeout_ns - passed))
            return true;
    }
}

uint64_t profiled_ns(const ClEvent &event) {
    const auto at = [&](cl_profiling_info what) {
        cl_ulong time = 0;
        const cl_int code = event.context->cl.clGetEventProfilingInfo(event.handle, what,
                                                                      sizeof time, &time, nullptr);
        return code == CL_SUCCESS ? time : 0;
    };
    const cl_ulong start = at(CL_PROFILING_COMMAND_START);
    const cl_ulong end = at(CL_PROFILING_COMMAND_END);
    return end > start ? end - start : 1;
}

base::Done outcome(const ClEvent &event) {
    if (event.failure)
        return *event.failure;
    return {};
}

} // namespace

void ClBacklog::push(std::shared_ptr<ClEvent> event) {
    const std::lock_guard lock(mutex_);
    if (event->handle == nullptr) {
        // It was not given to the driver, because what came before it has failed.
        event->failure = after(*failure_);
        event->settled.store(true, std::memory_order_release);
        return;
    }
    last_ = event;
    open_.push_back(std::move(event));
}

/// Under the mutex. The oldest command has ended or is about to, for a later one has. What it held
/// is the caller's to drop, after the mutex: there may be hooks on it.
std::shared_ptr<ClEvent> ClBacklog::settle_front(Holds &held) {
    std::shared_ptr<ClEvent> event = std::move(open_.front());
    open_.pop_front();
    cl_int status = execution_status(*event);
    if (status > CL_COMPLETE) {
        event->context->cl.clWaitForEvents(1, &event->handle);
        status = execution_status(*event);
    }
    if (failure_)
        event->failure = after(*failure_);
    else if (status != CL_COMPLETE)
        failure_ = event->failure = opencl_failure("the command", status);
    else if (timed_)
        event->elapsed_ns = profiled_ns(*event);
    held.swap(event->holds);
    event->settled.store(true, std::memory_order_release);
    return event;
}

/// The queue is in order: when `event` has ended, so have all before it.
void ClBacklog::settle_through(const ClEvent &event) {
    for (;;) {
        Holds held;
        std::shared_ptr<ClEvent> oldest;
        const std::lock_guard lock(mutex_);
        if (event.settled.load(std::memory_order_acquire) || open_.empty())
            return;
        oldest = settle_front(held);
    }
}

base::Done ClBacklog::wait(const ClEvent &event, uint64_t timeout_ns) {
    if (event.settled.load(std::memory_order_acquire))
        return outcome(event);
    // What is constant about an event is its command; how it is waited for is not.
    auto &mine = const_cast<ClEvent &>(event);
    if (!wait_until(mine, timeout_ns))
        return base::error(Status::Timeout, "the work is not done yet");
    settle_through(event);
    return outcome(event);
}

base::Done ClBacklog::wait_all(uint64_t timeout_ns) {
    std::shared_ptr<ClEvent> last;
    {
        const std::lock_guard lock(mutex_);
        last = last_;
    }
    return last == nullptr ? base::Done() : wait(*last, timeout_ns);
}

bool ClBacklog::tidy() {
    for (;;) {
        Holds held;
        std::shared_ptr<ClEvent> oldest;
        const std::lock_guard lock(mutex_);
        if (open_.empty() || execution_status(*open_.front()) > CL_COMPLETE)
            return !failure_;
        oldest = settle_front(held);
    }
}

uint64_t ClBacklog::elapsed_ns(const ClEvent &event) {
    return wait(event, 0) ? event.elapsed_ns : 0;
}

} // namespace hwa::launch
