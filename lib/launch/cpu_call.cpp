// SPDX-License-Identifier: MIT
// How a launch is laid out in its block, and how it runs.
#include "launch/cpu_call.h"

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

/// Cuts the block behind a call into its lists.
void lay_out(Call &call, size_t arg_count, const Needs &needs) {
    std::byte *free = reinterpret_cast<std::byte *>(&call) + value_place;
    free += (needs.value_bytes + 15) / 16 * 16;
    call.args = {new (free) void *[arg_count], arg_count};
    free += arg_count * sizeof(void *);
    call.arg_bytes = new (free) uint64_t[arg_count];
    free += arg_count * sizeof(uint64_t);
    auto *const memories = reinterpret_cast<std::shared_ptr<Memory> *>(free);
    std::uninitialized_default_construct_n(memories, needs.memories);
    call.memories = {memories, needs.memories};
}

void bind(Call &call, std::span<const Arg> args) {
    std::byte *const values = reinterpret_cast<std::byte *>(&call) + value_place;
    uint64_t used = 0;
    size_t held = 0;
    for (size_t i = 0; i < args.size(); ++i) {
        const Arg &arg = args[i];
        call.args[i] = nullptr;
        call.arg_bytes[i] = arg.size_bytes;
        if (arg.memory != nullptr) {
            call.args[i] = static_cast<std::byte *>(arg.memory->host()) + arg.offset;
            call.memories[held++] = arg.memory;
        } else if (arg.data != nullptr) {
            used = place_value(used, arg.size_bytes);
            call.args[i] = std::memcpy(values + used, arg.data, arg.size_bytes);
            used += arg.size_bytes;
        }
    }
}

std::optional<Error> perform_one(const Call &call, Pool &pool, Scratch &scratch) {
    const auto &program = static_cast<const CpuProgram &>(*call.program);
    if (program.kernel == nullptr)
        return program.recorded.perform(pool, scratch);
    HostJob job;
    job.kernel = program.kernel;
    job.state = program.state.get();
    job.args = call.args;
    job.arg_bytes = call.arg_bytes;
    job.shape = call.shape;
    job.groups = uint64_t{call.shape.grid[0]} * call.shape.grid[1] * call.shape.grid[2];
    pool.run(job, scratch);
    if (job.starved)
        return starved();
    if (job.code != 0)
        return kernel_failure(job.code);
    return {};
}

} // namespace

Calls::Calls(Calls &&other) noexcept
    : blocks_(std::move(other.blocks_)), first_(std::exchange(other.first_, nullptr)),
      last_(std::exchange(other.last_, nullptr)) {}

Calls &Calls::operator=(Calls &&other) noexcept {
    if (this == &other)
        return *this;
    clear();
    blocks_ = std::move(other.blocks_);
    first_ = std::exchange(other.first_, nullptr);
    last_ = std::exchange(other.last_, nullptr);
    return *this;
}

void Calls::clear() {
    while (first_ != nullptr) {
        Call *const call = std::exchange(first_, first_->next);
        const size_t bytes = call->block_bytes;
        std::destroy(call->memories.begin(), call->memories.end());
        std::destroy_at(call);
        blocks_->give(call, bytes);
    }
    last_ = nullptr;
}

void Calls::add(const std::shared_ptr<Program> &program, std::span<const Arg> args,
                const Shape &shape) {
    const Needs needs = count(args);
    const size_t bytes = value_place + (needs.value_bytes + 15) / 16 * 16 +
                         args.size() * (sizeof(void *) + sizeof(uint64_t)) +
                         needs.memories * sizeof(std::shared_ptr<Memory>);
    Call *const call = new (blocks_->take(bytes)) Call;
    call->block_bytes = bytes;
    call->program = program;
    call->shape = shape;
    lay_out(*call, args.size(), needs);
    bind(*call, args);
    (last_ == nullptr ? first_ : last_->next) = call;
    last_ = call;
}

std::optional<Error> Calls::perform(Pool &pool, Scratch &scratch) const {
    for (const Call *call = first_; call != nullptr; call = call->next)
        if (auto failure = perform_one(*call, pool, scratch))
            return failure;
    return {};
}

} // namespace hwa::launch
