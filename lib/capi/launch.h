// SPDX-License-Identifier: MIT
// What stands behind the handles of queues, buffers, programs and events.
#pragma once

#include "capi/objects.h"
#include "launch/op.h"
#include "launch/runtime.h"

namespace hwa::capi {

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
    std::unique_ptr<launch::Queue> queue;
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
};

struct hwa_program_t {
    hwa::capi::QueuePtr queue;
    std::string name;
    std::string provider;
    std::vector<hwa::launch::Binding> bindings;
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
