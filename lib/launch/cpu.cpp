// SPDX-License-Identifier: MIT
// The CPU as a runtime: functions of this process, run in order by one thread and a pool.
#include "launch/cpu_pool.h"

#include "os/host.h"
#include "os/latch.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <optional>
#include <variant>

namespace hwa::launch {
namespace {

using base::Error;
using base::Status;

/// Every allocation starts at a cache line, which also suits every vector register.
constexpr std::align_val_t alignment{64};

struct CpuMemory final : Memory {
    CpuMemory(void *memory, Lease on_loan) : data(memory), lease(std::move(on_loan)) {}
    ~CpuMemory() override {
        if (owned)
            ::operator delete(data, alignment);
    }
    uint64_t native() const override { return reinterpret_cast<uintptr_t>(data); }

    void *data;
    bool owned = false;
    Lease lease;
};

struct CpuProgram final : Program {
    HostKernel kernel = nullptr;
    Lease state;
};

struct CpuEvent final : Event {
    os::Latch done;
    std::optional<Error> failure; ///< this and the next are set before `done` opens
    uint64_t elapsed_ns = 0;
};

/// A copy between host memory and a buffer.
struct Transfer {
    std::shared_ptr<Memory> memory;
    void *to;
    const void *from;
    uint64_t size_bytes;
};

/// A launch: what it runs and what it keeps alive meanwhile.
struct Call {
    std::shared_ptr<Program> program;
    std::vector<std::shared_ptr<Memory>> memories;
    std::vector<HostArg> args;
    std::unique_ptr<std::max_align_t[]> values;
    Shape shape;
};

struct Task {
    std::shared_ptr<CpuEvent> event;
    std::variant<Transfer, Call> work;
};

/// What a queue and its thread share; the thread keeps it alive when it must outlive the queue.
struct Line {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Task> tasks;
    std::atomic<uint32_t> posted{0};
    bool stopping = false;
    os::Latch ended;
    std::shared_ptr<Pool> pool;
    bool timed = false;
    std::optional<Error> failure; ///< the first one; of the thread alone
};

/// Texts this short take no memory themselves.
Error starved() {
    return {Status::HostMemory, 0, "cpu", "no host memory"};
}

Error kernel_failure(int32_t code) {
    Error why = base::error(Status::Driver, "the host kernel returned %d", code);
    why.code = code;
    why.backend = "cpu";
    return why;
}

std::optional<Error> perform(Line &, Transfer &transfer) {
    std::memcpy(transfer.to, transfer.from, transfer.size_bytes);
    return {};
}

std::optional<Error> perform(Line &line, Call &call) {
    const auto &program = static_cast<const CpuProgram &>(*call.program);
    HostJob job;
    job.kernel = program.kernel;
    job.state = program.state.get();
    job.args = call.args;
    job.shape = call.shape;
    job.groups = uint64_t{call.shape.grid[0]} * call.shape.grid[1] * call.shape.grid[2];
    line.pool->run(job);
    if (job.starved)
        return starved();
    if (job.code != 0)
        return kernel_failure(job.code);
    return {};
}

void carry_out(Line &line, Task &task) {
    const uint64_t start = line.timed ? os::clock_ns() : 0;
    if (line.failure) {
        task.event->failure = after(*line.failure);
    } else {
        line.failure = std::visit([&](auto &work) { return perform(line, work); }, task.work);
        task.event->failure = line.failure;
        if (line.timed && !line.failure)
            task.event->elapsed_ns = std::max<uint64_t>(os::clock_ns() - start, 1);
    }
}

void complete(Line &line, Task &task) {
    try {
        carry_out(line, task);
    } catch (const std::bad_alloc &) { // A thread has nobody to throw at.
        if (!line.failure)
            line.failure = starved();
        task.event->failure = starved();
    }
    // Release hooks run before the event is done, so that who waited for it finds them called.
    task.work = Transfer{};
    task.event->done.open();
}

std::optional<Task> next_task(Line &line) {
    const uint32_t seen = line.posted.load();
    std::unique_lock lock(line.mutex);
    if (line.tasks.empty() && !line.stopping) {
        lock.unlock();
        const uint64_t until = os::clock_ns() + os::spin_ns;
        while (os::usable_cpus() > 1 && line.posted.load(std::memory_order_acquire) == seen &&
               os::clock_ns() < until)
            os::pause();
        lock.lock();
    }
    line.wake.wait(lock, [&] { return line.stopping || !line.tasks.empty(); });
    if (line.tasks.empty())
        return {};
    Task task = std::move(line.tasks.front());
    line.tasks.pop_front();
    return task;
}

void *serve(void *state) {
    const std::unique_ptr<std::shared_ptr<Line>> owner(static_cast<std::shared_ptr<Line> *>(state));
    Line &line = **owner;
    while (auto task = next_task(line))
        complete(line, *task);
    line.ended.open();
    return nullptr;
}

class CpuQueue final : public Queue {
  public:
    static base::Result<std::unique_ptr<Queue>> open(const OpenRequest &request) {
        auto queue = std::make_unique<CpuQueue>();
        queue->timeout_ns_ = request.timeout_ns;
        queue->line_->timed = request.timed;
        queue->line_->pool = request.share != nullptr
                                 ? static_cast<CpuQueue *>(request.share)->line_->pool
                                 : std::make_shared<Pool>();
        auto owner = std::make_unique<std::shared_ptr<Line>>(queue->line_);
        HWA_TRY(queue->thread_, os::start_thread("hwa-queue", serve, owner.get()));
        owner.release();
        queue->running_ = true;
        return std::unique_ptr<Queue>(std::move(queue));
    }

