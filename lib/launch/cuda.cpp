// SPDX-License-Identifier: MIT
// CUDA as a runtime: one stream for each queue, copies and launches. Document: CUDA Driver API,
// sections "Memory Management", "Stream Management", "Execution Control" and "API synchronization
// behavior".
#include "launch/cuda_timeline.h"
#include "launch/watcher.h"
#include "os/caller.h"

#include <cstring>

namespace hwa::launch {

extern const Runtime cuda_runtime;

namespace {

using base::Status;

const CudaMemory &memory_of(const Memory &memory) {
    return static_cast<const CudaMemory &>(memory);
}

CUdeviceptr address_of(const Memory &memory, uint64_t offset) {
    return memory_of(memory).address + offset;
}

base::Result<CUstream> create_stream(const CudaContext &context) {
    const CudaCurrent current(context);
    CUstream stream = nullptr;
    // Work in the default stream of the process neither waits for this one nor makes it wait.
    HWA_CU(context.cuda, "cuStreamCreate",
           context.cuda.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    return stream;
}

/// Opens a gate by the number that a stream waits for.
class CudaGate final : public Gate {
  public:
    CudaGate(std::shared_ptr<CudaPinned::Block> number, std::shared_ptr<CudaVerdict> verdict)
        : number_(std::move(number)), verdict_(std::move(verdict)) {}
    ~CudaGate() override {
        if (!verdict_->opened.load(std::memory_order_acquire))
            open(base::error(Status::Cancelled, "what the queue waits for was given up"));
    }

    void open(const base::Done &how) override {
        verdict_->how = how;
        verdict_->opened.store(true, std::memory_order_release);
        __atomic_store_n(static_cast<uint32_t *>(number_->host), 1, __ATOMIC_RELEASE);
    }

  private:
    std::shared_ptr<CudaPinned::Block> number_;
    std::shared_ptr<CudaVerdict> verdict_;
};

class CudaQueue final : public Queue {
  public:
    static base::Result<std::unique_ptr<Queue>> open(const OpenRequest &request) {
        CudaContextPtr context;
        if (request.share != nullptr) {
            context = static_cast<CudaQueue *>(request.share)->context_;
        } else {
            HWA_TRY(context, open_cuda(request));
        }
        HWA_TRY(CUstream const stream, create_stream(*context));
        return std::unique_ptr<Queue>(
            std::make_unique<CudaQueue>(std::move(context), stream, request));
    }

    CudaQueue(CudaContextPtr context, CUstream stream, const OpenRequest &request)
        : context_(std::move(context)), timeout_ns_(request.timeout_ns),
          timeline_(std::make_shared<CudaTimeline>(context_, stream, request.timed)),
          watcher_([timeline = timeline_](const Event &event) {
              return timeline->wait(event, UINT64_MAX);
          }) {}

    ~CudaQueue() override {
        // How it went, its events have said.
        static_cast<void>(static_cast<bool>(timeline_->wait_all(timeout_ns_)));
        // What a device is still at work with must stay in its place.
        if (!timeline_->idle())
            static_cast<void>(new std::shared_ptr<CudaTimeline>(timeline_));
    }

    const Limits &limits() const override { return context_->limits; }
    void *native() const override { return timeline_->stream(); }
    std::string driver() const override { return context_->driver; }
    int32_t ordinal() const override { return context_->ordinal; }

    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) override {
        return allocate_cuda(context_, request);
    }
    base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) override {
        return wrap_cuda(context_, request);
    }

