// SPDX-License-Identifier: MIT
// What every runtime does alike.
#include "launch/runtime.h"

namespace hwa::launch {

static base::Error lacking(const char *what) {
    return base::error(base::Status::Unsupported, "this runtime has no %s", what);
}

base::Error after(const base::Error &first) {
    base::Error why = first;
    why.message = "earlier work of this queue failed: " + first.message;
    return why;
}

EventResult Queue::copy_from(Queue &, const std::shared_ptr<Memory> &, uint64_t,
                             const std::shared_ptr<Memory> &, uint64_t, uint64_t) {
    return lacking("way from device to device");
}

EventResult Queue::copy(const std::shared_ptr<Memory> &, uint64_t, const std::shared_ptr<Memory> &,
                        uint64_t, uint64_t) {
    return lacking("copies between buffers");
}

base::Result<void *> Queue::map(const std::shared_ptr<Memory> &) {
    return lacking("mapped buffers");
}

base::Done Queue::unmap(const std::shared_ptr<Memory> &) {
    return lacking("mapped buffers");
}

EventResult Queue::run_many(std::span<const Launch>) {
    return lacking("batches");
}

base::Result<std::shared_ptr<Program>> Queue::record(std::span<const Launch>) {
    return lacking("recordings");
}

base::Result<bool> Queue::wait_for(const std::shared_ptr<Event> &, Queue &) {
    return false;
}

base::Result<std::shared_ptr<Gate>> Queue::gate() {
    return lacking("gates");
}

void Queue::notify(const std::shared_ptr<Event> &, Notice notice) {
    notice(lacking("notices"));
}

} // namespace hwa::launch
