// SPDX-License-Identifier: MIT
// How a launch is laid out in its block, and how steps are done.
#include "launch/cpu_step.h"

#include "os/latch.h"

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

struct Needs {
    size_t memories = 0;
    uint64_t value_bytes = 0;
};

Needs count(std::span<const Arg> args) {
    Needs needs;
    for (const Arg &arg : args) {
        if (arg.memory != nullptr)
            ++needs.memories;
        else if (arg.data != nullptr)
            needs.value_bytes = place_value(needs.value_bytes, arg.size_bytes) + arg.size_bytes;
    }
    return needs;
}

/// The values come first behind the call itself, for they have the largest alignment.
constexpr size_t value_place = (sizeof(Call) + 15) / 16 * 16;

size_t list_place(const Needs &needs) {
    return value_place + (needs.value_bytes + 15) / 16 * 16;
}

/// Cuts the block behind a call into its lists, whose sizes the call has.
void lay_out(Call &call, const Needs &needs) {
    std::byte *free = reinterpret_cast<std::byte *>(&call) + list_place(needs);
    call.args = reinterpret_cast<void **>(free);
    free += call.arg_count * sizeof *call.args;
    call.arg_bytes = reinterpret_cast<uint64_t *>(free);
    free += call.arg_count * sizeof *call.arg_bytes;
    call.memories = reinterpret_cast<std::shared_ptr<Memory> *>(free);
}

void bind(Call &call, std::span<const Arg> args) {
    std::byte *const values = reinterpret_cast<std::byte *>(&call) + value_place;
    uint64_t used = 0;
    for (size_t i = 0; i < args.size(); ++i) {
        const Arg &arg = args[i];
        void *at = nullptr;
        if (arg.memory != nullptr) {
            at = static_cast<std::byte *>(static_cast<const CpuMemory &>(*arg.memory).data) +
                 arg.offset;
            new (call.memories + call.memory_count++) std::shared_ptr<Memory>(arg.memory);
        } else if (arg.data != nullptr) {
            used = place_value(used, arg.size_bytes);
            at = std::memcpy(values + used, arg.data, arg.size_bytes);
            used += arg.size_bytes;
        }
        call.args[i] = at;
        call.arg_bytes[i] = arg.size_bytes;
    }
}

} // namespace

Call *make_call(Store &store, const std::shared_ptr<Program> &program, std::span<const Arg> args,
                const Shape &shape) {
    const Needs needs = count(args);
    const size_t bytes = list_place(needs) + args.size() * (sizeof(void *) + sizeof(uint64_t)) +
                         needs.memories * sizeof(std::shared_ptr<Memory>);
    Call *const call = new (store.take(bytes)) Call;
    call->program = program;
    call->shape = shape;
    call->arg_count = args.size();
    lay_out(*call, needs);
    bind(*call, args);
    return call;
}

Call::~Call() {
    std::destroy_n(memories, memory_count);
}

std::optional<Error> Transfer::perform(const Bench &) const {
    std::memcpy(to, from, size_bytes);
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
