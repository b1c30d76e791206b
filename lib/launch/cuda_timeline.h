// SPDX-License-Identifier: MIT
// CudaTimeline: the work of one stream in order, its events, and what they hold until it is over.
#pragma once

#include "base/ring.h"
#include "launch/cuda.h"

#include <atomic>
#include <optional>

namespace hwa::launch {

class CudaTimeline;

/// What a piece of work uses. The first few have their place in its event; there is room for more
/// in pieces of memory that are used again.
class CudaHolds {
  public:
    CudaHolds() = default;
    ~CudaHolds() { clear(); }
    CudaHolds(const CudaHolds &) = delete;
    CudaHolds &operator=(const CudaHolds &) = delete;

    template <class T>
    void add(const std::shared_ptr<T> &one, const std::shared_ptr<base::Blocks> &blocks) {
        if (count_ < few_.size())
            std::construct_at(&few_[count_++].one, one);
        else
            add_more(one, blocks);
    }
    void clear() {
        while (count_ > 0)
            std::destroy_at(&few_[--count_].one);
        more_.reset();
    }

  private:
    /// There from add() to clear() only, so that an event is made without them.
    union Place {
        Place() {}
        ~Place() {}
        std::shared_ptr<const void> one;
    };

    void add_more(std::shared_ptr<const void> one, const std::shared_ptr<base::Blocks> &blocks) {
        if (!more_)
            more_.emplace(base::BlockAllocator<std::shared_ptr<const void>>(blocks));
        more_->push_back(std::move(one));
    }

    using More =
        std::vector<std::shared_ptr<const void>, base::BlockAllocator<std::shared_ptr<const void>>>;

    std::array<Place, 6> few_;
    size_t count_ = 0;
    std::optional<More> more_;
};

/// How a gate was opened. Under the mutex of its timeline.
struct CudaVerdict {
    std::optional<base::Done> how; ///< once it is
};

/// One piece of work. Its mark, an event of the driver, is put behind it in the stream only where
/// the stream itself does not tell of it: before the next piece, if anybody may ask then.
struct CudaEvent final : Event {
    CudaEvent(CudaContextPtr owner, bool with_times)
        : context(std::move(owner)), timed(with_times) {}
    ~CudaEvent() override {
        context->events.give(start, true);
        context->events.give(mark, timed);
    }
    template <class T> void hold(const std::shared_ptr<T> &one) { holds.add(one, context->blocks); }

    CudaContextPtr context;
    CudaHolds holds;
    const bool timed;
    CUevent start = nullptr;
    std::atomic<CUevent> mark = nullptr; ///< NULL until it is in the stream
    std::atomic<bool> settled{false};
    std::optional<base::Error> failure; ///< this and the next are set before `settled`
    uint64_t elapsed_ns = 0;
    /// Behind a gate, and so not in the stream yet.
    std::atomic<bool> kept{false};
    std::shared_ptr<Event> other;     ///< what another stream has to do before,
    std::shared_ptr<CudaTimeline> of; ///< and which
};
using CudaEventPtr = std::shared_ptr<CudaEvent>;

/// Gives work to a stream when its time has come. What else than a code there is to say of it goes
/// to `said`.
using CudaLater = std::function<CUresult(CUstream stream, base::Done &said)>;

/// Any thread may wait, ask and tidy while one submits.
class CudaTimeline {
  public:
    CudaTimeline(CudaContextPtr context, CUstream stream, bool timed)
        : context_(std::move(context)), stream_(stream), timed_(timed) {}
    ~CudaTimeline();
    CudaTimeline(const CudaTimeline &) = delete;
    CudaTimeline &operator=(const CudaTimeline &) = delete;

    CUstream stream() const { return stream_; }
    const CudaContextPtr &context() const { return context_; }
    CudaEventPtr make() const;

