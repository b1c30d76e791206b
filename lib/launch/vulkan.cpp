// SPDX-License-Identifier: MIT
// Vulkan as a runtime: launches, copies, batches and recordings on a timeline.
#include "launch/vulkan.h"

#include "base/units.h"
#include "launch/vulkan_timeline.h"
#include "launch/watcher.h"
#include "os/host.h"
#include "os/latch.h"
#include "os/thread.h"

#include <algorithm>
#include <cstring>

namespace hwa::launch {

extern const Runtime vulkan_runtime;

namespace {

using base::Status;

/// A copy through memory on the way goes in pieces of so much, so many at a time.
constexpr uint64_t piece_bytes = 64 * base::MiB;
constexpr size_t pieces_under_way = 4;

class VulkanQueue final : public Queue {
  public:
    static base::Result<std::unique_ptr<Queue>> open(const OpenRequest &request) {
        VulkanContextPtr context;
        if (request.share != nullptr) {
            context = static_cast<VulkanQueue *>(request.share)->timeline_->context();
        } else {
            HWA_TRY(context, open_vulkan(request));
        }
        HWA_TRY(VulkanTimelinePtr timeline,
                VulkanTimeline::create(std::move(context), request.timed));
        return std::unique_ptr<Queue>(std::make_unique<VulkanQueue>(std::move(timeline), request));
    }

    VulkanQueue(VulkanTimelinePtr timeline, const OpenRequest &request)
        : timeline_(std::move(timeline)), timed_(request.timed), timeout_ns_(request.timeout_ns),
          watcher_([thread = watch_thread_](const Event &event) {
              thread->store(std::this_thread::get_id());
              const auto &mine = static_cast<const VulkanEvent &>(event);
              return mine.timeline == nullptr ? base::Done()
                                              : mine.timeline->wait(mine, os::forever_ns);
          }) {}

    ~VulkanQueue() override {
        // A release hook may be what lets go of the queue, and its work may wait for what this very
        // thread is doing.
        const bool own = os::is_own_thread();
        const base::Done done = timeline_->wait_all(own ? 0 : timeout_ns_);
        if (done || done.error().status != Status::Timeout) {
            if (!own)
                drain_watcher();
            timeline_->close();
            return;
        }
        // A driver that is still at work must find everything in its place.
        static_cast<void>(new VulkanTimelinePtr(timeline_));
        if (own)
            watch(timeline_->last_event(), [](const base::Done &) {});
        else
            timeline_->give_up();
    }

