// SPDX-License-Identifier: MIT
// CUDA as a runtime: one stream for each queue, copies and launches. Document: CUDA Driver API,
// sections "Memory Management", "Stream Management", "Execution Control" and "API synchronization
// behavior".
#include "launch/cuda_timeline.h"
#include "launch/watcher.h"
#include "os/caller.h"
#include "os/thread.h"

#include <algorithm>
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

/// One that goes away unopened fails what waits for it, which would wait for ever.
class CudaGate final : public Gate {
  public:
    CudaGate(std::shared_ptr<CudaTimeline> timeline, std::shared_ptr<CudaVerdict> verdict)
        : timeline_(std::move(timeline)), verdict_(std::move(verdict)) {}
    ~CudaGate() override {
        if (verdict_ != nullptr)
            open(base::error(Status::Cancelled, "what the queue waits for was given up"));
    }

    void open(const base::Done &how) override {
        timeline_->open_gate(*verdict_, how);
        verdict_.reset();
    }

  private:
    std::shared_ptr<CudaTimeline> timeline_;
    std::shared_ptr<CudaVerdict> verdict_; ///< NULL once it is open
};

/// A copy of the host's own, of one piece after the other, each when its turn comes: only then is
/// the caller's memory as the work before it left it.
struct CudaHostCopy {
    std::byte *to;
    const std::byte *from;
    uint64_t left;
    uint64_t piece_bytes;
    bool is_read; ///< out of the same page-locked memory each time, else into it

    /// Called by the driver, which it may not call.
    static void run(void *user) {
        auto &self = *static_cast<CudaHostCopy *>(user);
        const uint64_t now = std::min(self.left, self.piece_bytes);
        std::memcpy(self.to, self.from, now);
        self.left -= now;
        self.to += self.is_read ? now : 0;
        self.from += self.is_read ? 0 : now;
    }
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
        // A hook that lets go of the queue must not wait: the work may wait for that very thread.
        // How it went, its events have said.
        const bool own = os::is_own_thread();
        static_cast<void>(static_cast<bool>(timeline_->wait_all(own ? 0 : timeout_ns_)));
        if (timeline_->idle())
            return;
        // What a device is still at work with must stay in its place: until the end of that, if it
        // may have one.
        if (const CudaEventPtr last = own ? timeline_->last() : nullptr; last != nullptr)
            watcher_.watch(last, [timeline = timeline_](const base::Done &) {});
        else
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

    /// True if a copy must go by way of page-locked memory of ours. The driver copies to and from
    /// pageable memory in the time of the caller, after all earlier work of the stream: that is as
    /// fast as it gets while there is none, and never returns while a kernel does not end.
    bool needs_staging(const void *data, uint64_t size_bytes) {
        const CudaCurrent current(*context_);
        if (!cuda().has(api::CudaGroup::HostFunctions))
            return false;
        // Behind a gate nobody is there to hear of what refuses_part() looks for.
        return timeline_->is_gated() ||
               (!cuda_pinned(*context_, data, size_bytes) && !timeline_->idle());
    }

    /// True if it must for another reason: the driver takes no memory that is page-locked in part.
    bool refuses_part(const EventResult &put) const {
        return !put && put.error().code == CUDA_ERROR_INVALID_VALUE &&
               cuda().has(api::CudaGroup::HostFunctions);
    }

    base::Done make_staging(uint64_t size_bytes);
    base::Done pack_many(std::span<const Launch> launches);
    EventResult write_staged(const std::shared_ptr<Memory> &into, CUdeviceptr to, const void *data,
                             uint64_t size_bytes);
    EventResult read_staged(const std::shared_ptr<Memory> &from, CUdeviceptr source, void *data,
                            uint64_t size_bytes);

    CudaContextPtr context_;
    uint64_t timeout_ns_;
    std::shared_ptr<CudaTimeline> timeline_;
    Watcher watcher_;
    /// One is enough, however many copies are under way: a stream does one thing at a time.
    std::shared_ptr<CudaPinned::Block> staging_;
    // The arguments of many launches, whose room is used again.
    std::vector<CudaParams> many_;
    std::vector<void *> many_list_;
    std::vector<CUdeviceptr> many_addresses_;
};

// ---- Copies ----

/// Larger ones are staged in pieces, for page-locked memory is dear.
constexpr uint64_t staging_most_bytes = uint64_t{4} << 20;

/// As large as is called for, if there is so much; what there is will do.
base::Done CudaQueue::make_staging(uint64_t size_bytes) {
    const CudaCurrent current(*context_);
    const uint64_t have = staging_ == nullptr ? 0 : staging_->size_bytes;
    for (uint64_t wanted = std::min(size_bytes, staging_most_bytes); wanted > have; wanted /= 2) {
        auto larger = CudaPinned::take(context_, wanted);
        if (larger == nullptr)
            continue;
        staging_ = std::move(larger);
        return {};
    }
    if (staging_ == nullptr)
        return base::error(Status::HostMemory,
                           "the driver has no page-locked memory for a copy that may not make the "
                           "caller wait");
    return {};
}

