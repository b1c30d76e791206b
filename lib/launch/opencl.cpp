// SPDX-License-Identifier: MIT
// OpenCL as a runtime: in-order queues and launches. Document: OpenCL 3.0 API specification,
// sections 5.1 (queues) and 5.8 to 5.9 (kernels).
#include "launch/opencl_exit.h"
#include "launch/opencl_queue.h"

#include "os/caller.h"
#include "os/thread.h"

#include <cstring>

namespace hwa::launch {

using base::Status;

static base::Result<cl_command_queue> create_queue(const ClContext &context, bool timed) {
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

ClStep step_of(cl_kernel kernel, const Shape &shape) {
    ClStep step;
    step.kernel = kernel;
    // Dimensions that a launch really has: get_work_dim() tells a kernel.
    const auto used = [&](size_t i) { return shape.grid[i] > 1 || shape.group[i] > 1; };
    step.rank = used(2) ? 3 : used(1) ? 2 : 1;
    for (size_t i = 0; i < 3; ++i) {
        step.local[i] = shape.group[i];
        step.global[i] = size_t{shape.grid[i]} * shape.group[i];
    }
    return step;
}

base::Result<std::unique_ptr<Queue>> ClQueue::open(const OpenRequest &request) {
    ClContextPtr context;
    if (request.share != nullptr) {
        context = static_cast<ClQueue *>(request.share)->context_;
    } else {
        HWA_TRY(context, open_context(request));
    }
    const os::CallerState state;
    HWA_TRY(cl_command_queue handle, create_queue(*context, request.timed));
    return std::unique_ptr<Queue>(std::make_unique<ClQueue>(
        std::make_shared<const ClLane>(std::move(context), handle), request));
}

/// The thread that serves notices waits like anybody else, but keeps out of the driver: it may
/// wait for long, and the process may end meanwhile.
static Watcher::Wait watch(std::shared_ptr<ClBacklog> backlog) {
    return [kept = std::move(backlog)](const Event &event) {
        return kept->wait(static_cast<const ClEvent &>(event), os::forever_ns - 1);
    };
}

ClQueue::ClQueue(std::shared_ptr<const ClLane> lane, const OpenRequest &request)
    : context_(lane->context), lane_(std::move(lane)),
      backlog_(std::make_shared<ClBacklog>(request.timed)), timeout_ns_(request.timeout_ns),
      cache_(request.cache), watcher_(watch(backlog_)) {
    if (context_->compiles_late)
        end_before_exit(backlog_, timeout_ns_);
}

/// What a driver that is still at work must find in its place.
struct ClRemains {
    std::shared_ptr<ClBacklog> backlog;
    std::shared_ptr<const ClLane> lane;
};

static bool is_over(ClBacklog &backlog, uint64_t timeout_ns) {
    const base::Done done = backlog.wait_all(timeout_ns);
    return done || done.error().status != Status::Timeout;
}

ClQueue::~ClQueue() {
    const bool own = os::is_own_thread();
    if (is_over(*backlog_, own ? 0 : timeout_ns_))
        return;
    auto *const remains = new ClRemains{backlog_, lane_};
    // A release hook may be what lets go of the queue, and its work may wait for what this very
    // thread is to do next: it is closed when it is over.
    if (own)
        watcher_.watch(backlog_->last(), [remains](const base::Done &) {
            if (is_over(*remains->backlog, 0))
                delete remains;
        });
}

base::Result<std::shared_ptr<Program>> ClQueue::build(const CodeRequest &request,
                                                      std::string &log) {
    return build_opencl(context_, request, cache_, log);
}

/// What tells a value from others. Sizes that are rare, and scratch, are not remembered.
static ClTold told_by(const Arg &value) {
    uint32_t half = 0;
    ClTold told;
    if (value.data == nullptr)
        return told;
    if (value.size_bytes == sizeof half) {
        std::memcpy(&half, value.data, sizeof half);
        told = {sizeof half, half};
    } else if (value.size_bytes == sizeof told.content) {
        std::memcpy(&told.content, value.data, sizeof told.content);
        told.kind = sizeof told.content;
    }
    return told;
}

/// `now` is what `data` says.
static base::Done tell(const ClContext &context, ClKernel &kernel, size_t place, const Arg &arg,
                       const ClTold &now) {
    const auto index = static_cast<cl_uint>(place);
    kernel.told[place] = {};
    const cl_int code = context.cl.clSetKernelArg(kernel.handle, index, arg.size_bytes, arg.data);
    if (code == CL_INVALID_ARG_SIZE && now.kind != ClTold::part)
        return base::error(Status::Invalid,
                           "args[%u]: the kernel takes no value of %llu bytes here", index,
                           static_cast<unsigned long long>(arg.size_bytes));
    if (code != CL_SUCCESS)
        return opencl_failure(context, "clSetKernelArg", code);
    kernel.told[place] = now;
    return {};
}

/// What the arguments use goes to `holds`; with `held`, what the kernel knows already is there.
base::Done ClQueue::set_args(ClKernel &kernel, std::span<const Arg> args, ClHolds &holds,
                             bool held) {
    if (kernel.told.size() < args.size())
        kernel.told.resize(args.size());
    for (size_t i = 0; i < args.size(); ++i) {
        const Arg &arg = args[i];
        if (arg.memory == nullptr) {
            const ClTold now = told_by(arg);
            if (now.kind == ClTold::nothing || now != kernel.told[i])
                HWA_CHECK(tell(*context_, kernel, i, arg, now));
            continue;
        }
        auto &memory = static_cast<ClMemory &>(**arg.memory);
        const ClPart *part = &memory.part;
        if (arg.offset != 0) {
            HWA_TRY(auto range, memory.range(arg.offset, arg.size_bytes));
            part = range.get();
            holds.push_back(std::move(range));
        }
        const ClTold now = {ClTold::part, part->number};
        const bool known = now == kernel.told[i];
        if (!known)
            HWA_CHECK(tell(*context_, kernel, i,
                           {.data = &part->handle, .size_bytes = sizeof part->handle}, now));
        if (!known || !held)
            holds.push_back(*arg.memory);
    }
    return {};
}

base::Done ClQueue::put_step(ClWork &work, const ClStep &step, bool last) {
    return put(work, "clEnqueueNDRangeKernel", last,
               [&](cl_command_queue queue, cl_uint count, const cl_event *waits, cl_event *event) {
                   return context_->cl.clEnqueueNDRangeKernel(
                       queue, step.kernel, step.rank, nullptr, step.global.data(),
                       step.local.data(), count, waits, event);
               });
}

base::Done ClQueue::put_launch(ClWork &work, const std::shared_ptr<Program> &program,
                               std::span<const Arg> args, const Shape &shape, bool last) {
    auto &mine = static_cast<ClProgram &>(*program);
    const bool again = work.latest == &mine;
    if (!again) {
        work.event->holds.push_back(program);
        work.latest = &mine;
        if (work.turn.owns_lock())
            work.turn.unlock();
        // Queues that share may launch it at the same time; none is opened during a launch.
        if (context_->lanes.load(std::memory_order_acquire) > 1)
            work.turn = std::unique_lock(mine.mutex);
    }
    if (mine.recording != nullptr)
        return put_recording(work, *mine.recording, last);
    mine.launched = true;
    HWA_CHECK(set_args(mine.kernel, args, work.event->holds, again));
    return put_step(work, step_of(mine.kernel.handle, shape), last);
}

/// This and the next are flattened because every launch comes by here.
[[gnu::flatten]] EventResult ClQueue::run(const std::shared_ptr<Program> &program,
                                          std::span<const Arg> args, const Shape &shape) {
    return put_work([&](ClWork &work) { return put_launch(work, program, args, shape, true); });
}

[[gnu::flatten]] EventResult ClQueue::run_many(std::span<const Launch> launches) {
    return put_work([&](ClWork &work) {
        base::Done done;
        for (size_t i = 0; i < launches.size() && done; ++i)
            done = put_launch(work, launches[i].program, launches[i].args, launches[i].shape,
                              i + 1 == launches.size());
        return done;
    });
}

std::shared_ptr<Event> ClQueue::doom(const base::Error *why) {
    causes_.clear();
    waits_.clear();
    std::shared_ptr<ClEvent> event = backlog_->begin(context_);
    backlog_->doom(event, why);
    return event;
}

/// Puts the end of some work on the list, or what there is of it if the driver refused the rest.
EventResult ClQueue::accept(ClWork &work, const base::Done &put) {
    if (work.turn.owns_lock())
        work.turn.unlock();
    if (!put && !work.begun) {
        if (put.error().status == Status::Lost)
            doom(&put.error());
        return put.error();
    }
    // Settling runs the caller's hooks, for which the door has to be open.
    const bool tidying = causes_.empty();
    if (!causes_.empty()) {
        work.event->causes.swap(causes_);
        work.event->caused.store(true, std::memory_order_release);
        waits_.clear();
    }
    if (!put)
        mark(*work.event);
    // Before the flush nothing has begun, and arming cannot block either.
    if (context_->polls_block && work.event->handle != nullptr)
        work.event->armed = arm(*work.event);
    context_->cl.clFlush(lane_->handle);
    if (!put) {
        backlog_->doom(std::move(work.event), &put.error());
        return put.error();
    }
    backlog_->push(work.event, tidying);
    return std::shared_ptr<Event>(std::move(work.event));
}

/// Of work that the driver took in part, some may run, and nothing tells when it has: a marker
/// does, where there is one. Else what it uses must stay for good.
void ClQueue::mark(ClEvent &event) {
    const auto put = context_->cl.clEnqueueMarkerWithWaitList;
    if (put == nullptr || put(lane_->handle, 0, nullptr, &event.handle) != CL_SUCCESS)
        static_cast<void>(new ClHolds(std::move(event.holds)));
}

base::Done ClQueue::wait(const Event &event, uint64_t timeout_ns) {
    return backlog_->wait(static_cast<const ClEvent &>(event), timeout_ns);
}

base::Done ClQueue::finish(uint64_t timeout_ns) {
    return backlog_->wait_all(timeout_ns);
}

uint64_t ClQueue::elapsed_ns(const Event &event) {
    return backlog_->elapsed_ns(static_cast<const ClEvent &>(event));
}

extern const Runtime opencl_runtime;
constinit const Runtime opencl_runtime = {"opencl", ClQueue::open};

} // namespace hwa::launch
