// SPDX-License-Identifier: MIT
// CUDA: marks in a stream, waiting for them with a deadline, and letting go of what work used.
#include "launch/cuda_timeline.h"

#include "os/host.h"
#include "os/latch.h"

#include <algorithm>

namespace hwa::launch {

using base::Status;

/// Longest pause between two looks: the driver has no wait with a deadline.
static constexpr uint64_t nap_ns = 200'000;

/// How long a wait looks before it sleeps: more than an empty kernel takes from end to end. It
/// gives way meanwhile, for the driver's own threads may need this processor.
static constexpr uint64_t look_ns = 3 * os::spin_ns;

/// Pieces between two marks that nobody asks for, so that what they hold is not held for long.
static constexpr uint32_t mark_every = 32;

CudaTimeline::~CudaTimeline() {
    const CudaCurrent current(*context_);
    context_->cuda.cuStreamDestroy_v2(stream_);
}

CudaEventPtr CudaTimeline::make() const {
    return std::allocate_shared<CudaEvent>(base::BlockAllocator<CudaEvent>(context_->blocks),
                                           context_, timed_);
}

/// Under the mutex. The last piece must get its mark before there is another behind it, if anybody
/// but this list could ask how it went.
base::Done CudaTimeline::begin(CudaEvent &event) {
    if (!open_.empty() && open_.back()->mark == nullptr && open_.back().use_count() > 1)
        HWA_CHECK(put_mark(open_.back()));
    if (!timed_ || failure_)
        return {};
    const CUresult made = context_->events.take(context_->cuda, true, event.start);
    if (made != CUDA_SUCCESS)
        return check("cuEventCreate", made, true);
    return check("cuEventRecord", context_->cuda.cuEventRecord(event.start, stream_), true);
}

/// Under the mutex. What ends the context ends the queue; other refusals are the caller's alone if
/// they leave the stream as it was.
base::Done CudaTimeline::check(const char *call, CUresult code, bool whole) {
    if (code == CUDA_SUCCESS)
        return {};
    base::Error why = cuda_failure(context_->cuda, call, code);
    if (cuda_final(code)) {
        fail(std::move(why), true);
        return {};
    }
    if (!whole) {
        fail(why, false);
        ahead_ = true;
    }
    return why;
}

/// Under the mutex; true if it is time to see what has ended.
bool CudaTimeline::end(const CudaEventPtr &event) {
    open_.push_back(event);
    unmarked_ = open_.size() == 1 ? 1 : unmarked_ + 1;
    if (!timed_ && !failure_ && unmarked_ < mark_every)
        return false;
    // Without a mark it is waited for by the next one.
    static_cast<void>(static_cast<bool>(put_mark(event)));
    return true;
}

/// Under the mutex, for the last piece in the stream.
base::Done CudaTimeline::put_mark(const CudaEventPtr &event) {
    if (dead_)
        return {};
    CUevent mark = nullptr;
    const CUresult made = context_->events.take(context_->cuda, event->timed, mark);
    if (made != CUDA_SUCCESS)
        return check("cuEventCreate", made, true);
    const CUresult code = context_->cuda.cuEventRecord(mark, stream_);
    if (code != CUDA_SUCCESS) {
        context_->events.give(mark, event->timed);
        return check("cuEventRecord", code, true);
    }
    unmarked_ = 0;
    event->mark.store(mark, std::memory_order_release);
    marked_.push_back(event);
    return {};
}

/// Under the mutex. The first in the order of the work counts, not the first that is heard of. A
/// device that was open and is not there any more is lost.
void CudaTimeline::fail(base::Error why, bool dead) {
    dead_ = dead_ || dead;
    if (failure_ && !ahead_)
        return;
    ahead_ = false;
    if (why.status == Status::Unavailable)
        why.status = Status::Lost;
    failure_ = std::move(why);
    fault_ = dead;
}

base::Done CudaTimeline::mark(CudaEvent &event) {
    const CudaCurrent current(*context_);
    const std::lock_guard lock(mutex_);
    // As long as somebody has its event, only the last piece can be without one; else another
    // thread is just settling it.
    if (event.mark != nullptr || open_.empty() || open_.back().get() != &event)
        return {};
    return put_mark(open_.back());
}

/// One look. Without a mark it is the last piece, and ends with its stream; else it is just being
/// settled.
CUresult CudaTimeline::ask(const CudaEvent &event) const {
    const api::Cuda &cuda = context_->cuda;
    // Whoever sees that it is not kept any more sees it in the stream.
    if (event.kept.load(std::memory_order_acquire))
        return CUDA_ERROR_NOT_READY;
    CUevent mark = event.mark.load(std::memory_order_acquire);
    if (mark == nullptr) {
        if (dead_)
            return CUDA_SUCCESS;
        const CUresult code = cuda.cuStreamQuery(stream_);
        mark = event.mark.load(std::memory_order_acquire);
        if (code != CUDA_ERROR_NOT_READY || mark == nullptr)
            return code;
    }
    return cuda.cuEventQuery(mark);
}

/// What the driver answers in the end: not ready, if the time is up first.
CUresult CudaTimeline::look(const CudaEvent &event, uint64_t timeout_ns) {
    CUresult code = ask(event);
    if (code != CUDA_ERROR_NOT_READY || timeout_ns == 0)
        return code;
    const uint64_t start = os::clock_ns();
    os::Spin spin(look_ns);
    for (; code == CUDA_ERROR_NOT_READY; code = ask(event)) {
        const uint64_t passed = os::clock_ns() - start;
        if (passed >= timeout_ns || event.settled.load(std::memory_order_acquire))
            return code;
        if (spin.again())
            continue;
        // What is constant about an event is its work; how far that is known is not.
        if (timeout_ns == os::forever_ns && mark(const_cast<CudaEvent &>(event)))
            if (CUevent const put = event.mark.load(std::memory_order_acquire); put != nullptr)
                return context_->cuda.cuEventSynchronize(put);
        os::Latch().wait(std::min(timeout_ns - passed, nap_ns));
    }
    return code;
}

/// Any other answer tells of the end of the whole context.
void CudaTimeline::note(CUresult code) {
    if (code == CUDA_SUCCESS || code == CUDA_ERROR_NOT_READY)
        return;
    const std::lock_guard lock(mutex_);
    fail(cuda_failure(context_->cuda, "the work", code), true);
}

static base::Done outcome(const CudaEvent &event) {
    if (event.failure)
        return *event.failure;
    return {};
}

base::Done CudaTimeline::wait(const Event &of, uint64_t timeout_ns) {
    const auto &event = static_cast<const CudaEvent &>(of);
    if (event.settled.load(std::memory_order_acquire))
        return outcome(event);
    const CudaCurrent current(*context_);
    const CUresult code = look(event, timeout_ns);
    if (code == CUDA_ERROR_NOT_READY && !event.settled.load(std::memory_order_acquire))
        return base::error(Status::Timeout, "the work is not done yet");
    note(code);
    settle(&event);
    return outcome(event);
}

base::Done CudaTimeline::wait_all(uint64_t timeout_ns) {
    const CudaEventPtr newest = last();
    if (newest != nullptr)
        return wait(*newest, timeout_ns);
    {
        const std::lock_guard lock(mutex_);
        if (failure_)
            return *failure_;
    }
    settle(nullptr);
    return {};
}

CudaEventPtr CudaTimeline::last() {
    const std::lock_guard lock(mutex_);
    if (!kept_.empty())
        return kept_.back().event;
    return open_.empty() ? nullptr : open_.back();
}

void CudaTimeline::tidy() {
    for (;;) {
        CudaEventPtr first;
        {
            const std::lock_guard lock(mutex_);
            if (settling_ || open_.empty())
                return;
            if (dead_)
                first = open_.back();
            else if (!marked_.empty())
                first = marked_.front();
        }
        if (first == nullptr)
            return;
        const CudaCurrent current(*context_);
        const CUresult code = look(*first, 0);
        if (code == CUDA_ERROR_NOT_READY)
            return;
        note(code);
        settle(first.get());
    }
}

bool CudaTimeline::idle() {
    const CudaEventPtr newest = last();
    if (newest == nullptr)
        return true;
    // How it went does not matter here.
    static_cast<void>(static_cast<bool>(wait(*newest, 0)));
    return newest->settled.load(std::memory_order_acquire);
}

uint64_t CudaTimeline::elapsed_ns(const Event &event) {
    return wait(event, 0) ? static_cast<const CudaEvent &>(event).elapsed_ns : 0;
}

// ---- Gates ----

static base::Error waited_for(const base::Error &first) {
    base::Error why = first;
    why.message = "what the queue was told to wait for failed: " + first.message;
    return why;
}

/// The gate is a piece of work of its own, so that it can fail in its turn.
std::shared_ptr<CudaVerdict> CudaTimeline::close_gate() {
    auto gate = std::make_shared<CudaVerdict>();
    CudaEventPtr event = make();
    event->kept.store(true, std::memory_order_relaxed);
    const std::lock_guard lock(mutex_);
    kept_.push_back({std::move(event), gate, nullptr, {}});
    return gate;
}

void CudaTimeline::open_gate(CudaVerdict &gate, const base::Done &how) {
    const CudaCurrent current(*context_);
    const std::lock_guard lock(mutex_);
    gate.how = how;
    while (!kept_.empty() && (kept_.front().gate == nullptr || kept_.front().gate->how))
        put_kept(kept_.pop_front());
}

/// Under the mutex. Whoever put it in has its event already, so every failure is that of the event
/// and of the queue.
void CudaTimeline::put_kept(const Kept &one) {
    CudaEvent &event = *one.event;
    if (base::Done begun = begin(event); !begun && !failure_)
        fail_next(event, begun.error());
    if (one.gate != nullptr && !*one.gate->how && !failure_)
        fail_next(event, waited_for(one.gate->how->error()));
    if (one.later != nullptr && !failure_) {
        base::Done said;
        const CUresult code = one.later(stream_, said);
        base::Done done = said ? check(one.call, code, true) : std::move(said);
        if (!done)
            fail_next(event, done.error());
    }
    end(one.event);
    event.kept.store(false, std::memory_order_release);
}

/// Under the mutex: the piece that is put in next fails the queue, and what came before does not.
void CudaTimeline::fail_next(CudaEvent &event, base::Error why) {
    fail(why, false);
    event.failure = std::move(why);
    ahead_ = true;
}

bool CudaTimeline::is_gated() {
    const std::lock_guard lock(mutex_);
    return !kept_.empty();
}

bool CudaTimeline::can_be_waited_for(const CudaEvent &event) {
    const std::lock_guard lock(mutex_);
    return !event.kept.load(std::memory_order_relaxed) && !failure_;
}

// ---- Settling ----

/// Settles all up to `last`, which is over; NULL waits until nobody else is at it. In order, so
/// when one is settled, so are those before it, and what they held is let go of.
void CudaTimeline::settle(const CudaEvent *last) {
    while (settle_one(last)) {
    }
}

/// Whether work was over before the fault of its context, as far as the driver still tells.
bool CudaTimeline::ended_before(const CudaEvent &event) const {
    CUevent const mark = event.mark.load(std::memory_order_acquire);
    return mark != nullptr && context_->cuda.cuEventQuery(mark) == CUDA_SUCCESS;
}

/// False when there is nothing left to do.
bool CudaTimeline::settle_one(const CudaEvent *last) {
    CudaEventPtr oldest;
    bool sound = false;
    bool unknown = false;
    {
        const std::lock_guard lock(mutex_);
        unknown = fault_ && !told_;
        if (last != nullptr && last->settled.load(std::memory_order_acquire))
            return false;
        if (!settling_ && (last == nullptr || open_.empty()))
            return false;
        if (!settling_) {
            settling_ = true;
            oldest = open_.pop_front();
            ahead_ = ahead_ && !oldest->failure;
            sound = !failure_ || ahead_;
            if (!marked_.empty() && marked_.front() == oldest)
                marked_.pop_front();
        }
    }
    if (oldest == nullptr) {
        os::Latch().wait(os::spin_ns);
        return true;
    }
    const bool ended = sound || (unknown && ended_before(*oldest));
    const base::Done heard = ended ? hear_other(*oldest) : base::Done();
    {
        const std::lock_guard lock(mutex_);
        if (!heard)
            fail(waited_for(heard.error()), false);
        conclude(*oldest, ended && heard);
    }
    // The caller's hooks may be on these, so without the mutex, and before anybody is told.
    oldest->holds.clear();
    oldest->of.reset();
    oldest->other.reset();
    const std::lock_guard lock(mutex_);
    oldest->settled.store(true, std::memory_order_release);
    settling_ = false;
    return true;
}

/// What this stream was told to wait for has ended before; how it went is for its queue to say.
base::Done CudaTimeline::hear_other(const CudaEvent &event) {
    if (event.of != nullptr)
        return event.of->wait(*event.other, os::forever_ns);
    return {};
}

/// Under the mutex.
void CudaTimeline::conclude(CudaEvent &event, bool good) {
    if (failure_ && !good) {
        event.failure = told_ ? after(*failure_) : *failure_;
        told_ = true;
        return;
    }
    float milliseconds = 0;
    if (event.timed && event.start != nullptr &&
        context_->cuda.cuEventElapsedTime(&milliseconds, event.start, event.mark) == CUDA_SUCCESS)
        event.elapsed_ns = std::max<uint64_t>(static_cast<uint64_t>(double{milliseconds} * 1e6), 1);
}

} // namespace hwa::launch