EventResult CudaQueue::write_staged(const std::shared_ptr<Memory> &into, CUdeviceptr to,
                                    const void *data, uint64_t size_bytes) {
    HWA_CHECK(make_staging(size_bytes));
    const uint64_t piece = staging_->size_bytes;
    auto *const block = static_cast<std::byte *>(staging_->host);
    const auto turn = std::make_shared<CudaHostCopy>(
        CudaHostCopy{block, static_cast<const std::byte *>(data), size_bytes, piece, false});
    CudaEventPtr event = holding(into, staging_);
    event->hold(turn);
    const auto put = [&cuda = cuda(), turn = turn.get(), block, to, size_bytes,
                      piece](CUstream stream) {
        CUresult code = CUDA_SUCCESS;
        for (uint64_t at = 0; at < size_bytes && code == CUDA_SUCCESS; at += piece) {
            code = cuda.cuLaunchHostFunc(stream, CudaHostCopy::run, turn);
            if (code == CUDA_SUCCESS)
                code = cuda.cuMemcpyHtoDAsync_v2(to + at, block, std::min(piece, size_bytes - at),
                                                 stream);
        }
        return code;
    };
    return timeline_->submit(std::move(event), "cuMemcpyHtoDAsync", false, put);
}

EventResult CudaQueue::write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                             uint64_t size_bytes) {
    const CUdeviceptr to = address_of(*into, offset);
    if (needs_staging(data, size_bytes))
        return write_staged(into, to, data, size_bytes);
    auto put = timeline_->submit(holding(into), "cuMemcpyHtoDAsync", true,
                                 [&cuda = cuda(), to, data, size_bytes](CUstream stream) {
                                     return cuda.cuMemcpyHtoDAsync_v2(to, data, size_bytes, stream);
                                 });
    return refuses_part(put) ? write_staged(into, to, data, size_bytes) : std::move(put);
}

EventResult CudaQueue::read_staged(const std::shared_ptr<Memory> &from, CUdeviceptr source,
                                   void *data, uint64_t size_bytes) {
    HWA_CHECK(make_staging(size_bytes));
    const uint64_t piece = staging_->size_bytes;
    auto *const block = static_cast<std::byte *>(staging_->host);
    const auto turn = std::make_shared<CudaHostCopy>(
        CudaHostCopy{static_cast<std::byte *>(data), block, size_bytes, piece, true});
    CudaEventPtr event = holding(from, staging_);
    event->hold(turn);
    const auto put = [&cuda = cuda(), turn = turn.get(), block, source, size_bytes,
                      piece](CUstream stream) {
        CUresult code = CUDA_SUCCESS;
        for (uint64_t at = 0; at < size_bytes && code == CUDA_SUCCESS; at += piece) {
            code = cuda.cuMemcpyDtoHAsync_v2(block, source + at, std::min(piece, size_bytes - at),
                                             stream);
            if (code == CUDA_SUCCESS)
                code = cuda.cuLaunchHostFunc(stream, CudaHostCopy::run, turn);
        }
        return code;
    };
    return timeline_->submit(std::move(event), "cuMemcpyDtoHAsync", false, put);
}

EventResult CudaQueue::read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                            uint64_t size_bytes) {
    const CUdeviceptr source = address_of(*from, offset);
    if (needs_staging(data, size_bytes))
        return read_staged(from, source, data, size_bytes);
    auto put =
        timeline_->submit(holding(from), "cuMemcpyDtoHAsync", true,
                          [&cuda = cuda(), source, data, size_bytes](CUstream stream) {
                              return cuda.cuMemcpyDtoHAsync_v2(data, source, size_bytes, stream);
                          });
    return refuses_part(put) ? read_staged(from, source, data, size_bytes) : std::move(put);
}

