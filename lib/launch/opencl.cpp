// SPDX-License-Identifier: MIT
// OpenCL as a runtime: in-order queues, buffers and launches. Document: OpenCL 3.0 API
// specification, sections 5.1 (queues), 5.2 (buffers) and 5.8 (kernels).
#include "launch/opencl.h"

#include "os/caller.h"

namespace hwa::launch {
namespace {

using base::Status;

base::Result<cl_command_queue> create_queue(const ClContext &context, bool timed) {
    const cl_command_queue_properties wanted = timed ? CL_QUEUE_PROFILING_ENABLE : 0;
    const cl_queue_properties list[] = {CL_QUEUE_PROPERTIES, wanted, 0};
    cl_int code = CL_INVALID_OPERATION;
    cl_command_queue queue = nullptr;
    if (context.cl.clCreateCommandQueueWithProperties != nullptr)
        queue = context.cl.clCreateCommandQueueWithProperties(context.handle, context.device, list,
                                                              &code);
    // Version 1.2 has only the older call, and some drivers export the newer one for nothing.
    if (code != CL_SUCCESS && context.cl.clCreateCommandQueue != nullptr)
        queue = context.cl.clCreateCommandQueue(context.handle, context.device, wanted, &code);
    HWA_CL("clCreateCommandQueue", code);
    return queue;
}

std::shared_ptr<ClMemory> own(const ClContextPtr &context, cl_mem handle) {
    return std::make_shared<ClMemory>(context, handle);
}

/// Dimensions that a launch really has: get_work_dim() tells a kernel.
cl_uint rank_of(const Shape &shape) {
    const auto used = [&](size_t i) { return shape.grid[i] > 1 || shape.group[i] > 1; };
    return used(2) ? 3 : used(1) ? 2 : 1;
}

class ClQueue final : public Queue {
  public:
    static base::Result<std::unique_ptr<Queue>> open(const OpenRequest &request) {
        ClContextPtr context;
        if (request.share != nullptr) {
            context = static_cast<ClQueue *>(request.share)->context_;
        } else {
            HWA_TRY(context, open_context(*request.device, *request.runtime));
        }
        const os::CallerState state;
        HWA_TRY(cl_command_queue handle, create_queue(*context, request.timed));
        return std::unique_ptr<Queue>(
            std::make_unique<ClQueue>(std::move(context), handle, request));
    }

    ClQueue(ClContextPtr context, cl_command_queue handle, const OpenRequest &request)
        : context_(std::move(context)), handle_(handle),
          backlog_(std::make_unique<ClBacklog>(request.timed)), timeout_ns_(request.timeout_ns) {}

    ~ClQueue() override {
        const base::Done done = backlog_->wait_all(timeout_ns_);
        if (!done && done.error().status == Status::Timeout)
            // A driver that is still at work must find everything in its place.
            static_cast<void>(backlog_.release());
        else
            context_->cl.clReleaseCommandQueue(handle_);
    }

    const Limits &limits() const override { return context_->limits; }
    void *native() const override { return handle_; }
    std::string driver() const override { return context_->driver; }

    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) override {
        const cl_mem_flags placed = request.host_visible ? CL_MEM_ALLOC_HOST_PTR : 0;
        HWA_TRY(const auto made, create(request, placed, nullptr));
        return std::shared_ptr<Memory>(made);
    }

    base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) override {
        if (request.native != 0)
            return adopt(request);
        if (!context_->unified)
            return base::error(Status::Unsupported,
                               "this OpenCL device has memory of its own and cannot use the "
                               "host's in place");
        HWA_TRY(const auto made, create(request, CL_MEM_USE_HOST_PTR, request.host));
        made->lease = request.lease;
        return std::shared_ptr<Memory>(made);
    }

