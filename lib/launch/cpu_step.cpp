// SPDX-License-Identifier: MIT
// How a launch is laid out in its block, and how steps are done.
#include "launch/cpu_step.h"

#include "base/units.h"
#include "os/latch.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

namespace hwa::launch {

using base::Error;
using base::Status;

/// Texts this short take no memory themselves.
static Error starved() {
    return {Status::HostMemory, 0, "cpu", "no host memory"};
}

static Error kernel_failure(int32_t code) {
    Error why = base::error(Status::Driver, "the host kernel returned %d", code);
    why.code = code;
    why.backend = "cpu";
    return why;
}

CpuMemory::~CpuMemory() {
    if (owned)
        ::operator delete(data, host_alignment);
}

namespace {

constexpr uint64_t padded(uint64_t bytes) {
    return (bytes + 15) / 16 * 16;
}

/// Each value has a place with the largest alignment that one may need.
uint64_t count_values(std::span<const Arg> args) {
    uint64_t bytes = 0;
    for (const Arg &arg : args)
        if (arg.data != nullptr)
            bytes += padded(arg.size_bytes);
    return bytes;
}

/// Values, addresses, sizes and holds lie behind the call in this order.
constexpr size_t value_place = padded(sizeof(Call));

void bind(Call &call, std::span<const Arg> args, std::byte *value) {
    void **at = call.args;
    uint64_t *bytes = call.arg_bytes;
    std::shared_ptr<Memory> *hold = call.memories;
    for (const Arg &arg : args) {
        *at = nullptr;
        *bytes++ = arg.size_bytes;
        if (arg.memory != nullptr) {
            const auto &memory = static_cast<const CpuMemory &>(**arg.memory);
            *at = static_cast<std::byte *>(memory.data) + arg.offset;
            new (hold++) std::shared_ptr<Memory>(*arg.memory);
        } else if (arg.data != nullptr) {
            *at = std::memcpy(value, arg.data, arg.size_bytes);
            value += padded(arg.size_bytes);
        }
        ++at;
    }
    call.memory_count = static_cast<size_t>(hold - call.memories);
}

} // namespace

/// Every launch comes by here, so what it calls is put into it although the library is built small.
[[gnu::flatten]] Call *make_call(Store &store, const std::shared_ptr<Program> &program,
                                 std::span<const Arg> args, const Shape &shape) {
    const uint64_t value_bytes = count_values(args);
    constexpr size_t each = sizeof(void *) + sizeof(uint64_t) + sizeof(std::shared_ptr<Memory>);
    auto *const block =
        static_cast<std::byte *>(store.take(value_place + value_bytes + args.size() * each));
    Call *const call = new (block) Call(program, shape);
    call->arg_count = args.size();
    call->args = reinterpret_cast<void **>(block + value_place + value_bytes);
    call->arg_bytes = reinterpret_cast<uint64_t *>(call->args + args.size());
    call->memories = reinterpret_cast<std::shared_ptr<Memory> *>(call->arg_bytes + args.size());
    bind(*call, args, block + value_place);
    return call;
}

Call::~Call() {
    std::destroy_n(memories, memory_count);
}

namespace {

/// A thread gets its share of a copy in so many parts, lest all wait for one that was held up...
constexpr uint64_t parts_of_thread = 4;
/// ...but none that is hardly worth handing over.
constexpr uint64_t least_part_bytes = 512 << 10;

uint64_t part_bytes(const Transfer &transfer, uint64_t threads) {
    const uint64_t even = base::divide_up(transfer.size_bytes, threads * parts_of_thread);
    return std::max(least_part_bytes, padded(even));
}

int32_t move_part(const void *state, const HostCall &call) {
    const auto &transfer = *static_cast<const Transfer *>(state);
    const uint64_t bytes = part_bytes(transfer, call.threads[0]);
    const uint64_t first = bytes * call.group[0];
    std::memcpy(static_cast<std::byte *>(transfer.to) + first,
                static_cast<const std::byte *>(transfer.from) + first,
                std::min(bytes, transfer.size_bytes - first));
    return 0;
}

} // namespace

/// One thread alone does not fill the ways to memory.
std::optional<Error> Transfer::perform(const Bench &bench) const {
    const auto target_at = reinterpret_cast<uintptr_t>(to);
    const auto source_at = reinterpret_cast<uintptr_t>(from);
    const uint64_t apart = std::max(target_at, source_at) - std::min(target_at, source_at);
    const uint32_t threads = bench.pool.width();
    if (threads == 1 || size_bytes < 2 * least_part_bytes || apart < size_bytes) {
        std::memmove(to, from, size_bytes); // two buffers may be the same memory of the host
        return {};
    }
    HostJob job;
    job.kernel = move_part;
    job.state = this;
    job.groups = base::divide_up(size_bytes, part_bytes(*this, threads));
    job.shape.grid[0] = static_cast<uint32_t>(job.groups);
    job.shape.group[0] = threads;
    bench.pool.run(job, bench.scratch);
    return {};
}

std::optional<Error> Barrier::perform(const Bench &) const {
    until->wait(os::forever_ns);
    const base::Done how = until->outcome();
    if (how)
        return {};
    Error why = how.error();
    why.message = "what the queue waited for failed: " + why.message;
    return why;
}

bool Call::is_bound() const {
    return static_cast<const CpuProgram &>(*program).bound;
}

std::optional<Error> Call::perform(const Bench &bench) const {
    const auto &made = static_cast<const CpuProgram &>(*program);
    if (made.kernel == nullptr) {
        std::optional<Error> failure;
        for (const Step *step = made.recorded.oldest(); step != nullptr && !failure;
             step = step->next)
            failure = step->perform(bench);
        return failure;
    }
    HostJob job;
    job.kernel = made.kernel;
    job.state = made.state.get();
    job.args = {args, arg_count};
    job.arg_bytes = arg_bytes;
    job.shape = shape;
    job.groups = uint64_t{shape.grid[0]} * shape.grid[1] * shape.grid[2];
    bench.pool.run(job, bench.scratch);
    if (job.starved)
        return starved();
    if (job.code != 0)
        return kernel_failure(job.code);
    return {};
}

void Steps::destroy(Step *step) {
    std::destroy_at(step);
    Store::give(step);
}

Steps::~Steps() {
    Step *first = oldest_ != nullptr && oldest_->next != nullptr ? oldest_ : newest_;
    while (first != nullptr)
        destroy(std::exchange(first, first->next));
}

Steps::Steps(Steps &&other) noexcept
    : newest_(std::exchange(other.newest_, nullptr)),
      oldest_(std::exchange(other.oldest_, nullptr)) {}

Steps &Steps::operator=(Steps &&other) noexcept {
    std::swap(newest_, other.newest_);
    std::swap(oldest_, other.oldest_);
    return *this;
}

void Steps::add(Step *step) {
    step->next = newest_;
    newest_ = step;
    if (oldest_ == nullptr)
        oldest_ = step;
}

Step *Steps::reversed(Step *newest) {
    Step *first = nullptr;
    while (newest != nullptr) {
        Step *const before = std::exchange(newest->next, first);
        first = std::exchange(newest, before);
    }
    return first;
}

void Steps::reverse() {
    oldest_ = reversed(newest_);
}

} // namespace hwa::launch