    /// Puts one piece of work in: `enqueue` gives it to the stream, with the context current.
    /// Where earlier work has failed it is not called, and the event fails. `whole` says that an
    /// error leaves the stream as it was; else the queue has failed with it. Behind a gate what
    /// `keep` makes is called in its place, later and by whoever opens the gate.
    template <class Enqueue, class Keep>
    EventResult submit(CudaEventPtr event, const char *call, bool whole, Enqueue &&enqueue,
                       Keep &&keep) {
        const CudaCurrent current(*context_);
        bool due = false;
        {
            const std::lock_guard lock(mutex_);
            if (!kept_.empty()) {
                event->kept.store(true, std::memory_order_relaxed);
                kept_.push_back({event, nullptr, call, keep()});
                return EventResult(std::move(event));
            }
            HWA_CHECK(begin(*event));
            base::Done done;
            if (!failure_)
                done = check(call, enqueue(stream_), whole);
            if (!done && whole)
                return std::move(done.error());
            // A part of it may be under way, and uses what the event holds.
            if (!done)
                event->failure = done.error();
            due = end(event);
            if (!done)
                return std::move(done.error());
        }
        if (due)
            tidy();
        return EventResult(std::move(event));
    }
    /// The same for what can be called later as it is, and needs only what the event holds.
    template <class Enqueue>
    EventResult submit(CudaEventPtr event, const char *call, bool whole, Enqueue enqueue) {
        return submit(std::move(event), call, whole, enqueue, [&] {
            return CudaLater([enqueue](CUstream stream, base::Done &) { return enqueue(stream); });
        });
    }

    /// Keeps back what is put in from here on until it is known how something else went, which no
    /// stream can tell: what waits for work that failed does not run.
    std::shared_ptr<CudaVerdict> close_gate();
    void open_gate(CudaVerdict &gate, const base::Done &how);
    /// True while what is put in is kept back.
    bool is_gated();
    /// True if an event is in the stream, or over, and nothing is known to fail it.
    bool can_be_waited_for(const CudaEvent &event);
    /// What was put in last, if that is not settled; else NULL.
    CudaEventPtr last();

    /// Puts the mark of an event into the stream, if it is not there.
    base::Done mark(CudaEvent &event);
    /// Timeout, or how it went.
    base::Done wait(const Event &event, uint64_t timeout_ns);
    base::Done wait_all(uint64_t timeout_ns);
    /// Settles what has ended.
    void tidy();
    /// True if all work is over, and settled.
    bool idle();
    uint64_t elapsed_ns(const Event &event);

  private:
    /// Work behind a gate, or a gate.
    struct Kept {
        CudaEventPtr event;
        std::shared_ptr<CudaVerdict> gate; ///< NULL: it is work
        const char *call = nullptr;
        CudaLater later;
    };

    void put_kept(const Kept &one);
    void fail_next(CudaEvent &event, base::Error why);
    base::Done begin(CudaEvent &event);
    base::Done check(const char *call, CUresult code, bool whole);
    bool end(const CudaEventPtr &event);
    base::Done put_mark(const CudaEventPtr &event);
    void fail(base::Error why, bool dead);
    CUresult ask(const CudaEvent &event) const;
    CUresult look(const CudaEvent &event, uint64_t timeout_ns);
    void note(CUresult code);
    bool ended_before(const CudaEvent &event) const;
    void settle(const CudaEvent *last);
    bool settle_one(const CudaEvent *last);
    void conclude(CudaEvent &event, bool good);
    static base::Done hear_other(const CudaEvent &event);

    CudaContextPtr context_;
    CUstream stream_;
    bool timed_;
    std::mutex mutex_;
    base::Ring<CudaEventPtr> open_;   ///< not settled, oldest first
    base::Ring<CudaEventPtr> marked_; ///< those of them with a mark
    base::Ring<Kept> kept_;           ///< not in the stream yet; begins with a closed gate
    std::optional<base::Error> failure_;
    std::atomic<bool> dead_ = false; ///< with its context: what is open will never end
    bool fault_ = false;             ///< the failure is that of the context
    bool ahead_ = false;             ///< the failure is that of a piece which is not settled yet
    bool told_ = false;              ///< whether an event has got the failure itself
    bool settling_ = false;          ///< one thread at a time lets go of what events held
    uint32_t unmarked_ = 0;          ///< pieces since the last mark
};

} // namespace hwa::launch
