// SPDX-License-Identifier: MIT
// The CPU as a runtime: functions of this process, run in order by one thread and a pool.
#include "base/cpulist.h"
#include "launch/cpu_code.h"
#include "launch/cpu_line.h"

namespace hwa::launch {
namespace {

using base::Error;
using base::Status;

/// A gate is an event that the host ends.
class CpuGate final : public Gate {
  public:
    explicit CpuGate(std::shared_ptr<CpuEvent> event) : event_(std::move(event)) {}
    ~CpuGate() override { let_through(why_.get()); }
    void open(const base::Done &how) override { let_through(how ? nullptr : &how.error()); }

  private:
    void let_through(const Error *why) noexcept {
        if (opened_.exchange(true))
            return;
        try {
            if (why != nullptr && why != why_.get())
                *why_ = *why;
        } catch (const std::bad_alloc &) {
            why_->status = why->status; // the rest is told as it was prepared
        }
        event_->end(why == nullptr ? Failure{} : Failure{why_, false});
    }

    const std::shared_ptr<CpuEvent> event_;
    const std::shared_ptr<Error> why_ = std::make_shared<Error>(
        Error{Status::Cancelled, 0, "cpu", "the gate was given up without being opened"});
    std::atomic<bool> opened_{false};
};

/// The processors of a device that is a part of the machine; empty where it is all of it.
std::vector<uint32_t> cpus_of(const core::Device *device) {
    if (device == nullptr)
        return {};
    for (const core::Attr &attr : device->attrs)
        if (attr.key == "cpu.list")
            return os::usable_among(base::parse_cpulist(attr.s).value_or(std::vector<uint32_t>()));
    return {};
}

class CpuQueue final : public Queue {
  public:
    static base::Result<std::unique_ptr<Queue>> open(const OpenRequest &request) {
        return std::unique_ptr<Queue>(std::make_unique<CpuQueue>(request));
    }

    explicit CpuQueue(const OpenRequest &request)
        : line_(std::make_shared<Line>(Pool::of(cpus_of(request.device)), request.timed)),
          site_{request.compiler, request.cache, request.timeout_ns,
                code_identity(request.device)} {}

    ~CpuQueue() override {
        if (!running_)
            return;
        line_->stop();
        // A kernel or a release hook may be what lets go of the queue, and its work may wait for
        // what this very thread is doing; a kernel may never end.
        if (!os::is_own_thread() && line_->ended(site_.timeout_ns))
            thread_.join();
        else
            thread_.detach();
    }

    const Limits &limits() const override { return limits_; }
    void *native() const override { return nullptr; }
    std::string driver() const override { return {}; }

    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) override {
        auto made = std::make_shared<CpuMemory>(nullptr, nullptr);
        made->owned = true;
        made->data = ::operator new(request.size_bytes, host_alignment, std::nothrow);
        if (made->data == nullptr)
            return base::error(Status::HostMemory, "no memory for a buffer of %llu bytes",
                               static_cast<unsigned long long>(request.size_bytes));
        return std::shared_ptr<Memory>(std::move(made));
    }

    base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) override {
        void *memory = request.host != nullptr
                           ? request.host
                           : reinterpret_cast<void *>(static_cast<uintptr_t>(request.native));
        return std::shared_ptr<Memory>(std::make_shared<CpuMemory>(memory, request.lease));
    }

    EventResult write(const std::shared_ptr<Memory> &into, uint64_t offset, const void *data,
                      uint64_t size_bytes) override {
        return transfer(into, nullptr, address(*into, offset), data, size_bytes);
    }

