// SPDX-License-Identifier: MIT
// Buffers: memory made or borrowed, and copies in and out.
#include "capi/entry.h"
#include "capi/launch.h"

namespace hwa::capi {

using base::Status;

static constexpr uint32_t known_flags = HWA_BUFFER_HOST_VISIBLE | HWA_BUFFER_READ_ONLY;

static base::Done check_desc(const hwa_buffer_desc_t &desc, const launch::Limits &limits) {
    HWA_CHECK(check_flags("desc.flags", desc.flags, known_flags));
    const auto size = static_cast<unsigned long long>(desc.size_bytes);
    if (desc.size_bytes == 0)
        return base::error(Status::Invalid, "desc.size_bytes is 0");
    if (desc.host != nullptr && desc.native != 0)
        return base::error(Status::Invalid, "desc.host and desc.native are both set");
    if (limits.buffer_bytes != 0 && desc.size_bytes > limits.buffer_bytes)
        return base::error(Status::Unsupported,
                           "a buffer of %llu bytes is larger than this device's limit of %llu",
                           size, static_cast<unsigned long long>(limits.buffer_bytes));
    if (desc.size_bytes > PTRDIFF_MAX)
        return base::error(Status::HostMemory, "no memory has %llu bytes", size);
    if (desc.size_bytes > UINTPTR_MAX - reinterpret_cast<uintptr_t>(desc.host))
        return base::error(Status::Invalid, "desc.host with %llu bytes wraps around", size);
    return {};
}

static base::Result<std::unique_ptr<hwa_buffer_t>>
create(const QueuePtr &state, const hwa_buffer_desc_t &desc, launch::Lease hook) {
    HWA_CHECK(enter(*state));
    HWA_CHECK(check_desc(desc, state->queue->limits()));
    launch::MemoryRequest request;
    request.size_bytes = desc.size_bytes;
    request.host_visible = (desc.flags & HWA_BUFFER_HOST_VISIBLE) != 0;
    request.read_only = (desc.flags & HWA_BUFFER_READ_ONLY) != 0;
    request.host = desc.host;
    request.native = desc.native;
    request.lease = std::move(hook);
    auto made = std::make_unique<hwa_buffer_t>();
    made->queue = state;
    made->size_bytes = desc.size_bytes;
    made->read_only = request.read_only;
    if (request.host_visible)
        made->mapped = std::make_shared<std::atomic<bool>>(false);
    made->lent = desc.host != nullptr || desc.native != 0;
    made->host = desc.host;
    HWA_TRY(made->memory,
            made->lent ? state->queue->wrap(request) : state->queue->allocate(request));
    return made;
}

static bool same_space(const hwa_buffer_t &a, const hwa_buffer_t &b) {
    return a.memory == b.memory || (a.host != nullptr && b.host != nullptr);
}

/// Comparable between parts of one space.
static uint64_t start_of(const Part &part) {
    return reinterpret_cast<uintptr_t>(part.buffer->host) + part.offset;
}

bool overlap(const Part &a, const Part &b) {
    return same_space(*a.buffer, *b.buffer) && start_of(a) < start_of(b) + b.size_bytes &&
           start_of(b) < start_of(a) + a.size_bytes;
}

bool coincide(const Part &a, const Part &b) {
    return same_space(*a.buffer, *b.buffer) && start_of(a) == start_of(b);
}

base::Done check_range(const hwa_buffer_t &buffer, const char *name, uint64_t offset,
                       uint64_t size_bytes) {
    if (size_bytes == 0)
        return base::error(Status::Invalid, "size_bytes is 0");
    if (offset > buffer.size_bytes || size_bytes > buffer.size_bytes - offset)
        return base::error(Status::Range, "%s: %llu bytes from byte %llu on are not in %llu bytes",
                           name, static_cast<unsigned long long>(size_bytes),
                           static_cast<unsigned long long>(offset),
                           static_cast<unsigned long long>(buffer.size_bytes));
    if (is_mapped(buffer))
        return base::error(Status::Invalid, "%s is mapped; unmap it first", name);
    return {};
}

/// Between a buffer and the caller's memory; `Data` is const where it goes into the buffer.
template <class Data> struct Transfer {
    const hwa_buffer_t *buffer;
    uint64_t offset;
    Data *data;
    uint64_t size_bytes;

    void *place() const { return static_cast<std::byte *>(buffer->memory->host()) + offset; }
};

static launch::EventResult put_in(launch::Queue &queue, const Transfer<const void> &write) {
    return queue.write(write.buffer->memory, write.offset, write.data, write.size_bytes);
}

static launch::EventResult put_in(launch::Queue &queue, const Transfer<void> &read) {
    return queue.read(read.buffer->memory, read.offset, read.data, read.size_bytes);
}

/// The caller's memory may be that of the buffer.
static void copy_by_host(const Transfer<const void> &write) {
    std::memmove(write.place(), write.data, write.size_bytes);
}

static void copy_by_host(const Transfer<void> &read) {
    std::memmove(read.data, read.place(), read.size_bytes);
}

/// A copy that was given up could still write to the caller's memory later. So a call that blocks
/// waits, with its deadline, for what is queued already, and puts the copy in only then.
template <class Data> static base::Done copy_now(const Transfer<Data> &transfer) {
    QueueState &state = *transfer.buffer->queue;
    if (auto idle = settle(state, transfer.buffer->memory); !idle) {
        if (idle.error().status == Status::Timeout)
            idle.error().message = "earlier work of the queue took too long; nothing was copied";
        return idle;
    }
    if (transfer.buffer->memory->is_plain()) {
        copy_by_host(transfer);
        return {};
    }
    HWA_TRY(const std::shared_ptr<launch::Event> event, put_in(*state.queue, transfer));
    state.waits = false;
    return state.queue->wait(*event, HWA_FOREVER);
}

template <class Data>
static hwa_status_t copy(const Transfer<Data> &transfer, hwa_event_t **out_event,
                         hwa_error_t *error) noexcept {
    if (out_event != nullptr)
        *out_event = nullptr;
    return guarded(error, [&]() -> base::Done {
        const hwa_buffer_t *const buffer = transfer.buffer;
        if (buffer == nullptr)
            return null_argument("buffer");
        if (transfer.data == nullptr)
            return null_argument("data");
        HWA_CHECK(enter(*buffer->queue));
        HWA_CHECK(check_range(*buffer, "buffer", transfer.offset, transfer.size_bytes));
        if (std::is_const_v<Data> && buffer->read_only && buffer->lent)
            return base::error(Status::Invalid,
                               "the buffer is HWA_BUFFER_READ_ONLY, and its memory is lent");
        if (out_event == nullptr)
            return copy_now(transfer);
        EventSlot slot(buffer->queue, out_event);
        HWA_TRY(std::shared_ptr<launch::Event> event, put_in(*buffer->queue->queue, transfer));
        slot.fill(std::move(event));
        return {};
    });
}

static base::Result<void *> map(hwa_buffer_t &buffer) {
    QueueState &state = *buffer.queue;
    if (buffer.mapped == nullptr)
        return base::error(Status::Invalid, "the buffer was not made with HWA_BUFFER_HOST_VISIBLE");
    if (*buffer.mapped)
        return base::error(Status::Invalid, "the buffer is mapped already");
    HWA_CHECK(settle(state, buffer.memory));
    auto address = state.queue->map(buffer.memory);
    *buffer.mapped = static_cast<bool>(address);
    return address;
}

static base::Done unmap(hwa_buffer_t &buffer) {
    if (!is_mapped(buffer))
        return base::error(Status::Invalid, "the buffer is not mapped");
    *buffer.mapped = false;
    return buffer.queue->queue->unmap(buffer.memory);
}

/// Any thread may free a buffer, but only the queue's own may unmap it.
static void leave_mapped(hwa_buffer_t &buffer) {
    Orphans &orphans = buffer.queue->orphans;
    const std::lock_guard lock(orphans.mutex);
    try {
        orphans.list.emplace_back(std::move(buffer.memory), buffer.mapped);
    } catch (const std::bad_alloc &) {
        return; // It goes as it is.
    }
    orphans.any.store(true, std::memory_order_relaxed);
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_buffer_create(hwa_queue_t *queue, const hwa_buffer_desc_t *desc,
                               hwa_buffer_t **out_buffer, hwa_error_t *error) {
    hwa_buffer_desc_t given = {};
    launch::Lease hook;
    const auto take = [&]() -> base::Done {
        if (desc == nullptr)
            return null_argument("desc");
        HWA_TRY(given, take_in(desc, "desc"));
        hook = make_hook(given.release, given.release_user);
        return {};
    };
    return hand_out(out_buffer, error, take, [&]() -> base::Result<std::unique_ptr<hwa_buffer_t>> {
        if (queue == nullptr)
            return null_argument("queue");
        return create(queue->queue, given, std::move(hook));
    });
}

hwa_status_t hwa_buffer_write(hwa_buffer_t *buffer, uint64_t offset, const void *data,
                              uint64_t size_bytes, hwa_event_t **out_event, hwa_error_t *error) {
    return copy(Transfer<const void>{buffer, offset, data, size_bytes}, out_event, error);
}

hwa_status_t hwa_buffer_read(hwa_buffer_t *buffer, uint64_t offset, void *data, uint64_t size_bytes,
                             hwa_event_t **out_event, hwa_error_t *error) {
    return copy(Transfer<void>{buffer, offset, data, size_bytes}, out_event, error);
}

hwa_status_t hwa_buffer_map(hwa_buffer_t *buffer, void **address, hwa_error_t *error) {
    if (address != nullptr)
        *address = nullptr;
    return guarded(error, [&]() -> base::Done {
        if (buffer == nullptr)
            return null_argument("buffer");
        if (address == nullptr)
            return null_argument("address");
        HWA_CHECK(enter(*buffer->queue));
        HWA_TRY(*address, map(*buffer));
        return {};
    });
}

hwa_status_t hwa_buffer_unmap(hwa_buffer_t *buffer, hwa_error_t *error) {
    return guarded(error, [&]() -> base::Done {
        if (buffer == nullptr)
            return null_argument("buffer");
        HWA_CHECK(enter(*buffer->queue));
        return unmap(*buffer);
    });
}

uint64_t hwa_buffer_size(const hwa_buffer_t *buffer) {
    return buffer == nullptr ? 0 : buffer->size_bytes;
}

uint64_t hwa_buffer_native(const hwa_buffer_t *buffer) {
    return buffer == nullptr || forked(*buffer->queue) ? 0 : buffer->memory->native();
}

void hwa_buffer_free(hwa_buffer_t *buffer) {
    if (buffer != nullptr && is_mapped(*buffer) && !forked(*buffer->queue))
        leave_mapped(*buffer);
    let_go(buffer);
}