    EventResult write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                      uint64_t size_bytes) override {
        const cl_mem memory = handle_of(*into);
        return submit("clEnqueueWriteBuffer", {into}, [&](cl_event *event) {
            return context_->cl.clEnqueueWriteBuffer(handle_, memory, CL_FALSE, offset, size_bytes,
                                                     data, 0, nullptr, event);
        });
    }

    EventResult read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                     uint64_t size_bytes) override {
        const cl_mem memory = handle_of(*from);
        return submit("clEnqueueReadBuffer", {from}, [&](cl_event *event) {
            return context_->cl.clEnqueueReadBuffer(handle_, memory, CL_FALSE, offset, size_bytes,
                                                    data, 0, nullptr, event);
        });
    }

    base::Result<std::shared_ptr<Program>> build(const CodeRequest &request,
                                                 std::string &log) override {
        return build_opencl(context_, request, log);
    }

    EventResult run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                    const Shape &shape) override {
        auto &mine = static_cast<ClProgram &>(*program);
        const cl_kernel kernel = mine.kernel;
        // Queues that share may launch it at the same time.
        const std::lock_guard lock(mine.mutex);
        Holds holds;
        holds.reserve(args.size() + 1);
        holds.push_back(program);
        for (size_t i = 0; i < args.size(); ++i)
            HWA_CHECK(set_arg(kernel, static_cast<cl_uint>(i), args[i], holds));
        const cl_uint rank = rank_of(shape);
        std::array<size_t, 3> global{};
        std::array<size_t, 3> local{};
        for (size_t i = 0; i < 3; ++i) {
            local[i] = shape.group[i];
            global[i] = size_t{shape.grid[i]} * shape.group[i];
        }
        return submit("clEnqueueNDRangeKernel", std::move(holds), [&](cl_event *event) {
            return context_->cl.clEnqueueNDRangeKernel(
                handle_, kernel, rank, nullptr, global.data(), local.data(), 0, nullptr, event);
        });
    }

    base::Done wait(const Event &event, uint64_t timeout_ns) override {
        return backlog_->wait(static_cast<const ClEvent &>(event), timeout_ns);
    }
    base::Done finish(uint64_t timeout_ns) override { return backlog_->wait_all(timeout_ns); }
    uint64_t elapsed_ns(const Event &event) override {
        return backlog_->elapsed_ns(static_cast<const ClEvent &>(event));
    }
    void tidy() override { backlog_->tidy(); }

  private:
    using Holds = std::vector<std::shared_ptr<const void>>;

    static cl_mem handle_of(const Memory &memory) {
        return static_cast<const ClMemory &>(memory).handle;
    }

    base::Result<std::shared_ptr<ClMemory>> create(const MemoryRequest &request, cl_mem_flags how,
                                                   void *host) {
        const cl_mem_flags access = request.read_only ? CL_MEM_READ_ONLY : CL_MEM_READ_WRITE;
        cl_int code = CL_SUCCESS;
        cl_mem handle = context_->cl.clCreateBuffer(context_->handle, access | how,
                                                    request.size_bytes, host, &code);
        HWA_CL("clCreateBuffer", code);
        return own(context_, handle);
    }

    /// Takes a share in a cl_mem of the caller's.
    base::Result<std::shared_ptr<Memory>> adopt(const MemoryRequest &request) {
        const auto handle = reinterpret_cast<cl_mem>(static_cast<uintptr_t>(request.native));
        if (context_->cl.clGetMemObjectInfo != nullptr) {
            size_t size = 0;
            HWA_CL("clGetMemObjectInfo", context_->cl.clGetMemObjectInfo(
                                             handle, CL_MEM_SIZE, sizeof size, &size, nullptr));
            if (size < request.size_bytes)
                return base::error(Status::Invalid, "the cl_mem has %zu bytes, fewer than asked",
                                   size);
        }
        HWA_CL("clRetainMemObject", context_->cl.clRetainMemObject(handle));
        auto made = own(context_, handle);
        made->lease = request.lease;
        return std::shared_ptr<Memory>(std::move(made));
    }

    /// A kernel is told no offset: a range that does not start at 0 is a buffer of its own.
    base::Result<std::shared_ptr<Memory>> range(const Arg &arg) {
        if (context_->cl.clCreateSubBuffer == nullptr)
            return base::error(Status::Unsupported, "this OpenCL cannot pass a part of a buffer");
        const cl_buffer_region region = {arg.offset, arg.size_bytes};
        cl_int code = CL_SUCCESS;
        cl_mem handle = context_->cl.clCreateSubBuffer(
            handle_of(*arg.memory), 0, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
        HWA_CL("clCreateSubBuffer", code);
        auto made = own(context_, handle);
        made->parent = arg.memory;
        return std::shared_ptr<Memory>(std::move(made));
    }

    base::Done set_arg(cl_kernel kernel, cl_uint index, const Arg &arg, Holds &holds) {
        if (arg.memory == nullptr) {
            const cl_int code =
                context_->cl.clSetKernelArg(kernel, index, arg.size_bytes, arg.data);
            if (code == CL_INVALID_ARG_SIZE)
                return base::error(Status::Invalid,
                                   "args[%u]: the kernel takes no value of %llu bytes here", index,
                                   static_cast<unsigned long long>(arg.size_bytes));
            HWA_CL("clSetKernelArg", code);
            return {};
        }
        std::shared_ptr<Memory> memory = arg.memory;
        if (arg.offset != 0) {
            HWA_TRY(memory, range(arg));
        }
        const cl_mem handle = handle_of(*memory);
        holds.push_back(std::move(memory));
        HWA_CL("clSetKernelArg",
               context_->cl.clSetKernelArg(kernel, index, sizeof handle, &handle));
        return {};
    }

    /// Puts one command in, unless an earlier one is known to have failed: then its event fails.
    template <class Enqueue> EventResult submit(const char *call, Holds holds, Enqueue &&enqueue) {
        const bool sound = backlog_->tidy();
        auto event = std::make_shared<ClEvent>(context_);
        if (sound) {
            HWA_CL(call, enqueue(&event->handle));
            event->holds = std::move(holds);
            context_->cl.clFlush(handle_);
        }
        backlog_->push(event);
        return std::shared_ptr<Event>(std::move(event));
    }

    ClContextPtr context_;
    cl_command_queue handle_;
    std::unique_ptr<ClBacklog> backlog_;
    uint64_t timeout_ns_;
};

} // namespace

extern const Runtime opencl_runtime;
constinit const Runtime opencl_runtime = {"opencl", ClQueue::open};

} // namespace hwa::launch