EventResult CudaQueue::copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                            const std::shared_ptr<Memory> &from, uint64_t from_offset,
                            uint64_t size_bytes) {
    return timeline_->submit(holding(to, from), "cuMemcpyAsync", true,
                             [&cuda = cuda(), into = address_of(*to, to_offset),
                              source = address_of(*from, from_offset),
                              size_bytes](CUstream stream) {
                                 return cuda.cuMemcpyAsync(into, source, size_bytes, stream);
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
    const auto put = [&cuda = cuda(), into = address_of(*to, to_offset), mine = context_->handle,
                      source = address_of(*from, from_offset), theirs = other.handle,
                      size_bytes](CUstream stream) {
        return cuda.cuMemcpyPeerAsync(into, mine, source, theirs, size_bytes, stream);
    };
    return timeline_->submit(holding(to, from), "cuMemcpyPeerAsync", true, put);
}

// ---- Launches ----

void hold_launch(CudaEvent &event, const std::shared_ptr<Program> &program,
                 std::span<const Arg> args) {
    event.hold(program);
    for (const Arg &arg : args)
        if (arg.memory != nullptr)
            event.hold(*arg.memory);
}

/// For later, with arguments of its own. A recording without a graph is that already.
CudaLater keep_launches(const CudaContextPtr &context, std::span<const Launch> launches) {
    auto kept = std::make_shared<CudaRecording>(context);
    for (const Launch &launch : launches)
        kept->keep(launch);
    return [kept = std::move(kept)](CUstream stream, base::Done &said) {
        return kept->replay(stream, said);
    };
}

EventResult CudaQueue::run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                           const Shape &shape) {
    auto &mine = static_cast<CudaProgram &>(*program);
    CudaEventPtr event = timeline_->make();
    hold_launch(*event, program, args);
    base::Done said;
    if (mine.recording) {
        auto &recording = static_cast<CudaRecording &>(mine);
        // The event holds it.
        const auto keep = [&recording] {
            return [&recording](CUstream stream, base::Done &why) {
                return recording.replay(stream, why);
            };
        };
        auto put = timeline_->submit(
            std::move(event), "cuGraphLaunch", false,
            [&](CUstream stream) { return recording.replay(stream, said); }, keep);
        return said ? std::move(put) : EventResult(std::move(said.error()));
    }
    auto &kernel = static_cast<CudaKernel &>(mine);
    CudaParamRoom room;
    CudaParams params = room.params();
    HWA_CHECK(pack_cuda(kernel, args, shape, params));
    auto put = timeline_->submit(
        std::move(event), "cuLaunchKernel", true,
        [&](CUstream stream) { return launch_cuda(kernel, params, shape, stream, said); },
        [&] {
            const Launch one{program, args, shape};
            return keep_launches(context_, {&one, 1});
        });
    if (!said)
        return std::move(said.error());
    return put;
}

/// What neighbours have in common is held once.
void hold_many(CudaEvent &event, std::span<const Launch> launches) {
    const Launch *before = nullptr;
    for (const Launch &launch : launches) {
        if (before == nullptr || before->program != launch.program)
            event.hold(launch.program);
        for (size_t i = 0; i < launch.args.size(); ++i) {
            const auto *const memory = launch.args[i].memory;
            const auto *const other =
                before != nullptr && i < before->args.size() ? before->args[i].memory : nullptr;
            if (memory != nullptr && (other == nullptr || *other != *memory))
                event.hold(*memory);
        }
        before = &launch;
    }
}

/// All are laid out before any is put in.
base::Done CudaQueue::pack_many(std::span<const Launch> launches) {
    size_t args = 0;
    for (const Launch &launch : launches)
        args += launch.args.size();
    many_.resize(launches.size());
    many_list_.resize(args);
    many_addresses_.resize(args);
    size_t at = 0;
    for (size_t i = 0; i < launches.size(); ++i) {
        const Launch &launch = launches[i];
        auto &mine = static_cast<CudaProgram &>(*launch.program);
        many_[i] = {many_list_.data() + at, many_addresses_.data() + at};
        if (!mine.recording)
            HWA_CHECK(
                pack_cuda(static_cast<CudaKernel &>(mine), launch.args, launch.shape, many_[i]));
        at += launch.args.size();
    }
    return {};
}

EventResult CudaQueue::run_many(std::span<const Launch> launches) {
    CudaEventPtr event = timeline_->make();
    base::Done said;
    HWA_CHECK(pack_many(launches));
    hold_many(*event, launches);
    auto put = timeline_->submit(
        std::move(event), "cuLaunchKernel", false,
        [&](CUstream stream) {
            CUresult code = CUDA_SUCCESS;
            for (size_t i = 0; i < launches.size() && code == CUDA_SUCCESS; ++i) {
                auto &mine = static_cast<CudaProgram &>(*launches[i].program);
                code = mine.recording ? static_cast<CudaRecording &>(mine).replay(stream, said)
                                      : launch_cuda(static_cast<CudaKernel &>(mine), many_[i],
                                                    launches[i].shape, stream, said);
            }
            return code;
        },
        [&] { return keep_launches(context_, launches); });
    if (!said)
        return std::move(said.error());
    return put;
}

// ---- Between queues ----

base::Result<bool> CudaQueue::wait_for(const std::shared_ptr<Event> &event, Queue &of) {
    if (of.runtime != &cuda_runtime)
        return false;
    auto &theirs = static_cast<CudaEvent &>(*event);
    const std::shared_ptr<CudaTimeline> &other = static_cast<CudaQueue &>(of).timeline_;
    // A stream sees the end of work, not how it went; but a fault that comes later is one of the
    // context, in which nothing runs any more.
    if (!other->can_be_waited_for(theirs))
        return false;
    HWA_CHECK(other->mark(theirs));
    CudaEventPtr mine = timeline_->make();
    mine->other = event;
    mine->of = other;
    CUevent const mark = theirs.mark.load(std::memory_order_acquire);
    HWA_CHECK(timeline_->submit(
        std::move(mine), "cuStreamWaitEvent", true, [&cuda = cuda(), mark](CUstream stream) {
            return mark == nullptr ? CUDA_SUCCESS : cuda.cuStreamWaitEvent(stream, mark, 0);
        }));
    return true;
}

base::Result<std::shared_ptr<Gate>> CudaQueue::gate() {
    return std::shared_ptr<Gate>(std::make_shared<CudaGate>(timeline_, timeline_->close_gate()));
}

} // namespace

constinit const Runtime cuda_runtime = {"cuda", CudaQueue::open};

} // namespace hwa::launch
