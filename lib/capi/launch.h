// SPDX-License-Identifier: MIT
// What stands behind the handles of queues, buffers, programs and events.
#pragma once

#include "capi/handles.h"
#include "capi/objects.h"
#include "launch/op.h"
#include "launch/runtime.h"
#include "os/fork.h"

#include <atomic>
#include <mutex>

namespace hwa::capi {

/// Whether a buffer is mapped; recordings that use it look at it as well.
using Mapped = std::shared_ptr<std::atomic<bool>>;

/// Memory that was freed while it was mapped, by whatever thread. The queue's own unmaps it.
struct Orphans {
    std::mutex mutex;
    std::vector<std::pair<std::shared_ptr<launch::Memory>, Mapped>> list;
    std::atomic<bool> any{false};
};

/// The arguments of the launches of one call while they are checked and handed on. The memory for
/// them is used again.
class ArgList {
  public:
    /// Places for that many, to be filled; those it gave before are gone.
    launch::Arg *make(size_t count) {
        if (count > places_.size())
            places_.resize(count);
        return places_.data();
    }
    /// What a huge call needed is not kept.
    void trim() {
        if (places_.size() > kept_limit)
            places_ = {};
    }

  private:
    static constexpr size_t kept_limit = 1 << 16;

    std::vector<launch::Arg> places_;
};

/// An open queue. Kept alive by its handle and by all that was made on it; nothing inside it points
/// back, so it closes with the last of them.
struct QueueState {
    std::shared_ptr<const SystemState> system;
    const hwa_device_t *device = nullptr;
    const core::Runtime *row = nullptr; ///< of the device
    std::shared_ptr<const void> family; ///< the same for queues that share
    uint64_t timeout_ns = 0;
    uint64_t stamp = 0; ///< of the process that opened it
    std::string driver;
    std::string build_log;
    Handles handles; ///< of events
    std::unique_ptr<launch::Queue> queue;
    Orphans orphans;
    const launch::Limits *limits = nullptr; ///< of `queue`
    launch::Limits ceilings;                ///< the same, the largest number where there is none
    ArgList args;
    std::vector<launch::Launch> batch; ///< of the call at hand; its memory is used again
    bool waits = false;                ///< was told to wait for something, and given no work since

    ~QueueState();
};
using QueuePtr = std::shared_ptr<QueueState>;

/// The caller's release hook: runs once, when the last owner is gone, and also where there is no
/// memory to keep it. It is made before anything that can fail, so that whoever handed it in can
/// count on it.
inline launch::Lease make_hook(hwa_release_fn release, void *user) {
    return release == nullptr ? nullptr : launch::Lease(user, release);
}

/// True in a child process: the driver's state was not forked with the memory.
bool forked(const QueueState &state);
base::Done check_process(const QueueState &state);

/// What every call does first that gives the queue something to do: the same check, and tidying.
base::Done enter_slowly(QueueState &state);
inline base::Done enter(QueueState &state) {
    if (state.stamp == os::process_stamp() && !state.orphans.any.load(std::memory_order_relaxed))
        return {};
    return enter_slowly(state);
}

/// Waits for all work so far and for all that it waits for, with the queue's own deadline. Should
/// this take a piece of work, it reads from `memory`.
base::Done settle(QueueState &state, const std::shared_ptr<launch::Memory> &memory);

/// Unsupported if `given` has a bit that `known` has not.
base::Done check_flags(const char *name, uint32_t given, uint32_t known);

/// Deletes a handle that holds a queue, and lets the queue drop what it has done with. In a forked
/// child the handle is left alone: whatever it holds is the parent's to release.
template <class Handle> void let_go(Handle *handle) noexcept {
    if (handle == nullptr || forked(*handle->queue))
        return;
    const QueuePtr queue = handle->queue;
    delete handle;
    queue->queue->tidy();
}

} // namespace hwa::capi