    EventResult write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                      uint64_t size_bytes) override;
    EventResult read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                     uint64_t size_bytes) override;
    EventResult copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                     const std::shared_ptr<Memory> &from, uint64_t from_offset,
                     uint64_t size_bytes) override;
    EventResult copy_from(Queue &of, const std::shared_ptr<Memory> &to, uint64_t to_offset,
                          const std::shared_ptr<Memory> &from, uint64_t from_offset,
                          uint64_t size_bytes) override;

    base::Result<void *> map(const std::shared_ptr<Memory> &memory) override {
        if (memory->host() == nullptr)
            return base::error(Status::Unsupported,
                               "memory of the device is out of the host's reach; ask for it as "
                               "host visible");
        return memory->host();
    }
    base::Done unmap(const std::shared_ptr<Memory> &) override { return {}; }

    base::Result<std::shared_ptr<Program>> build(const CodeRequest &request,
                                                 std::string &log) override {
        const os::CallerState state;
        const CudaCurrent current(*context_);
        return build_cuda(context_, request, log);
    }

    EventResult run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                    const Shape &shape) override;
    EventResult run_many(std::span<const Launch> launches) override;
    base::Result<std::shared_ptr<Program>> record(std::span<const Launch> launches) override {
        const CudaCurrent current(*context_);
        return record_cuda(context_, launches);
    }

    base::Result<bool> wait_for(const std::shared_ptr<Event> &event, Queue &of) override;
    base::Result<std::shared_ptr<Gate>> gate() override;
    void notify(const std::shared_ptr<Event> &event, Notice notice) override {
        if (static_cast<const CudaEvent &>(*event).settled.load(std::memory_order_acquire))
            return notice(timeline_->wait(*event, 0));
        watcher_.watch(event, std::move(notice));
    }

    base::Done wait(const Event &event, uint64_t timeout_ns) override {
        return timeline_->wait(event, timeout_ns);
    }
    base::Done finish(uint64_t timeout_ns) override { return timeline_->wait_all(timeout_ns); }
    uint64_t elapsed_ns(const Event &event) override { return timeline_->elapsed_ns(event); }
    void tidy() override { timeline_->tidy(); }

  private:
    const api::Cuda &cuda() const { return context_->cuda; }

    /// An event that holds these.
    CudaEventPtr holding(const std::shared_ptr<const void> &one,
                         const std::shared_ptr<const void> &other = nullptr) const {
        CudaEventPtr event = timeline_->make();
        event->hold(one);
        if (other != nullptr)
            event->hold(other);
        return event;
    }

    /// Page-locked memory between the caller's and the device's, or NULL where none is called for.
    /// The driver copies to and from pageable memory in the time of the caller, after all earlier
    /// work of the stream: that is as fast as it gets while there is none, and never returns while
    /// a kernel does not end.
    std::shared_ptr<CudaPinned::Block> staging(const void *data, uint64_t size_bytes) {
        const CudaCurrent current(*context_);
        if (!cuda().has(api::CudaGroup::HostFunctions) || cuda_pinned(*context_, data) ||
            timeline_->idle())
            return nullptr;
        return CudaPinned::take(context_, size_bytes);
    }

    /// The host's part of a copy, when its turn comes: only then is the caller's memory as the work
    /// before it left it. Such a function may not call the driver.
    static void copy_on_host(void *user) {
        const auto &event = *static_cast<const CudaEvent *>(user);
        std::memcpy(event.host_to, event.host_from, event.host_bytes);
    }

    CudaContextPtr context_;
    uint64_t timeout_ns_;
    std::shared_ptr<CudaTimeline> timeline_;
    Watcher watcher_;
};

// ---- Copies ----

EventResult CudaQueue::write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                             uint64_t size_bytes) {
    const CUdeviceptr to = address_of(*into, offset);
    const auto block = staging(data, size_bytes);
    CudaEventPtr event = holding(into, block);
    if (block == nullptr)
        return timeline_->submit(std::move(event), "cuMemcpyHtoDAsync", true, [&](CUstream stream) {
            return cuda().cuMemcpyHtoDAsync_v2(to, data, size_bytes, stream);
        });
    event->host_to = block->host;
    event->host_from = data;
    event->host_bytes = size_bytes;
    CudaEvent *const turn = event.get();
    return timeline_->submit(std::move(event), "cuMemcpyHtoDAsync", false, [&](CUstream stream) {
        const CUresult code = cuda().cuLaunchHostFunc(stream, copy_on_host, turn);
        return code != CUDA_SUCCESS
                   ? code
                   : cuda().cuMemcpyHtoDAsync_v2(to, block->host, size_bytes, stream);
    });
}