    EventResult read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                     uint64_t size_bytes) override {
        return transfer(nullptr, from, data, address(*from, offset), size_bytes);
    }

    EventResult copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                     const std::shared_ptr<Memory> &from, uint64_t from_offset,
                     uint64_t size_bytes) override {
        return transfer(to, from, address(*to, to_offset), address(*from, from_offset), size_bytes);
    }

    /// The memory of all queues of the processor is that of the process.
    EventResult copy_from(Queue &of, const std::shared_ptr<Memory> &to, uint64_t to_offset,
                          const std::shared_ptr<Memory> &from, uint64_t from_offset,
                          uint64_t size_bytes) override {
        if (!knows(of))
            return base::error(Status::Unsupported,
                               "the cpu runtime copies from queues of its own only");
        return copy(to, to_offset, from, from_offset, size_bytes);
    }

    base::Result<void *> map(const std::shared_ptr<Memory> &memory) override {
        return memory->host();
    }

    base::Done unmap(const std::shared_ptr<Memory> &) override { return {}; }

    base::Result<std::shared_ptr<Program>> build(const CodeRequest &request,
                                                 std::string &log) override {
        HWA_TRY(auto program, build_cpu(site_, request, log));
        return std::shared_ptr<Program>(std::move(program));
    }

    EventResult run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                    const Shape &shape) override {
        return post(Steps(make_call(*store_, program, args, shape)));
    }

    EventResult run_many(std::span<const Launch> launches) override {
        return post(gather(launches));
    }

    base::Result<std::shared_ptr<Program>> record(std::span<const Launch> launches) override {
        auto program = std::make_shared<CpuProgram>();
        program->recorded = gather(launches);
        program->recorded.reverse();
        for (const Step *step = program->recorded.oldest(); step != nullptr; step = step->next)
            program->bound = program->bound || step->is_bound();
        return std::shared_ptr<Program>(std::move(program));
    }

    base::Result<bool> wait_for(const std::shared_ptr<Event> &event, Queue &of) override {
        if (!knows(of))
            return false;
        HWA_CHECK(hold(std::static_pointer_cast<CpuEvent>(event)));
        static_cast<CpuQueue &>(of).line_->wake();
        return true;
    }

    base::Result<std::shared_ptr<Gate>> gate() override {
        auto until = std::make_shared<CpuEvent>();
        auto made = std::make_shared<CpuGate>(until);
        HWA_CHECK(hold(std::move(until)));
        return std::shared_ptr<Gate>(std::move(made));
    }

    void notify(const std::shared_ptr<Event> &event, Notice notice) override {
        static_cast<CpuEvent &>(*event).notify(std::move(notice));
        line_->wake();
    }

    base::Done wait(const Event &event, uint64_t timeout_ns) override {
        const auto &mine = static_cast<const CpuEvent &>(event);
        if (!mine.is_over())
            line_->expect(mine, timeout_ns);
        if (!mine.wait(timeout_ns))
            return base::error(Status::Timeout, "the work is not done yet");
        return mine.outcome();
    }

    base::Done finish(uint64_t timeout_ns) override {
        return last_ == nullptr ? base::Done() : wait(*last_, timeout_ns);
    }

    uint64_t elapsed_ns(const Event &event) override {
        return static_cast<const CpuEvent &>(event).elapsed_ns();
    }

  private:
    static std::byte *address(const Memory &memory, uint64_t offset) {
        return static_cast<std::byte *>(memory.host()) + offset;
    }

    bool knows(const Queue &other) const {
        return &other == this || (runtime != nullptr && other.runtime == runtime);
    }

    EventResult transfer(const std::shared_ptr<Memory> &target,
                         const std::shared_ptr<Memory> &source, void *to, const void *from,
                         uint64_t size_bytes) {
        auto *const step = new (store_->take(sizeof(Transfer))) Transfer;
        step->target = target;
        step->source = source;
        step->to = to;
        step->from = from;
        step->size_bytes = size_bytes;
        return post(Steps(step));
    }

    EventResult hold(std::shared_ptr<CpuEvent> until) {
        auto *const step = new (store_->take(sizeof(Barrier))) Barrier;
        step->until = std::move(until);
        return post(Steps(step));
    }

    Steps gather(std::span<const Launch> launches) {
        Steps steps;
        for (const Launch &launch : launches)
            steps.add(make_call(*store_, launch.program, launch.args, launch.shape));
        return steps;
    }

    /// The thread starts with the first of them: opening a queue is free. Flattened because every
    /// launch comes by here.
    [[gnu::flatten]] EventResult post(Steps &&steps) {
        if (!running_) {
            HWA_TRY(thread_, Line::start(line_));
            running_ = true;
        }
        std::shared_ptr<CpuEvent> event =
            std::allocate_shared<CpuEvent>(StoreAllocator<CpuEvent>(*store_));
        steps.newest()->event = event;
        last_ = event;
        line_->post(std::move(steps));
        return std::shared_ptr<Event>(std::move(event));
    }

    const std::shared_ptr<Line> line_;
    const std::unique_ptr<Store, Store::Close> store_ = Store::make();
    std::shared_ptr<CpuEvent> last_;
    os::Thread thread_;
    bool running_ = false;
    const CodeSite site_;
    /// Bounded so that a wrong size is an error and not the end of the process.
    Limits limits_{.shared_bytes = 64u << 20,
                   .value_bytes = 1u << 20,
                   .timer_ns = 1,
                   .scratch_by_launch = true};
};

} // namespace

extern const Runtime cpu_runtime;
constinit const Runtime cpu_runtime = {"cpu", CpuQueue::open};

} // namespace hwa::launch