    const Limits &limits() const override { return context().limits; }
    void *native() const override { return timeline_->native(); }
    std::string driver() const override { return context().driver; }

    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) override {
        HWA_TRY(auto made,
                allocate_vulkan(timeline_->context(), request.size_bytes,
                                request.host_visible ? VulkanPlace::Host : VulkanPlace::Device));
        return std::shared_ptr<Memory>(std::move(made));
    }
    base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) override {
        return wrap_vulkan(timeline_->context(), request);
    }

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
                                                 std::string &log) override {
        auto built = build_vulkan(timeline_->context(), request);
        if (!built && built.error().status == Status::Build)
            log = built.error().message; // drivers have no log of their own
        return built;
    }
    EventResult run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                    const Shape &shape) override {
        return submit([&](VulkanSlot &slot) -> base::Done {
            auto &mine = static_cast<VulkanProgram &>(*program);
            if (mine.recording == nullptr)
                return write_launch(slot, program, args, shape);
            slot.recorded = mine.recording->commands;
            slot.holds.push_back(program);
            return {};
        });
    }
    EventResult run_many(std::span<const Launch> launches) override;
    base::Result<std::shared_ptr<Program>> record(std::span<const Launch> launches) override {
        return record_vulkan(timeline_->context(), launches);
    }

    base::Result<bool> wait_for(const std::shared_ptr<Event> &event, Queue &of) override;
    base::Result<std::shared_ptr<Gate>> gate() override { return timeline_->close_gate(); }
    void notify(const std::shared_ptr<Event> &event, Notice notice) override;

    base::Done wait(const Event &event, uint64_t timeout_ns) override {
        return timeline_->wait(static_cast<const VulkanEvent &>(event), timeout_ns);
    }
    base::Done finish(uint64_t timeout_ns) override { return timeline_->wait_all(timeout_ns); }
    uint64_t elapsed_ns(const Event &event) override {
        const auto &mine = static_cast<const VulkanEvent &>(event);
        return timed_ && timeline_->wait(mine, 0) ? mine.elapsed_ns : 0;
    }
    void tidy() override { timeline_->tidy(); }

  private:
    const VulkanContext &context() const { return *timeline_->context(); }

    void watch(std::shared_ptr<Event> event, Notice notice) {
        watched_.store(true);
        watcher_.watch(std::move(event), std::move(notice));
    }
    /// The thread that watches must not be the last to hold the device: it would close it at some
    /// later time, while the process ends and the driver's library with it.
    void drain_watcher() {
        if (!watched_.load() || watch_thread_->load() == std::this_thread::get_id())
            return;
        const auto drained = std::make_shared<os::Latch>();
        watcher_.watch(std::make_shared<VulkanEvent>(),
                       [drained](const base::Done &) { drained->open(); });
        static_cast<void>(drained->wait(timeout_ns_));
    }

    /// One submission of what `write` puts into a command buffer.
    template <class Write> EventResult submit(Write &&write);
    /// By the host itself, where it can reach the memory and nothing is under way.
    template <class Copy> EventResult copy_now(Copy &&copy);
    /// Through memory on the way, piece by piece.
    template <class Piece> EventResult copy_in_pieces(uint64_t size_bytes, Piece &&piece);
    EventResult write_later(const std::shared_ptr<VulkanMemory> &memory, uint64_t offset,
                            const void *data, uint64_t size_bytes);
    base::Done write_stage(VulkanSlot &slot, std::shared_ptr<VulkanMemory> stage,
                           const std::shared_ptr<VulkanMemory> &into, uint64_t offset,
                           uint64_t size_bytes);
    base::Done read_stage(VulkanSlot &slot, const std::shared_ptr<Memory> &from, uint64_t offset,
                          void *data, uint64_t size_bytes);
    base::Done write_launch(VulkanSlot &slot, const std::shared_ptr<Program> &program,
                            std::span<const Arg> args, const Shape &shape);
    void write_copy(VkCommandBuffer commands, VkBuffer from, VkBuffer to,
                    const VkBufferCopy &region) const {
        context().vk.vkCmdCopyBuffer(commands, from, to, 1, &region);
        record_barrier(context(), commands);
    }

    VulkanTimelinePtr timeline_;
    const bool timed_;
    const uint64_t timeout_ns_;
    VulkanDispatch dispatch_; ///< kept for its memory
    std::atomic<bool> watched_{false};
    const std::shared_ptr<std::atomic<std::thread::id>> watch_thread_ =
        std::make_shared<std::atomic<std::thread::id>>();
    Watcher watcher_;
};

VulkanMemory &memory_of(const std::shared_ptr<Memory> &memory) {
    return static_cast<VulkanMemory &>(*memory);
}

template <class Write> EventResult VulkanQueue::submit(Write &&write) {
    if (timeline_->has_failed())
        return std::shared_ptr<Event>(timeline_->past_event());
    HWA_TRY(VulkanSlot *const slot, timeline_->take(timeout_ns_));
    if (base::Done written = write(*slot); !written) {
        timeline_->abandon(*slot);
        return std::move(written.error());
    }
    return timeline_->put(*slot);
}

template <class Copy> EventResult VulkanQueue::copy_now(Copy &&copy) {
    const uint64_t start = timed_ ? os::clock_ns() : 0;
    if (!timeline_->has_failed())
        HWA_CHECK(copy());
    auto event = timeline_->past_event();
    event->elapsed_ns = timed_ ? std::max<uint64_t>(os::clock_ns() - start, 1) : 0;
    return std::shared_ptr<Event>(std::move(event));
}