    ~CpuQueue() override {
        if (!running_)
            return;
        {
            const std::lock_guard lock(line_->mutex);
            line_->stopping = true;
        }
        line_->wake.notify_one();
        // A kernel may itself be what lets go of the queue; a kernel may never end.
        const bool inside = thread_.is_current() || line_->pool->is_current();
        if (!inside && line_->ended.wait(timeout_ns_))
            thread_.join();
        else
            thread_.detach();
    }

    const Limits &limits() const override { return limits_; }
    void *native() const override { return nullptr; }
    std::string driver() const override { return {}; }

    base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) override {
        void *memory = ::operator new(request.size_bytes, alignment, std::nothrow);
        if (memory == nullptr)
            return base::error(Status::HostMemory, "no memory for a buffer of %llu bytes",
                               static_cast<unsigned long long>(request.size_bytes));
        auto made = std::make_shared<CpuMemory>(memory, nullptr);
        made->owned = true;
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
        return post(Transfer{into, address(*into, offset), data, size_bytes});
    }

    EventResult read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                     uint64_t size_bytes) override {
        return post(Transfer{from, data, address(*from, offset), size_bytes});
    }

    base::Result<std::shared_ptr<Program>> build(const CodeRequest &request,
                                                 std::string &) override {
        if (request.kind != core::Code::Host)
            return base::error(Status::Unsupported, "the cpu runtime takes functions only");
        auto program = std::make_shared<CpuProgram>();
        program->kernel = request.host;
        program->state = request.state;
        return std::shared_ptr<Program>(std::move(program));
    }

    EventResult run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                    const Shape &shape) override {
        Call call;
        call.program = program;
        call.shape = shape;
        call.args.reserve(args.size());
        uint64_t value_bytes = 0;
        for (const Arg &arg : args)
            if (arg.memory == nullptr && arg.data != nullptr)
                value_bytes = place_value(value_bytes, arg.size_bytes) + arg.size_bytes;
        if (value_bytes != 0)
            call.values.reset(new std::max_align_t[value_bytes / sizeof(std::max_align_t) + 1]);
        bind(call, args);
        return post(std::move(call));
    }

    base::Done wait(const Event &event, uint64_t timeout_ns) override {
        const auto &mine = static_cast<const CpuEvent &>(event);
        if (!mine.done.wait(timeout_ns))
            return base::error(Status::Timeout, "the work is not done yet");
        if (mine.failure)
            return *mine.failure;
        return {};
    }

    base::Done finish(uint64_t timeout_ns) override {
        return last_ == nullptr ? base::Done() : wait(*last_, timeout_ns);
    }

    uint64_t elapsed_ns(const Event &event) override {
        const auto &mine = static_cast<const CpuEvent &>(event);
        return mine.done.is_open() ? mine.elapsed_ns : 0;
    }

  private:
    static std::byte *address(const Memory &memory, uint64_t offset) {
        return static_cast<std::byte *>(static_cast<const CpuMemory &>(memory).data) + offset;
    }

    static void bind(Call &call, std::span<const Arg> args) {
        uint64_t used = 0;
        for (const Arg &arg : args) {
            void *data = nullptr;
            if (arg.memory != nullptr) {
                data = address(*arg.memory, arg.offset);
                call.memories.push_back(arg.memory);
            } else if (arg.data != nullptr) {
                used = place_value(used, arg.size_bytes);
                data = reinterpret_cast<std::byte *>(call.values.get()) + used;
                std::memcpy(data, arg.data, arg.size_bytes);
                used += arg.size_bytes;
            }
            call.args.push_back({data, arg.size_bytes});
        }
    }

    EventResult post(std::variant<Transfer, Call> work) {
        auto event = std::make_shared<CpuEvent>();
        {
            const std::lock_guard lock(line_->mutex);
            line_->tasks.push_back({event, std::move(work)});
        }
        line_->posted.fetch_add(1, std::memory_order_release);
        line_->wake.notify_one();
        last_ = event;
        return std::shared_ptr<Event>(std::move(event));
    }

    std::shared_ptr<Line> line_ = std::make_shared<Line>();
    std::shared_ptr<CpuEvent> last_;
    os::Thread thread_;
    bool running_ = false;
    uint64_t timeout_ns_ = 0;
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
