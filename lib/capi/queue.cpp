// SPDX-License-Identifier: MIT
// Queues: which runtime opens a device, and what an open queue tells of itself.
#include "capi/entry.h"
#include "capi/launch.h"

#include "base/text.h"
#include "launch/cache.h"
#include "launch/transfer.h"
#include "os/fork.h"

#include <algorithm>

namespace hwa::capi {

using base::Status;

static constexpr uint64_t default_timeout_ns = 60'000'000'000;
static constexpr uint32_t known_flags = HWA_QUEUE_TIMED | HWA_QUEUE_COMPILER;

bool forked(const QueueState &state) {
    return state.stamp != os::process_stamp();
}

base::Done check_process(const QueueState &state) {
    if (forked(state))
        return base::error(Status::Forked,
                           "the queue was opened before this process was forked; open one here");
    return {};
}

/// Memory that was freed while it was mapped is the queue's to unmap; what comes of that nobody is
/// left to hear.
static void unmap_orphans(QueueState &state) {
    decltype(state.orphans.list) list;
    {
        const std::lock_guard lock(state.orphans.mutex);
        list.swap(state.orphans.list);
        state.orphans.any.store(false, std::memory_order_relaxed);
    }
    for (const auto &[memory, mapped] : list) {
        (void)state.queue->unmap(memory);
        *mapped = false;
    }
}

QueueState::~QueueState() {
    if (queue != nullptr)
        unmap_orphans(*this);
}

base::Done enter_slowly(QueueState &state) {
    HWA_CHECK(check_process(state));
    unmap_orphans(state);
    return {};
}

base::Done settle(QueueState &state, const std::shared_ptr<launch::Memory> &memory) {
    if (state.waits) {
        HWA_CHECK(launch::mark(*state.queue, memory));
        state.waits = false;
    }
    return state.queue->finish(state.timeout_ns);
}

base::Done check_flags(const char *name, uint32_t given, uint32_t known) {
    if ((given & ~known) != 0)
        return base::error(Status::Unsupported, "%s: this version does not know the bits 0x%x",
                           name, given & ~known);
    return {};
}

static base::Done check_device(const hwa_device_t &device) {
    const core::Device &facts = *device.facts;
    if ((device.system->system.flags & core::SystemLive) == 0)
        return base::error(Status::Unavailable,
                           "%s is not a device of this machine: its system was read from a file",
                           facts.id.c_str());
    if ((facts.flags & core::DeviceUsable) == 0)
        return base::error(facts.access == Status::Ok ? Status::Denied : facts.access,
                           "%s cannot be opened: %s", facts.id.c_str(),
                           facts.access_message.empty() ? "this process has no access to it"
                                                        : facts.access_message.c_str());
    return {};
}

static std::string runtime_names(const core::Device &device) {
    std::string names;
    for (const core::Runtime &row : device.runtimes)
        names += (names.empty() ? "" : ", ") + row.name;
    return names;
}

/// The runtime of that name, or the first that works; else the first, for its reason.
static base::Result<const core::Runtime *> choose_runtime(const core::Device &device,
                                                          const char *name) {
    const core::Runtime *chosen = nullptr;
    for (const core::Runtime &row : device.runtimes) {
        const bool fits = name == nullptr ? row.status == Status::Ok : row.name == name;
        if (fits && chosen == nullptr)
            chosen = &row;
    }
    if (device.runtimes.empty())
        return base::error(Status::Unsupported, "no runtime of this version drives %s",
                           device.id.c_str());
    if (chosen == nullptr && name != nullptr)
        return base::error(Status::NotFound, "%s has no runtime \"%s\"; it has: %s",
                           device.id.c_str(), base::sanitise(name, 64).c_str(),
                           runtime_names(device).c_str());
    if (chosen == nullptr)
        chosen = &device.runtimes[0];
    if (chosen->status != Status::Ok)
        return base::error(chosen->status, "%s cannot run on %s: %s", chosen->name.c_str(),
                           device.id.c_str(), chosen->message.c_str());
    return chosen;
}

static base::Done check_share(const hwa_queue_options_t &options, const hwa_device_t &device,
                              const core::Runtime &row) {
    if (options.share == nullptr)
        return {};
    HWA_CHECK(check_process(*options.share->queue));
    if (options.share->queue->device != &device)
        return base::error(Status::Invalid, "options.share is a queue of another device");
    if (options.share->queue->row != &row)
        return base::error(Status::Invalid, "options.share is a queue of another runtime");
    return {};
}

/// A folder that the caller named must do; the user's own is a convenience.
static base::Result<std::shared_ptr<launch::Cache>> open_cache(const char *named) {
    const std::string folder = named == nullptr ? launch::default_cache_folder() : named;
    if (folder.empty())
        return std::shared_ptr<launch::Cache>();
    auto opened = launch::Cache::open(folder);
    if (!opened && named == nullptr)
        return std::shared_ptr<launch::Cache>();
    // Who opens a queue is told by this status that there is no such runtime.
    if (!opened && opened.error().status == Status::NotFound)
        opened.error().status = Status::Io;
    return opened;
}

/// So that a check of each launch need not ask whether there is a limit.
static launch::Limits ceilings_of(launch::Limits limits) {
    for (uint32_t *limit : {&limits.threads_per_group, &limits.group[0], &limits.group[1],
                            &limits.group[2], &limits.grid[0], &limits.grid[1], &limits.grid[2],
                            &limits.shared_bytes, &limits.value_bytes, &limits.buffers})
        if (*limit == 0)
            *limit = UINT32_MAX;
    limits.offset_alignment = std::max(limits.offset_alignment, 1u);
    return limits;
}

static base::Result<QueuePtr> open_queue(const hwa_device_t &device,
                                         const hwa_queue_options_t &options) {
    HWA_CHECK(check_flags("options.flags", options.flags, known_flags));
    HWA_CHECK(check_device(device));
    HWA_TRY(const core::Runtime *const row, choose_runtime(*device.facts, options.runtime));
    HWA_CHECK(check_share(options, device, *row));
    const launch::Runtime *runtime = launch::find_runtime(row->name);
    if (runtime == nullptr)
        return base::error(Status::Unsupported,
                           "the runtime %s was left out when this library was built",
                           row->name.c_str());
    auto state = std::make_shared<QueueState>();
    state->system = device.system->shared_from_this();
    state->device = &device;
    state->row = row;
    state->timeout_ns = options.timeout_ns == 0 ? default_timeout_ns : options.timeout_ns;
    state->stamp = os::process_stamp();
    launch::OpenRequest request;
    request.device = device.facts;
    request.runtime = row;
    request.timed = (options.flags & HWA_QUEUE_TIMED) != 0;
    request.compiler = (options.flags & HWA_QUEUE_COMPILER) != 0;
    request.library_path = state->system->library_path;
    HWA_TRY(request.cache, open_cache(options.cache_dir));
    request.timeout_ns = state->timeout_ns;
    if (options.share != nullptr) {
        request.share = options.share->queue->queue.get();
        state->family = options.share->queue->family;
    } else {
        state->family = std::make_shared<char>();
    }
    auto opened = runtime->open(request);
    if (!opened) {
        opened.error().backend = row->name;
        return std::move(opened.error());
    }
    state->queue = std::move(*opened);
    state->queue->runtime = runtime;
    state->driver = state->queue->driver();
    state->limits = &state->queue->limits();
    state->ceilings = ceilings_of(*state->limits);
    return state;
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_queue_open(const hwa_device_t *device, const hwa_queue_options_t *options,
                            hwa_queue_t **out_queue, hwa_error_t *error) {
    return hand_out(out_queue, error, [&]() -> base::Result<std::unique_ptr<hwa_queue_t>> {
        if (device == nullptr)
            return null_argument("device");
        HWA_TRY(const hwa_queue_options_t given, take_in(options, "options"));
        HWA_TRY(QueuePtr state, open_queue(*device, given));
        return std::make_unique<hwa_queue_t>(hwa_queue_t{std::move(state)});
    });
}

hwa_status_t hwa_queue_info(const hwa_queue_t *queue, hwa_queue_info_t *info) {
    if (queue == nullptr)
        return HWA_ERROR_INVALID;
    const QueueState &state = *queue->queue;
    if (forked(state))
        return HWA_ERROR_FORKED;
    const launch::Limits &limits = *state.limits;
    hwa_queue_info_t full = HWA_INIT(hwa_queue_info_t);
    full.threads_per_group = limits.threads_per_group;
    for (size_t i = 0; i < 3; ++i) {
        full.group_limit[i] = limits.group[i];
        full.grid_limit[i] = limits.grid[i];
    }
    full.subgroup_size = limits.subgroup_size;
    full.shared_bytes = limits.shared_bytes;
    full.value_bytes = limits.value_bytes;
    full.buffers = limits.buffers;
    full.offset_alignment = limits.offset_alignment;
    full.timer_ns = limits.timer_ns;
    full.buffer_bytes = limits.buffer_bytes;
    full.device = state.device;
    full.runtime = state.row->name.c_str();
    full.driver = or_null(state.driver);
    return fill_out(info, full);
}

const char *hwa_queue_build_log(const hwa_queue_t *queue) {
    return queue == nullptr ? nullptr : or_null(queue->queue->build_log);
}

hwa_status_t hwa_queue_finish(hwa_queue_t *queue, uint64_t timeout_ns, hwa_error_t *error) {
    return guarded(error, [&]() -> base::Done {
        if (queue == nullptr)
            return null_argument("queue");
        HWA_CHECK(enter(*queue->queue));
        return queue->queue->queue->finish(timeout_ns);
    });
}

hwa_status_t hwa_queue_wait(hwa_queue_t *queue, const hwa_event_t *event, hwa_error_t *error) {
    return guarded(error, [&]() -> base::Done {
        if (queue == nullptr)
            return null_argument("queue");
        if (event == nullptr)
            return null_argument("event");
        QueueState &later = *queue->queue;
        const QueueState &earlier = *event->queue;
        HWA_CHECK(enter(later));
        HWA_CHECK(check_process(earlier));
        if (&later == &earlier)
            return {};
        later.waits = true;
        return launch::order(*later.queue, event->event, *earlier.queue);
    });
}

void *hwa_queue_native(const hwa_queue_t *queue) {
    return queue == nullptr || forked(*queue->queue) ? nullptr : queue->queue->queue->native();
}

void hwa_queue_free(hwa_queue_t *queue) {
    let_go(queue);
}