/// While the queue is idle, the turn of a copy is now. It goes in pieces then, and waits for the
/// oldest when too many are on the way.
template <class Piece> EventResult VulkanQueue::copy_in_pieces(uint64_t size_bytes, Piece &&piece) {
    std::array<std::shared_ptr<Event>, pieces_under_way> events;
    const auto passed_ns = timed_ ? std::make_shared<uint64_t>(0) : nullptr;
    size_t turn = 0;
    for (uint64_t begin = 0;;) {
        const uint64_t count = std::min(size_bytes - begin, piece_bytes);
        std::shared_ptr<Event> &event = events[turn++ % pieces_under_way];
        if (event != nullptr)
            HWA_CHECK(wait(*event, timeout_ns_));
        HWA_TRY(event, submit([&](VulkanSlot &slot) {
                    slot.passed_ns = passed_ns;
                    return piece(slot, begin, count);
                }));
        begin += count;
        if (begin == size_bytes)
            return event;
    }
}

/// What a write does when its turn has come: from the caller's memory to where the host can reach.
struct HostWrite {
    std::shared_ptr<VulkanMemory> into;
    uint64_t offset;
    const void *data;
    uint64_t size_bytes;

    base::Done run() const {
        std::memcpy(static_cast<char *>(into->mapped) + offset, data, size_bytes);
        return into->flush(offset, size_bytes);
    }
};

EventResult VulkanQueue::write(const std::shared_ptr<Memory> &into, uint64_t offset,
                               const void *data, uint64_t size_bytes) {
    const auto memory = std::static_pointer_cast<VulkanMemory>(into);
    const bool idle = timeline_->is_idle();
    if (memory->mapped != nullptr && idle)
        return copy_now([&] { return HostWrite{memory, offset, data, size_bytes}.run(); });
    if (!idle)
        return write_later(memory, offset, data, size_bytes);
    return copy_in_pieces(
        size_bytes, [&](VulkanSlot &slot, uint64_t begin, uint64_t count) -> base::Done {
            HWA_TRY(auto stage, timeline_->stages().take(timeline_->context(), count));
            HWA_CHECK((HostWrite{stage, 0, static_cast<const char *>(data) + begin, count}.run()));
            return write_stage(slot, std::move(stage), memory, offset + begin, count);
        });
}

/// The bytes are the host's to copy, and only when all before is done: a gate keeps the queue back
/// until they are.
EventResult VulkanQueue::write_later(const std::shared_ptr<VulkanMemory> &memory, uint64_t offset,
                                     const void *data, uint64_t size_bytes) {
    HWA_TRY(const auto before, submit([](VulkanSlot &) { return base::Done(); }));
    if (timeline_->has_failed())
        return std::shared_ptr<Event>(timeline_->past_event());
    HostWrite job{memory, offset, data, size_bytes};
    if (memory->mapped == nullptr) {
        HWA_TRY(job.into, timeline_->stages().take(timeline_->context(), size_bytes));
        job.offset = 0;
    }
    const std::shared_ptr<Gate> gate = timeline_->close_gate();
    auto event = submit([&](VulkanSlot &slot) -> base::Done {
        if (job.into != memory)
            return write_stage(slot, job.into, memory, offset, size_bytes);
        slot.holds.push_back(memory);
        return {};
    });
    // Without a slot behind it, it keeps nothing back and may be dropped.
    if (event)
        watch(before,
              [gate, timeline = timeline_, job = std::move(job)](const base::Done &how) mutable {
                  const base::Done done = how ? timeline->at_host([&] { return job.run(); }) : how;
                  // Whoever waits for the write must find that nothing holds the memory any more.
                  job.into.reset();
                  gate->open(done);
              });
    else
        gate->open({});
    return event;
}

base::Done VulkanQueue::write_stage(VulkanSlot &slot, std::shared_ptr<VulkanMemory> stage,
                                    const std::shared_ptr<VulkanMemory> &into, uint64_t offset,
                                    uint64_t size_bytes) {
    HWA_CHECK(timeline_->begin(slot));
    write_copy(slot.commands, stage->buffer, into->buffer, {0, offset, size_bytes});
    slot.deliveries.push_back({std::move(stage), nullptr, 0});
    slot.holds.push_back(into);
    return {};
}

base::Done VulkanQueue::read_stage(VulkanSlot &slot, const std::shared_ptr<Memory> &from,
                                   uint64_t offset, void *data, uint64_t size_bytes) {
    HWA_TRY(auto stage, timeline_->stages().take(timeline_->context(), size_bytes));
    HWA_CHECK(timeline_->begin(slot));
    write_copy(slot.commands, memory_of(from).buffer, stage->buffer, {offset, 0, size_bytes});
    slot.deliveries.push_back({std::move(stage), data, size_bytes});
    slot.delivers = true;
    slot.holds.push_back(from);
    return {};
}