EventResult CudaQueue::read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                            uint64_t size_bytes) {
    const CUdeviceptr source = address_of(*from, offset);
    const auto block = staging(data, size_bytes);
    CudaEventPtr event = holding(from, block);
    if (block == nullptr)
        return timeline_->submit(std::move(event), "cuMemcpyDtoHAsync", true, [&](CUstream stream) {
            return cuda().cuMemcpyDtoHAsync_v2(data, source, size_bytes, stream);
        });
    event->host_to = data;
    event->host_from = block->host;
    event->host_bytes = size_bytes;
    CudaEvent *const turn = event.get();
    return timeline_->submit(std::move(event), "cuMemcpyDtoHAsync", false, [&](CUstream stream) {
        const CUresult code = cuda().cuMemcpyDtoHAsync_v2(block->host, source, size_bytes, stream);
        return code != CUDA_SUCCESS ? code : cuda().cuLaunchHostFunc(stream, copy_on_host, turn);
    });
}

EventResult CudaQueue::copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                            const std::shared_ptr<Memory> &from, uint64_t from_offset,
                            uint64_t size_bytes) {
    return timeline_->submit(holding(to, from), "cuMemcpyAsync", true, [&](CUstream stream) {
        return cuda().cuMemcpyAsync(address_of(*to, to_offset), address_of(*from, from_offset),
                                    size_bytes, stream);
    });
}

EventResult CudaQueue::copy_from(Queue &of, const std::shared_ptr<Memory> &to, uint64_t to_offset,
                                 const std::shared_ptr<Memory> &from, uint64_t from_offset,
                                 uint64_t size_bytes) {
    if (of.runtime != &cuda_runtime)
        return base::error(Status::Unsupported, "CUDA reaches its own devices only");
    CudaContext &other = *static_cast<CudaQueue &>(of).context_;
    if (other.device == context_->device)
        return copy(to, to_offset, from, from_offset, size_bytes);
    if (!cuda().has(api::CudaGroup::Peer))
        return base::error(Status::Unsupported, "this CUDA driver copies nothing between devices");
    connect_cuda(*context_, other);
    return timeline_->submit(holding(to, from), "cuMemcpyPeerAsync", true, [&](CUstream stream) {
        return cuda().cuMemcpyPeerAsync(address_of(*to, to_offset), context_->handle,
                                        address_of(*from, from_offset), other.handle, size_bytes,
                                        stream);
    });
}

// ---- Launches ----

void hold_launch(CudaEvent &event, const std::shared_ptr<Program> &program,
                 std::span<const Arg> args) {
    event.hold(program);
    for (const Arg &arg : args)
        if (arg.memory != nullptr)
            event.hold(*arg.memory);
}

EventResult CudaQueue::run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                           const Shape &shape) {
    auto &mine = static_cast<CudaProgram &>(*program);
    CudaEventPtr event = timeline_->make();
    hold_launch(*event, program, args);
    base::Done said;
    if (mine.recording) {
        auto put =
            timeline_->submit(std::move(event), "cuGraphLaunch", false, [&](CUstream stream) {
                return static_cast<CudaRecording &>(mine).replay(stream, said);
            });
        return said ? std::move(put) : EventResult(std::move(said.error()));
    }
    auto &kernel = static_cast<CudaKernel &>(mine);
    CudaParams params;
    HWA_CHECK(pack_cuda(kernel, args, shape, params));
    auto put = timeline_->submit(std::move(event), "cuLaunchKernel", true, [&](CUstream stream) {
        return launch_cuda(kernel, params, shape, stream, said);
    });
    return said ? std::move(put) : EventResult(std::move(said.error()));
}