// Members are destroyed from the last up: the queue goes last.

struct hwa_queue_t {
    hwa::capi::QueuePtr queue;
};

struct hwa_buffer_t {
    hwa::capi::QueuePtr queue;
    std::shared_ptr<hwa::launch::Memory> memory;
    uint64_t size_bytes = 0;
    bool read_only = false;
    bool lent = false;          ///< its memory is somebody else's
    const void *host = nullptr; ///< and this is it, where it is the host's
    hwa::capi::Mapped mapped;   ///< NULL where it cannot be
};

struct hwa_program_t {
    hwa::capi::QueuePtr queue;
    std::string name;
    std::string provider;
    std::vector<hwa::launch::Binding> bindings;
    uint32_t variant = 0;
    std::string message; ///< why the variants before it were not taken
    bool is_recording = false;
    std::vector<hwa::capi::Mapped> mapped; ///< of the buffers of a recording
    bool is_op = false;
    hwa::launch::Shape shape;                     ///< of an operation
    std::shared_ptr<hwa::launch::Memory> scratch; ///< of an operation, after the caller's arguments
    uint64_t scratch_bytes = 0;
    std::vector<std::vector<std::byte>> values; ///< of an operation, after these
    std::shared_ptr<hwa::launch::Program> program;
};

struct hwa_event_t {
    hwa::capi::QueuePtr queue;
    std::shared_ptr<hwa::launch::Event> event;
};

namespace hwa::capi {

inline bool is_mapped(const hwa_buffer_t &buffer) {
    return buffer.mapped != nullptr && *buffer.mapped;
}

/// A part of a buffer.
struct Part {
    const hwa_buffer_t *buffer;
    uint64_t offset;
    uint64_t size_bytes;
};

/// Whether two parts have bytes in common: of one memory, or of the caller's, which may have been
/// lent more than once.
bool overlap(const Part &a, const Part &b);
/// Whether they begin at the same byte.
bool coincide(const Part &a, const Part &b);

/// Range for what does not lie in the buffer, Invalid if there is nothing of it or it is mapped.
base::Done check_range(const hwa_buffer_t &buffer, const char *name, uint64_t offset,
                       uint64_t size_bytes);

/// The handle of an event, made before the work is queued, so that the lack of memory for it cannot
/// leave work behind that nobody knows of.
class EventSlot {
  public:
    /// Makes none if `wanted` is NULL.
    EventSlot(const QueuePtr &queue, hwa_event_t **wanted) : queue_(queue), wanted_(wanted) {
        if (wanted != nullptr)
            block_ = queue->handles.take(sizeof(hwa_event_t));
    }
    ~EventSlot() {
        if (block_ != nullptr)
            queue_->handles.give(block_);
    }
    EventSlot(const EventSlot &) = delete;
    EventSlot &operator=(const EventSlot &) = delete;

    /// Hands it out, with its event, which is that of work that the queue has been given.
    void fill(std::shared_ptr<launch::Event> &&event) {
        queue_->waits = false;
        if (block_ != nullptr)
            *wanted_ = new (std::exchange(block_, nullptr)) hwa_event_t{queue_, std::move(event)};
    }

  private:
    const QueuePtr &queue_;
    hwa_event_t **wanted_;
    void *block_ = nullptr;
};

/// How many arguments a launch hands to its runtime: those of the caller, and what an operation
/// adds to them. The caller's list and their number are in order.
base::Result<size_t> count_args(const hwa_launch_item_t &item);

/// Checks one launch, and fills in its arguments, as many as count_args() said, and its shape.
base::Done check_launch(const QueueState &state, const hwa_launch_item_t &item, launch::Arg *args,
                        launch::Shape &shape);

/// What an operation is given must fit its bindings.
base::Done check_op(const hwa_program_t &program, std::span<const hwa_arg_t> given,
                    std::span<const launch::Arg> args);

} // namespace hwa::capi