EventResult VulkanQueue::read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                              uint64_t size_bytes) {
    const VulkanMemory &memory = memory_of(from);
    const bool idle = timeline_->is_idle();
    if (memory.mapped != nullptr && idle)
        return copy_now([&]() -> base::Done {
            HWA_CHECK(memory.invalidate(offset, size_bytes));
            std::memcpy(data, static_cast<const char *>(memory.mapped) + offset, size_bytes);
            return {};
        });
    if (!idle)
        return submit(
            [&](VulkanSlot &slot) { return read_stage(slot, from, offset, data, size_bytes); });
    return copy_in_pieces(size_bytes, [&](VulkanSlot &slot, uint64_t begin, uint64_t count) {
        return read_stage(slot, from, offset + begin, static_cast<char *>(data) + begin, count);
    });
}

EventResult VulkanQueue::copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                              const std::shared_ptr<Memory> &from, uint64_t from_offset,
                              uint64_t size_bytes) {
    return submit([&](VulkanSlot &slot) -> base::Done {
        HWA_CHECK(timeline_->begin(slot));
        write_copy(slot.commands, memory_of(from).buffer, memory_of(to).buffer,
                   {from_offset, to_offset, size_bytes});
        slot.holds.push_back(to);
        slot.holds.push_back(from);
        return {};
    });
}

base::Result<void *> VulkanQueue::map(const std::shared_ptr<Memory> &memory) {
    const VulkanMemory &mine = memory_of(memory);
    if (mine.mapped == nullptr)
        return base::error(Status::Unsupported, "the host cannot reach this memory in place");
    HWA_CHECK(mine.invalidate(0, mine.size_bytes));
    return mine.mapped;
}

base::Done VulkanQueue::unmap(const std::shared_ptr<Memory> &memory) {
    const VulkanMemory &mine = memory_of(memory);
    return mine.flush(0, mine.size_bytes);
}

/// Packed first: what is wrong with a launch is found before the driver hears of it.
base::Done VulkanQueue::write_launch(VulkanSlot &slot, const std::shared_ptr<Program> &program,
                                     std::span<const Arg> args, const Shape &shape) {
    auto &mine = static_cast<VulkanProgram &>(*program);
    // A batch often launches one program again and again: held once, it is held.
    if (dispatch_.program != &mine || !slot.begun)
        slot.holds.emplace_back(program);
    HWA_CHECK(pack_vulkan(mine, args, shape, dispatch_));
    if (!slot.begun)
        HWA_CHECK(timeline_->begin(slot));
    HWA_CHECK(record_dispatch(context(), slot.commands, dispatch_, slot.bound, slot.sets));
    for (const Arg &arg : args)
        if (arg.memory != nullptr)
            slot.holds.emplace_back(*arg.memory);
    return {};
}

EventResult VulkanQueue::run_many(std::span<const Launch> launches) {
    return submit([&](VulkanSlot &slot) -> base::Done {
        for (const Launch &launch : launches)
            HWA_CHECK(write_launch(slot, launch.program, launch.args, launch.shape));
        return {};
    });
}

base::Result<bool> VulkanQueue::wait_for(const std::shared_ptr<Event> &event, Queue &of) {
    if (of.runtime != &vulkan_runtime)
        return false;
    const auto &theirs = static_cast<const VulkanEvent &>(*event);
    if (theirs.timeline->context() != timeline_->context())
        return false;
    // The driver knows nothing of what the host has yet to copy.
    if (theirs.delivers && !theirs.timeline->is_over(theirs))
        return false;
    return timeline_->wait_for(theirs.timeline, theirs.value);
}

void VulkanQueue::notify(const std::shared_ptr<Event> &event, Notice notice) {
    const auto &mine = static_cast<const VulkanEvent &>(*event);
    base::Done now = timeline_->wait(mine, 0);
    if (now || now.error().status != Status::Timeout)
        notice(now);
    else
        watch(event, std::move(notice));
}

} // namespace

constinit const Runtime vulkan_runtime = {"vulkan", VulkanQueue::open};

} // namespace hwa::launch