EventResult CudaQueue::run_many(std::span<const Launch> launches) {
    CudaEventPtr event = timeline_->make();
    CudaParams params;
    base::Done said;
    for (const Launch &launch : launches) {
        auto &mine = static_cast<CudaProgram &>(*launch.program);
        if (!mine.recording)
            HWA_CHECK(
                pack_cuda(static_cast<CudaKernel &>(mine), launch.args, launch.shape, params));
    }
    for (const Launch &launch : launches)
        hold_launch(*event, launch.program, launch.args);
    auto put = timeline_->submit(std::move(event), "cuLaunchKernel", false, [&](CUstream stream) {
        for (const Launch &launch : launches) {
            auto &mine = static_cast<CudaProgram &>(*launch.program);
            CUresult code = CUDA_SUCCESS;
            if (mine.recording) {
                code = static_cast<CudaRecording &>(mine).replay(stream, said);
            } else {
                auto &kernel = static_cast<CudaKernel &>(mine);
                said = pack_cuda(kernel, launch.args, launch.shape, params);
                code = said ? launch_cuda(kernel, params, launch.shape, stream, said)
                            : CUDA_ERROR_INVALID_VALUE;
            }
            if (code != CUDA_SUCCESS)
                return code;
        }
        return CUDA_SUCCESS;
    });
    return said ? std::move(put) : EventResult(std::move(said.error()));
}

// ---- Between queues ----

base::Result<bool> CudaQueue::wait_for(const std::shared_ptr<Event> &event, Queue &of) {
    if (of.runtime != &cuda_runtime)
        return false;
    auto &theirs = static_cast<CudaEvent &>(*event);
    const std::shared_ptr<CudaTimeline> &other = static_cast<CudaQueue &>(of).timeline_;
    HWA_CHECK(other->mark(theirs));
    CudaEventPtr mine = timeline_->make();
    mine->other = event;
    mine->of = other;
    CUevent const mark = theirs.mark.load(std::memory_order_acquire);
    HWA_CHECK(timeline_->submit(std::move(mine), "cuStreamWaitEvent", true, [&](CUstream stream) {
        return mark == nullptr ? CUDA_SUCCESS : cuda().cuStreamWaitEvent(stream, mark, 0);
    }));
    return true;
}

base::Result<std::shared_ptr<Gate>> CudaQueue::gate() {
    if (!cuda().has(api::CudaGroup::StreamValues))
        return base::error(Status::Unsupported,
                           "this CUDA driver cannot let a stream wait for the host; it takes one "
                           "of CUDA 11.7 or later");
    const CudaCurrent current(*context_);
    auto number = CudaPinned::take(context_, sizeof(uint32_t));
    if (number == nullptr)
        return base::error(Status::HostMemory, "no page-locked memory for a gate");
    __atomic_store_n(static_cast<uint32_t *>(number->host), 0, __ATOMIC_RELEASE);
    CUdeviceptr address = 0;
    HWA_CU(cuda(), "cuMemHostGetDevicePointer",
           cuda().cuMemHostGetDevicePointer_v2(&address, number->host, 0));
    CudaEventPtr event = holding(number);
    auto verdict = std::make_shared<CudaVerdict>();
    event->verdict = verdict;
    HWA_CHECK(
        timeline_->submit(std::move(event), "cuStreamWaitValue32", true, [&](CUstream stream) {
            return cuda().cuStreamWaitValue32_v2(stream, address, 1, CU_STREAM_WAIT_VALUE_GEQ);
        }));
    return std::shared_ptr<Gate>(std::make_shared<CudaGate>(std::move(number), std::move(verdict)));
}

} // namespace

constinit const Runtime cuda_runtime = {"cuda", CudaQueue::open};

} // namespace hwa::launch
