// SPDX-License-Identifier: MIT
// Order between queues by gates; copies through the host by two pieces that take turns.
#include "launch/transfer.h"

#include <algorithm>
#include <array>
#include <new>

namespace hwa::launch {
namespace {

using base::Done;
using base::Status;

using EventPtr = std::shared_ptr<Event>;
using MemoryPtr = std::shared_ptr<Memory>;

/// Large enough that a copy of one piece hides what it costs to queue it.
constexpr uint64_t piece_bytes = uint64_t{8} << 20;

bool is_over(Queue &queue, const Event &event) {
    const Done how = queue.wait(event, 0);
    return how || how.error().status != Status::Timeout;
}

/// Keeps something until an event is over; for good where there is no thread or no memory to tell
/// of that, for then the driver may still be using it.
template <class T> void hold(Queue &queue, const EventPtr &event, T held) noexcept {
    if (event == nullptr)
        return;
    try {
        const auto box = std::make_shared<T>(held);
        queue.notify(event, [box](const Done &) {});
        if (box.use_count() > 1 || is_over(queue, *event))
            return;
    } catch (const std::bad_alloc &) {
    }
    alignas(T) std::byte place[sizeof(T)];
    new (place) T(std::move(held)); // which nobody destroys
}

std::byte *at(void *start, uint64_t offset) {
    return static_cast<std::byte *>(start) + offset;
}

/// Host memory that one queue reads into and the other writes from. It is memory of the second
/// where the host can use such, so that the driver need not copy it once more.
struct Stage {
    MemoryPtr memory;
    std::unique_ptr<std::byte[]> own;
    void *data = nullptr;
};

Done make_stage(Stage &stage, Queue &to, uint64_t size_bytes) {
    auto visible = to.allocate({.size_bytes = size_bytes, .host_visible = true});
    if (visible && (*visible)->host() != nullptr) {
        stage.memory = std::move(*visible);
        stage.data = stage.memory->host();
        return {};
    }
    stage.own.reset(new (std::nothrow) std::byte[size_bytes]);
    if (stage.own == nullptr)
        return base::error(Status::HostMemory, "no memory for a copy through the host");
    stage.data = stage.own.get();
    return {};
}

/// A copy in pieces: while one is written, the next is read into the other stage.
class Relay {
  public:
    Relay(const Side &to, const Side &from) : to_(to), from_(from) {}

    /// Both queues are in order, so their newest events are over last.
    ~Relay() {
        hold(*from_.queue, read_, stages_);
        hold(*to_.queue, written_[0], stages_);
        hold(*to_.queue, written_[1], stages_);
    }

    EventResult run(uint64_t size_bytes) {
        const uint64_t piece = std::min(size_bytes, piece_bytes);
        const size_t wanted = size_bytes > piece ? 2 : 1;
        for (size_t i = 0; i < wanted; ++i)
            HWA_CHECK(make_stage((*stages_)[i], *to_.queue, piece));
        EventPtr last;
        for (uint64_t done = 0; done < size_bytes; done += piece) {
            HWA_TRY(last, pass(done, std::min(piece, size_bytes - done)));
            turn_ ^= 1;
        }
        HWA_CHECK(order(*from_.queue, last, *to_.queue));
        return last;
    }

  private:
    EventResult pass(uint64_t done, uint64_t size_bytes) {
        const Stage &stage = (*stages_)[turn_];
        if (written_[turn_] != nullptr)
            HWA_CHECK(order(*from_.queue, written_[turn_], *to_.queue));
        HWA_TRY(read_,
                from_.queue->read(from_.memory, from_.offset + done, stage.data, size_bytes));
        HWA_CHECK(order(*to_.queue, read_, *from_.queue));
        const uint64_t into = to_.offset + done;
        HWA_TRY(written_[turn_],
                stage.memory != nullptr
                    ? to_.queue->copy(to_.memory, into, stage.memory, 0, size_bytes)
                    : to_.queue->write(to_.memory, into, stage.data, size_bytes));
        return written_[turn_];
    }

    const Side &to_;
    const Side &from_;
    size_t turn_ = 0;
    std::shared_ptr<std::array<Stage, 2>> stages_ = std::make_shared<std::array<Stage, 2>>();
    EventPtr read_;
    std::array<EventPtr, 2> written_;
};

/// The host reaches what is to be copied: one write.
EventResult write_from(const Side &to, const Side &from, uint64_t size_bytes) {
    HWA_TRY(const EventPtr before, mark(*from.queue, from.memory));
    HWA_CHECK(order(*to.queue, before, *from.queue));
    HWA_TRY(EventPtr event, to.queue->write(to.memory, to.offset,
                                            at(from.memory->host(), from.offset), size_bytes));
    hold(*to.queue, event, from.memory);
    HWA_CHECK(order(*from.queue, event, *to.queue));
    return event;
}

/// The host reaches where it is to go: one read, which the other queue lets in and waits for.
EventResult read_into(const Side &to, const Side &from, uint64_t size_bytes) {
    HWA_TRY(const EventPtr ready, mark(*to.queue, to.memory));
    HWA_CHECK(order(*from.queue, ready, *to.queue));
    HWA_TRY(const EventPtr event, from.queue->read(from.memory, from.offset,
                                                   at(to.memory->host(), to.offset), size_bytes));
    hold(*from.queue, event, to.memory);
    HWA_CHECK(order(*to.queue, event, *from.queue));
    return mark(*to.queue, to.memory);
}

} // namespace

Done order(Queue &later, const EventPtr &event, Queue &earlier) {
    auto how = earlier.wait(*event, 0);
    if (how)
        return {};
    if (how.error().status != Status::Timeout) {
        HWA_TRY(const std::shared_ptr<Gate> gate, later.gate());
        gate->open(how);
        return {};
    }
    if (later.runtime == earlier.runtime) {
        HWA_TRY(const bool ordered, later.wait_for(event, earlier));
        if (ordered)
            return {};
    }
    HWA_TRY(std::shared_ptr<Gate> gate, later.gate());
    earlier.notify(event, [gate = std::move(gate)](const Done &end) { gate->open(end); });
    return {};
}

EventResult mark(Queue &queue, const MemoryPtr &memory) {
    auto sink = std::make_shared<char>();
    HWA_TRY(EventPtr event, queue.read(memory, 0, sink.get(), sizeof *sink));
    hold(queue, event, std::move(sink));
    return event;
}

EventResult carry(const Side &to, const Side &from, uint64_t size_bytes) {
    if (from.memory->host() != nullptr)
        return write_from(to, from, size_bytes);
    if (to.memory->host() != nullptr)
        return read_into(to, from, size_bytes);
    return Relay(to, from).run(size_bytes);
}

} // namespace hwa::launch
