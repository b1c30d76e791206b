// SPDX-License-Identifier: MIT
// Copies between buffers: of one queue, of queues that share, of any two devices.
#include "capi/entry.h"
#include "capi/launch.h"

#include "launch/transfer.h"

namespace hwa::capi {

using base::Status;
using launch::Side;

static base::Done check_copy(const hwa_buffer_t &to, const Side &into, const hwa_buffer_t &from,
                             const Side &out_of, uint64_t size_bytes) {
    HWA_CHECK(check_range(to, "to", into.offset, size_bytes));
    HWA_CHECK(check_range(from, "from", out_of.offset, size_bytes));
    if (to.read_only)
        return base::error(Status::Invalid, "to is HWA_BUFFER_READ_ONLY");
    if (overlap({&to, into.offset, size_bytes}, {&from, out_of.offset, size_bytes}))
        return base::error(Status::Invalid, "the ranges overlap");
    return {};
}

/// A copy by the driver, with the queues ordered before and after it.
template <class Copy>
static launch::EventResult copy_ordered(const Side &to, const Side &from, Copy &&copy) {
    HWA_TRY(const std::shared_ptr<launch::Event> before, launch::mark(*from.queue, from.memory));
    HWA_CHECK(launch::order(*to.queue, before, *from.queue));
    HWA_TRY(std::shared_ptr<launch::Event> event, copy());
    HWA_CHECK(launch::order(*from.queue, event, *to.queue));
    return event;
}

static launch::EventResult copy(QueueState &to, const Side &into, QueueState &from,
                                const Side &out_of, uint64_t size_bytes) {
    const auto direct = [&] {
        return into.queue->copy(into.memory, into.offset, out_of.memory, out_of.offset, size_bytes);
    };
    const auto across = [&] {
        return into.queue->copy_from(*out_of.queue, into.memory, into.offset, out_of.memory,
                                     out_of.offset, size_bytes);
    };
    if (&to == &from)
        return direct();
    from.waits = true;
    if (to.family == from.family)
        return copy_ordered(into, out_of, direct);
    if (into.queue->runtime == out_of.queue->runtime) {
        auto copied = copy_ordered(into, out_of, across);
        if (copied || copied.error().status != Status::Unsupported)
            return copied;
    }
    return launch::carry(into, out_of, size_bytes);
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_buffer_copy(hwa_buffer_t *to, uint64_t to_offset, hwa_buffer_t *from,
                             uint64_t from_offset, uint64_t size_bytes, hwa_event_t **out_event,
                             hwa_error_t *error) {
    if (out_event != nullptr)
        *out_event = nullptr;
    return guarded(error, [&]() -> base::Done {
        if (to == nullptr)
            return null_argument("to");
        if (from == nullptr)
            return null_argument("from");
        HWA_CHECK(enter(*to->queue));
        HWA_CHECK(enter(*from->queue));
        const Side into{to->queue->queue.get(), to->memory, to_offset};
        const Side out_of{from->queue->queue.get(), from->memory, from_offset};
        HWA_CHECK(check_copy(*to, into, *from, out_of, size_bytes));
        EventSlot slot(to->queue, out_event);
        HWA_TRY(std::shared_ptr<launch::Event> event,
                copy(*to->queue, into, *from->queue, out_of, size_bytes));
        slot.fill(std::move(event));
        return {};
    });
}
