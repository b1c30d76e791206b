// SPDX-License-Identifier: MIT
// Order between queues, and copies from one to another that go through the host.
#pragma once

#include "launch/runtime.h"

namespace hwa::launch {

/// Where a copy begins or ends.
struct Side {
    Queue *queue;
    std::shared_ptr<Memory> memory;
    uint64_t offset;
};

/// Lets what `later` is given from here on wait for an event of `earlier`: in the driver if they
/// are of the same runtime and it can, else by a gate.
base::Done order(Queue &later, const std::shared_ptr<Event> &event, Queue &earlier);

/// An event that is over when all is that the queue was given so far, what it was told to wait for
/// included. It takes a piece of work to know that: one byte of the memory is read.
EventResult mark(Queue &queue, const std::shared_ptr<Memory> &memory);

/// A copy between queues that share nothing: in one piece where the host reaches one of the
/// memories, else piece by piece. It waits for what both queues have been given, both wait for it,
/// and the event is one of `to`.
EventResult carry(const Side &to, const Side &from, uint64_t size_bytes);

} // namespace hwa::launch
