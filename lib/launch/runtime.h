// SPDX-License-Identifier: MIT
// Runtime: the contract of one way to run work, and what passes through it.
//
// lib/capi checks every argument once, against the limits below; a runtime checks nothing again.
// A queue with its memories and programs is used by one thread at a time, except for wait(),
// elapsed_ns(), notify(), Gate::open() and the release of memories, programs and events, which any
// thread may do at any time.
#pragma once

#include "base/status.h"
#include "core/code.h"
#include "core/device.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace hwa::launch {

/// hwa_queue_info_t in C++: 0 where the runtime sets no limit.
struct Limits {
    uint32_t threads_per_group = 0;
    std::array<uint32_t, 3> group{};
    std::array<uint32_t, 3> grid{};
    uint32_t subgroup_size = 0;
    uint32_t shared_bytes = 0;     ///< per group, scratch arguments included
    uint32_t value_bytes = 0;      ///< of all values of one launch
    uint32_t buffers = 0;          ///< of one launch
    uint32_t offset_alignment = 1; ///< of a buffer argument
    uint32_t timer_ns = 0;
    uint64_t buffer_bytes = 0;
    uint64_t index_limit = UINT64_MAX; ///< threads of one launch in each direction
    bool scratch_by_launch = false;    ///< whether Shape::shared_bytes can reach a kernel
};

/// Keeps what the caller lent; its deleter is the caller's release hook.
using Lease = std::shared_ptr<const void>;

/// Memory that programs of one queue, and of those that share with it, can use.
struct Memory {
    virtual ~Memory() = default;
    virtual uint64_t native() const = 0;
    /// Where the host can use it at any time without mapping it, or NULL.
    virtual void *host() const { return nullptr; }
    /// Whether that is memory like any other of this process, which the host copies as fast itself.
    virtual bool is_plain() const { return false; }
};

/// What a kernel wants at a place in its list of arguments.
enum class Want { Any, Buffer, Value, Scratch };

/// A kernel, ready to run, with what the runtime knows of its needs.
struct Program {
    virtual ~Program() = default;
    bool knows_args = false;         ///< whether `args` tells how many there must be
    std::vector<Want> args;          ///< by place
    uint32_t threads_per_group = 0;  ///< its own limit; 0: the device's
    std::array<uint32_t, 3> group{}; ///< the group it was compiled for; 0: any
    uint64_t shared_bytes = 0;       ///< scratch it takes besides what a launch gives it
};

/// The completion of one piece of work.
struct Event {
    virtual ~Event() = default;
};

struct MemoryRequest {
    uint64_t size_bytes = 0;
    bool host_visible = false;
    bool read_only = false;
    void *host = nullptr; ///< memory to use in place
    uint64_t native = 0;  ///< or a handle of the runtime
    Lease lease;          ///< on either of them
};

/// One group of a launch, as a kernel for the CPU sees it.
struct HostCall {
    std::array<uint32_t, 3> group;
    std::array<uint32_t, 3> grid;
    std::array<uint32_t, 3> threads;
    std::span<void *const> args; ///< start of each range, value or scratch
    const uint64_t *arg_bytes;
    void *shared;
    uint32_t shared_bytes;
};

/// Runs one group; not 0 fails the launch.
using HostKernel = int32_t (*)(const void *state, const HostCall &call);

/// A vendor's library that puts work of its own into a queue, in place of a kernel. Both are called
/// by the queue's thread where the vendor's calls find the device: on CUDA, with its context
/// current.
struct LibraryWork {
    virtual ~LibraryWork() = default;
    /// Once, before a program is made of it. What it says is what build() answers.
    virtual base::Done prepare() = 0;
    /// Puts the work in; `native` is Queue::native(), the addresses are where the buffers among the
    /// arguments begin.
    virtual base::Done enqueue(void *native, std::span<const uint64_t> addresses) = 0;
};

struct CodeRequest {
    core::Code kind = core::Code::Unknown;
    /// For core::Code::Host; for other code of the CPU, what calls the function whose address is
    /// its first argument.
    HostKernel host = nullptr;
    Lease state;              ///< the first argument of `host`, for core::Code::Host
    bool same_thread = false; ///< `host` has threads of its own for each thread that calls it
    std::shared_ptr<LibraryWork> library; ///< for core::Code::Host where `host` is NULL
    std::span<const char> code;
    std::string entry;
    std::string options;
};

/// A buffer range where `memory` is set, else a value where `data` is, else scratch per group. It
/// keeps nothing: a runtime takes a share of its own in the memory, and copies the value.
struct Arg {
    const std::shared_ptr<Memory> *memory = nullptr;
    uint64_t offset = 0;
    const void *data = nullptr;
    uint64_t size_bytes = 0;
};

struct Shape {
    std::array<uint32_t, 3> grid{1, 1, 1};
    std::array<uint32_t, 3> group{1, 1, 1};
    uint32_t shared_bytes = 0;
};

using EventResult = base::Result<std::shared_ptr<Event>>;

/// Where the next value of a launch goes in a block of them, as C lays them out: aligned to the
/// largest power of two that divides its size, at most 16.
inline uint64_t place_value(uint64_t offset, uint64_t size_bytes) {
    uint64_t alignment_bytes = size_bytes & (~size_bytes + 1);
    alignment_bytes = alignment_bytes > 16 ? 16 : alignment_bytes;
    return (offset + alignment_bytes - 1) & ~(alignment_bytes - 1);
}

/// What is said of work that comes after the first failure of its queue.
base::Error after(const base::Error &first);

