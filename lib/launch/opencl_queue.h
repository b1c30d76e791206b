// SPDX-License-Identifier: MIT
// The queue of the OpenCL runtime; its parts are in opencl.cpp and in the files named below.
#pragma once

#include "launch/opencl.h"
#include "launch/opencl_exit.h"
#include "launch/watcher.h"

namespace hwa::launch {

/// A command queue of the driver's, in order.
struct ClLane {
    ClLane(ClContextPtr owner, cl_command_queue queue) : context(std::move(owner)), handle(queue) {
        ++context->lanes;
    }
    ~ClLane() {
        --context->lanes;
        context->cl.clReleaseCommandQueue(handle);
    }
    ClLane(const ClLane &) = delete;
    ClLane &operator=(const ClLane &) = delete;

    ClContextPtr context;
    cl_command_queue handle;
};

/// A launch with its arguments set, ready to be put in again and again.
struct ClStep {
    cl_kernel kernel = nullptr;
    cl_uint rank = 1;
    std::array<size_t, 3> global{};
    std::array<size_t, 3> local{};
};

/// Launches with kernel objects of their own, so that nobody else sets their arguments, and where
/// the device has such, a command buffer of them all.
struct ClRecording {
    explicit ClRecording(ClContextPtr owner) : context(std::move(owner)) {}
    ~ClRecording();
    ClRecording(const ClRecording &) = delete;
    ClRecording &operator=(const ClRecording &) = delete;

    ClContextPtr context;
    std::vector<ClStep> steps;
    std::vector<cl_kernel> kernels; ///< its own
    std::vector<std::shared_ptr<const void>> holds;
    std::shared_ptr<const ClLane> lane; ///< that it was recorded on
    cl_command_buffer_khr buffer = nullptr;
    bool timed = false; ///< whether that queue is
};

/// The dimensions of a launch and its sizes, as OpenCL counts them.
ClStep step_of(cl_kernel kernel, const Shape &shape);

/// One piece of work on its way to the driver, as one command or several.
struct ClWork {
    std::shared_ptr<ClEvent> event;
    std::span<const cl_event> waits; ///< of its first command
    bool begun = false;              ///< whether the driver has any of it
    const Program *latest = nullptr; ///< of its launches; no other queue gives it arguments now
    std::unique_lock<std::mutex> turn;
};

class ClQueue final : public Queue {
  public:
    static base::Result<std::unique_ptr<Queue>> open(const OpenRequest &request);

    ClQueue(std::shared_ptr<const ClLane> lane, const OpenRequest &request);
    ~ClQueue() override;

    const Limits &limits() const override { return context_->limits; }
    void *native() const override { return lane_->handle; }
    std::string driver() const override { return context_->driver; }

    // opencl_memory.cpp
    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) override;
    base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) override;
    EventResult write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                      uint64_t size_bytes) override;
    EventResult read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                     uint64_t size_bytes) override;
    EventResult copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                     const std::shared_ptr<Memory> &from, uint64_t from_offset,
                     uint64_t size_bytes) override;
    base::Result<void *> map(const std::shared_ptr<Memory> &memory) override;
    base::Done unmap(const std::shared_ptr<Memory> &memory) override;

    base::Result<std::shared_ptr<Program>> build(const CodeRequest &request,
                                                 std::string &log) override;
    EventResult run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                    const Shape &shape) override;
    EventResult run_many(std::span<const Launch> launches) override;
    // opencl_record.cpp
    base::Result<std::shared_ptr<Program>> record(std::span<const Launch> launches) override;

    // opencl_gate.cpp
    base::Result<bool> wait_for(const std::shared_ptr<Event> &event, Queue &of) override;
    base::Result<std::shared_ptr<Gate>> gate() override;
    void notify(const std::shared_ptr<Event> &event, Notice notice) override;

    base::Done wait(const Event &event, uint64_t timeout_ns) override;
    base::Done finish(uint64_t timeout_ns) override;
    uint64_t elapsed_ns(const Event &event) override;
    void tidy() override { backlog_->tidy(); }

  private:
    base::Result<std::shared_ptr<ClMemory>> create(const MemoryRequest &request, cl_mem_flags how,
                                                   void *host);
    base::Result<std::shared_ptr<Memory>> adopt(const MemoryRequest &request);

    base::Done set_args(ClKernel &kernel, std::span<const Arg> args, ClHolds &holds, bool held);
    base::Done put_step(ClWork &work, const ClStep &step, bool last);
    base::Done put_recording(ClWork &work, const ClRecording &recording, bool last);
    base::Done put_launch(ClWork &work, const std::shared_ptr<Program> &program,
                          std::span<const Arg> args, const Shape &shape, bool last);

    base::Result<ClStep> record_step(ClRecording &into, const Launch &launch);
    void make_buffer(ClRecording &recording);

    void wait_first(cl_event handle, std::shared_ptr<ClCause> cause);
    std::optional<base::Error> failed_cause();
    /// Work that is not even begun, for the queue has failed or will.
    std::shared_ptr<Event> doom(const base::Error *why);
    void mark(ClEvent &event);
    EventResult accept(ClWork &work, const base::Done &put);
    /// Puts in what `fill` does, unless the queue has failed.
    template <class Fill> EventResult put_work(const Fill &fill);
    /// Puts a command into the driver; the last one of a piece of work carries its event.
    template <class Enqueue>
    base::Done put(ClWork &work, const char *call, bool last, const Enqueue &enqueue);
    /// Work of one command.
    template <class Enqueue>
    EventResult submit(const char *call, std::initializer_list<std::shared_ptr<const void>> holds,
                       const Enqueue &enqueue);

    ClContextPtr context_;
    std::shared_ptr<const ClLane> lane_;
    std::shared_ptr<ClBacklog> backlog_;
    uint64_t timeout_ns_;
    std::shared_ptr<Cache> cache_;
    std::vector<cl_event> waits_; ///< of the next command
    ClCauses causes_;             ///< what they stand for
    Watcher watcher_;
};

template <class Enqueue>
base::Done ClQueue::put(ClWork &work, const char *call, bool last, const Enqueue &enqueue) {
    cl_event *event = nullptr;
    if (last)
        event = &work.event->handle;
    else if (!work.begun && backlog_->timed())
        event = &work.event->first;
    const cl_int code = enqueue(lane_->handle, static_cast<cl_uint>(work.waits.size()),
                                work.waits.empty() ? nullptr : work.waits.data(), event);
    if (code != CL_SUCCESS)
        return opencl_failure(*context_, call, code);
    work.begun = true;
    work.waits = {};
    return {};
}

template <class Fill> EventResult ClQueue::put_work(const Fill &fill) {
    if (!backlog_->is_sound())
        return doom(nullptr);
    std::optional<ClCompiling> compiling;
    if (context_->compiles_late)
        HWA_CHECK(compiling.emplace().allowed());
    std::unique_lock<std::mutex> door;
    if (!causes_.empty()) {
        door = std::unique_lock(context_->door);
        if (const auto why = failed_cause())
            return doom(&*why);
    }
    ClWork work;
    work.event = backlog_->begin(context_);
    work.waits = waits_;
    const base::Done done = fill(work);
    return accept(work, done);
}

template <class Enqueue>
EventResult ClQueue::submit(const char *call,
                            std::initializer_list<std::shared_ptr<const void>> holds,
                            const Enqueue &enqueue) {
    return put_work([&](ClWork &work) {
        work.event->holds.assign(holds);
        return put(work, call, true, enqueue);
    });
}

} // namespace hwa::launch
