// SPDX-License-Identifier: MIT
// Events: their handles, and the ways to learn that they are over.
#include "capi/entry.h"
#include "capi/launch.h"

#include "os/bell.h"

namespace hwa::capi {

static base::Result<int32_t> descriptor_of(const hwa_event_t &event) {
    os::Descriptor theirs;
    HWA_TRY(std::shared_ptr<os::Bell> bell, os::Bell::make(theirs));
    event.queue->queue->notify(event.event,
                               [bell = std::move(bell)](const base::Done &) { bell->ring(); });
    return theirs.release();
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_event_wait(const hwa_event_t *event, uint64_t timeout_ns, hwa_error_t *error) {
    return guarded(error, [&]() -> base::Done {
        if (event == nullptr)
            return null_argument("event");
        HWA_CHECK(check_process(*event->queue));
        return event->queue->queue->wait(*event->event, timeout_ns);
    });
}

hwa_status_t hwa_event_fd(const hwa_event_t *event, int32_t *fd, hwa_error_t *error) {
    if (fd != nullptr)
        *fd = -1;
    return guarded(error, [&]() -> base::Done {
        if (event == nullptr)
            return null_argument("event");
        if (fd == nullptr)
            return null_argument("fd");
        HWA_CHECK(check_process(*event->queue));
        HWA_TRY(*fd, descriptor_of(*event));
        return {};
    });
}

uint64_t hwa_event_elapsed_ns(const hwa_event_t *event) {
    if (event == nullptr || forked(*event->queue))
        return 0;
    return event->queue->queue->elapsed_ns(*event->event);
}

void hwa_event_free(hwa_event_t *event) {
    if (event == nullptr || forked(*event->queue))
        return;
    const QueuePtr queue = std::move(event->queue);
    event->~hwa_event_t();
    queue->handles.give(event);
    queue->queue->tidy();
}