/// One of many launches; what it names lives as long as the call it is handed to.
struct Launch {
    const std::shared_ptr<Program> &program;
    std::span<const Arg> args;
    Shape shape;
};

/// What a queue has been told to wait for, when no driver can tell it of the end.
struct Gate {
    virtual ~Gate() = default;
    /// Lets the queue go on; a failure fails all that waits. Once, by any thread.
    virtual void open(const base::Done &how) = 0;
};

/// Called once, by any thread, when an event is over and how it went. It must be quick and may not
/// call the queue.
using Notice = std::function<void(const base::Done &how)>;

struct Runtime;

/// An open device: work put in runs in order and without waiting for the caller. Once one piece
/// of work has failed, its event and those of all later ones say so.
struct Queue {
    /// Lets the work in progress end first.
    virtual ~Queue() = default;

    /// Who opened it, so that two queues can tell whether they know each other's objects. Set by
    /// the caller of Runtime::open().
    const Runtime *runtime = nullptr;

    virtual const Limits &limits() const = 0;
    virtual void *native() const = 0;
    virtual std::string driver() const = 0;
    /// The number by which all users of the runtime in this process know the device; -1: none.
    virtual int32_t ordinal() const { return -1; }

    virtual base::Result<std::shared_ptr<Memory>> allocate(const MemoryRequest &request) = 0;
    virtual base::Result<std::shared_ptr<Memory>> wrap(const MemoryRequest &request) = 0;
    /// What lies at `data` is read when the turn of the write comes, not before: work of another
    /// queue, which this one was told to wait for, may put it there.
    virtual EventResult write(const std::shared_ptr<Memory> &into, uint64_t offset,
                              const void *data, uint64_t size_bytes) = 0;
    virtual EventResult read(const std::shared_ptr<Memory> &from, uint64_t offset, void *data,
                             uint64_t size_bytes) = 0;
    /// Between memories of this queue, or of those that share with it; ranges do not overlap.
    virtual EventResult copy(const std::shared_ptr<Memory> &to, uint64_t to_offset,
                             const std::shared_ptr<Memory> &from, uint64_t from_offset,
                             uint64_t size_bytes) = 0;
    /// From a memory of `of`, which does not share with this queue, by the shortest way of the
    /// driver. The caller has ordered the queues. Unsupported: there is no way but the host's.
    virtual EventResult copy_from(Queue &of, const std::shared_ptr<Memory> &to, uint64_t to_offset,
                                  const std::shared_ptr<Memory> &from, uint64_t from_offset,
                                  uint64_t size_bytes);
    /// Where the host finds the content of a memory that was asked for as host visible. All work
    /// that uses it is done, and none is put in before unmap().
    virtual base::Result<void *> map(const std::shared_ptr<Memory> &memory) = 0;
    virtual base::Done unmap(const std::shared_ptr<Memory> &memory) = 0;

    /// Unsupported, with the reason, for a kind of code this device does not take. What the
    /// compiler said goes to `log`, whatever comes of it.
    virtual base::Result<std::shared_ptr<Program>> build(const CodeRequest &request,
                                                         std::string &log) = 0;
    virtual EventResult run(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                            const Shape &shape) = 0;
    /// All of them in order, in one submission where the driver has such; the event is that of the
    /// last. When the driver refuses one, those before it may have run, and the queue has failed.
    virtual EventResult run_many(std::span<const Launch> launches) = 0;
    /// A program that does all of them each time it runs, without arguments of its own, for a few
    /// calls of the driver. It holds what they use.
    virtual base::Result<std::shared_ptr<Program>> record(std::span<const Launch> launches) = 0;

    /// Lets what is put in from here on wait for an event of another queue, in the driver. False if
    /// the driver cannot order these two, and then a gate has to do.
    virtual base::Result<bool> wait_for(const std::shared_ptr<Event> &event, Queue &of) = 0;
    /// Lets what is put in from here on wait until the gate is opened.
    virtual base::Result<std::shared_ptr<Gate>> gate() = 0;
    /// Calls `notice` when the event is over, at once if it is already.
    virtual void notify(const std::shared_ptr<Event> &event, Notice notice) = 0;

    /// Timeout if it is not done by then, else how it went.
    virtual base::Done wait(const Event &event, uint64_t timeout_ns) = 0;
    /// The same for all work put in so far.
    virtual base::Done finish(uint64_t timeout_ns) = 0;
    /// Time on the device; 0 unless done, in order, and the queue is timed.
    virtual uint64_t elapsed_ns(const Event &event) = 0;
    /// Takes the chance to let go of what work that has ended was holding.
    virtual void tidy() {}
};

class Cache;

struct OpenRequest {
    const core::Device *device = nullptr;
    const core::Runtime *runtime = nullptr;
    Queue *share = nullptr; ///< of the same device and runtime
    bool timed = false;
    bool compiler = false;        ///< may run the system's compiler
    std::string library_path;     ///< the only folder to look for drivers in; "": the system's
    std::shared_ptr<Cache> cache; ///< of built programs; may be NULL
    uint64_t timeout_ns = 0;      ///< how long closing may wait for work in progress
};

/// One runtime: how to open a device with it. The rest of the contract is Queue.
struct Runtime {
    const char *name;
    base::Result<std::unique_ptr<Queue>> (*open)(const OpenRequest &request);
};

/// Every runtime this library was built with.
std::span<const Runtime *const> runtimes();

/// The runtime of that name, or NULL.
const Runtime *find_runtime(std::string_view name);

} // namespace hwa::launch
