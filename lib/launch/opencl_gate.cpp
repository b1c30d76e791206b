// SPDX-License-Identifier: MIT
// OpenCL: waiting for other queues, in the driver where they share a context, and by user events
// where they do not. Document: OpenCL 3.0 API specification, section 5.11.
#include "launch/opencl_queue.h"

namespace hwa::launch {
namespace {

using base::Status;

base::Error because_of(const base::Error &why) {
    base::Error mine = why;
    mine.message = "the work that it waited for failed: " + why.message;
    return mine;
}

/// An event of a queue with the same context.
struct ClAwaited final : ClCause {
    std::shared_ptr<ClEvent> event;
    std::shared_ptr<ClBacklog> backlog;

    base::Done outcome() override {
        base::Done done = backlog->wait(*event, 0);
        if (done || done.error().status == Status::Timeout)
            return {};
        return because_of(done.error());
    }
};

/// A user event, and how its gate was opened.
struct ClSignal final : ClCause {
    ClSignal(ClContextPtr owner, cl_event user) : context(std::move(owner)), event(user) {}
    ~ClSignal() override { context->cl.clReleaseEvent(event); }

    base::Done outcome() override {
        const std::lock_guard lock(mutex);
        if (failure)
            return *failure;
        return {};
    }

    ClContextPtr context;
    cl_event event;
    std::mutex mutex;
    std::optional<base::Error> failure;
};

/// One that goes away unopened fails what waits for it, which would wait for ever.
class ClGate final : public Gate {
  public:
    using Set = decltype(api::OpenCl::clSetUserEventStatus);

    ClGate(std::shared_ptr<ClSignal> signal, Set set) : signal_(std::move(signal)), set_(set) {}
    ~ClGate() override {
        if (signal_ != nullptr)
            open(base::error(Status::Cancelled, "nobody is left to let it go on"));
    }

    void open(const base::Done &how) override {
        // What waits for it fails as well, on any queue of the context, and nothing may be put in
        // behind that meanwhile.
        std::unique_lock<std::mutex> door;
        if (!how) {
            door = std::unique_lock(signal_->context->door);
            const std::lock_guard lock(signal_->mutex);
            signal_->failure = because_of(how.error());
        }
        // Before that work can be over, for who waits for the next does so in the driver again.
        if (how)
            signal_->context->gates.fetch_sub(1, std::memory_order_relaxed);
        // A driver that answers only when the work is over never does once what it waits for has
        // failed (rusticl of Mesa 22.3). There the work runs, and is then said to have failed.
        const bool run = how || signal_->context->polls_block;
        set_(signal_->event, run ? CL_COMPLETE : CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST);
        if (door.owns_lock())
            door.unlock();
        signal_.reset();
    }

  private:
    std::shared_ptr<ClSignal> signal_;
    Set set_;
};

} // namespace

/// Puts an event into the wait list of the next command; as the queue is in order, that holds up
/// all that follow.
void ClQueue::wait_first(cl_event handle, std::shared_ptr<ClCause> cause) {
    waits_.push_back(handle);
    causes_.push_back(std::move(cause));
}

/// What the next command is to wait for may have failed by now, and then some drivers never let it
/// go (seen in pocl 3.1).
std::optional<base::Error> ClQueue::failed_cause() {
    for (const auto &cause : causes_)
        if (base::Done how = cause->outcome(); !how) {
            return std::move(how.error());
        }
    return {};
}

base::Result<bool> ClQueue::wait_for(const std::shared_ptr<Event> &event, Queue &of) {
    // Limits are part of a context: who has the same ones is one of ours and shares it.
    if (&of.limits() != &context_->limits)
        return false;
    auto cause = std::make_shared<ClAwaited>();
    cause->event = std::static_pointer_cast<ClEvent>(event);
    cause->backlog = static_cast<ClQueue &>(of).backlog_;
    const ClEvent &theirs = *cause->event;
    if (theirs.doom) {
        const base::Error why = because_of(*theirs.doom);
        doom(&why);
    } else if (!theirs.settled.is_open()) {
        wait_first(theirs.handle, std::move(cause));
    } else if (base::Done how = cause->outcome(); !how) {
        doom(&how.error());
    }
    return true;
}

base::Result<std::shared_ptr<Gate>> ClQueue::gate() {
    const api::OpenCl &cl = context_->cl;
    if (cl.clCreateUserEvent == nullptr || cl.clSetUserEventStatus == nullptr)
        return base::error(Status::Unsupported, "this OpenCL has no user events");
    cl_int code = CL_SUCCESS;
    cl_event event = cl.clCreateUserEvent(context_->handle, &code);
    HWA_CL("clCreateUserEvent", code);
    context_->gates.fetch_add(1, std::memory_order_relaxed);
    auto signal = std::make_shared<ClSignal>(context_, event);
    wait_first(event, signal);
    return std::shared_ptr<Gate>(
        std::make_shared<ClGate>(std::move(signal), cl.clSetUserEventStatus));
}

/// What a callback of the driver would have to do, settle what came before and run hooks, may wait
/// and ask the driver, and a callback may do neither: a thread of our own does it.
void ClQueue::notify(const std::shared_ptr<Event> &event, Notice notice) {
    if (static_cast<const ClEvent &>(*event).settled.is_open())
        notice(wait(*event, 0));
    else
        watcher_.watch(event, std::move(notice));
}

} // namespace hwa::launch
