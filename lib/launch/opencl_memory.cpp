// SPDX-License-Identifier: MIT
// OpenCL: buffers, their ranges, transfers and mappings. Document: OpenCL 3.0 API specification,
// section 5.2.
#include "launch/opencl_queue.h"

#include <algorithm>

namespace hwa::launch {

using base::Status;

static cl_mem handle_of(const Memory &memory) {
    return static_cast<const ClMemory &>(memory).part.handle;
}

base::Result<std::shared_ptr<ClPart>> ClMemory::range(uint64_t offset, uint64_t range_bytes) {
    const std::lock_guard lock(mutex_);
    for (const Range &known : ranges_)
        if (known.offset == offset && known.size_bytes == range_bytes)
            return known.part;
    const api::OpenCl &cl = part.context->cl;
    if (cl.clCreateSubBuffer == nullptr)
        return base::error(Status::Unsupported, "this OpenCL cannot pass a part of a buffer");
    const cl_buffer_region region = {offset, range_bytes};
    cl_int code = CL_SUCCESS;
    cl_mem made =
        cl.clCreateSubBuffer(part.handle, 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
    HWA_CL("clCreateSubBuffer", code);
    Range &slot = ranges_[oldest_++ % ranges_.size()];
    slot = {offset, range_bytes, std::make_shared<ClPart>(part.context, made)};
    return slot.part;
}

base::Result<std::shared_ptr<ClMemory>> ClQueue::create(const MemoryRequest &request,
                                                        cl_mem_flags how, void *host) {
    const cl_mem_flags access = request.read_only ? CL_MEM_READ_ONLY : CL_MEM_READ_WRITE;
    cl_int code = CL_SUCCESS;
    cl_mem handle = context_->cl.clCreateBuffer(context_->handle, access | how, request.size_bytes,
                                                host, &code);
    HWA_CL("clCreateBuffer", code);
    auto made = std::make_shared<ClMemory>(context_, handle);
    made->size_bytes = request.size_bytes;
    return made;
}

base::Result<std::shared_ptr<Memory>> ClQueue::allocate(const MemoryRequest &request) {
    const cl_mem_flags placed = request.host_visible ? CL_MEM_ALLOC_HOST_PTR : 0;
    HWA_TRY(const auto made, create(request, placed, nullptr));
    return std::shared_ptr<Memory>(made);
}

base::Result<std::shared_ptr<Memory>> ClQueue::wrap(const MemoryRequest &request) {
    if (request.native != 0)
        return adopt(request);
    if (!context_->unified)
        return base::error(Status::Unsupported,
                           "this OpenCL device has memory of its own and cannot use the host's in "
                           "place");
    HWA_TRY(const auto made, create(request, CL_MEM_USE_HOST_PTR, request.host));
    made->lease = request.lease;
    return std::shared_ptr<Memory>(made);
}

/// Takes a share in a cl_mem of the caller's.
base::Result<std::shared_ptr<Memory>> ClQueue::adopt(const MemoryRequest &request) {
    const auto handle = reinterpret_cast<cl_mem>(static_cast<uintptr_t>(request.native));
    if (context_->cl.clGetMemObjectInfo != nullptr) {
        size_t size = 0;
        HWA_CL("clGetMemObjectInfo",
               context_->cl.clGetMemObjectInfo(handle, CL_MEM_SIZE, sizeof size, &size, nullptr));
        if (size < request.size_bytes)
            return base::error(Status::Invalid, "the cl_mem has %zu bytes, fewer than asked", size);
    }
    HWA_CL("clRetainMemObject", context_->cl.clRetainMemObject(handle));
    auto made = std::make_shared<ClMemory>(context_, handle);
    made->size_bytes = request.size_bytes;
    made->lease = request.lease;
    return std::shared_ptr<Memory>(std::move(made));
}

EventResult ClQueue::write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                           uint64_t size_bytes) {
    return submit(
        "clEnqueueWriteBuffer", {into},
        [&](cl_command_queue queue, cl_uint count, const cl_event *waits, cl_event *event) {
            return context_->cl.clEnqueueWriteBuffer(queue, handle_of(*into), CL_FALSE, offset,
                                                     size_bytes, data, count, waits, event);
        });
}

EventResult ClQueue::read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                          uint64_t size_bytes) {
    return submit(
        "clEnqueueReadBuffer", {from},
        [&](cl_command_queue queue, cl_uint count, const cl_event *waits, cl_event *event) {
            return context_->cl.clEnqueueReadBuffer(queue, handle_of(*from), CL_FALSE, offset,
                                                    size_bytes, data, count, waits, event);
        });
}

EventResult ClQueue::copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                          const std::shared_ptr<Memory> &from, uint64_t from_offset,
                          uint64_t size_bytes) {
    return submit(
        "clEnqueueCopyBuffer", {to, from},
        [&](cl_command_queue queue, cl_uint count, const cl_event *waits, cl_event *event) {
            return context_->cl.clEnqueueCopyBuffer(queue, handle_of(*from), handle_of(*to),
                                                    from_offset, to_offset, size_bytes, count,
                                                    waits, event);
        });
}

base::Result<void *> ClQueue::map(const std::shared_ptr<Memory> &memory) {
    auto &mine = static_cast<ClMemory &>(*memory);
    void *at = nullptr;
    HWA_TRY(
        const auto event,
        submit("clEnqueueMapBuffer", {memory},
               [&](cl_command_queue queue, cl_uint count, const cl_event *waits, cl_event *made) {
                   cl_int code = CL_SUCCESS;
                   at = context_->cl.clEnqueueMapBuffer(queue, mine.part.handle, CL_FALSE,
                                                        CL_MAP_READ | CL_MAP_WRITE, 0,
                                                        mine.size_bytes, count, waits, made, &code);
                   return code;
               }));
    mine.mapped = at;
    if (base::Done done = wait(*event, timeout_ns_); !done) {
        // It may come true later: take it back, in order.
        if (at != nullptr)
            static_cast<void>(unmap(memory));
        return std::move(done.error());
    }
    return at;
}

base::Done ClQueue::unmap(const std::shared_ptr<Memory> &memory) {
    auto &mine = static_cast<ClMemory &>(*memory);
    void *const at = std::exchange(mine.mapped, nullptr);
    HWA_CHECK(
        submit("clEnqueueUnmapMemObject", {memory},
               [&](cl_command_queue queue, cl_uint count, const cl_event *waits, cl_event *event) {
                   return context_->cl.clEnqueueUnmapMemObject(queue, mine.part.handle, at, count,
                                                               waits, event);
               }));
    return {};
}

} // namespace hwa::launch
