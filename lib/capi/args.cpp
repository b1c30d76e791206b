// SPDX-License-Identifier: MIT
// Launches are checked here, once, before a runtime sees them.

// What runs for every launch, what it includes as well, is made for speed.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2")
#endif

#include "capi/entry.h"
#include "capi/launch.h"

#include "base/units.h"
#include "core/dtype.h"

#include <algorithm>

namespace hwa::capi {

using base::Status;
using launch::Arg;
using launch::Want;

using Number = unsigned long long;

/// A launch with more arguments than this is a mistake.
static constexpr size_t arg_limit = 1024;

static base::Done read_buffer(QueueState &state, const hwa_arg_t &given, size_t i) {
    const hwa_buffer_t &buffer = *given.buffer;
    if (buffer.queue->family != state.family)
        return base::error(Status::Invalid,
                           "args[%zu]: the buffer is of a queue that does not share with this one",
                           i);
    if (given.offset >= buffer.size_bytes)
        return base::error(Status::Range, "args[%zu]: offset %llu is past a buffer of %llu bytes",
                           i, Number{given.offset}, Number{buffer.size_bytes});
    const uint64_t rest = buffer.size_bytes - given.offset;
    if (given.size_bytes > rest)
        return base::error(
            Status::Range, "args[%zu]: %llu bytes from byte %llu on are not in a buffer of %llu", i,
            Number{given.size_bytes}, Number{given.offset}, Number{buffer.size_bytes});
    const uint32_t alignment = state.limits->offset_alignment;
    if (given.offset != 0 && given.offset % alignment != 0)
        return base::error(Status::Invalid, "args[%zu]: offset %llu is not a multiple of %u", i,
                           Number{given.offset}, alignment);
    if (is_mapped(buffer))
        return base::error(Status::Invalid, "args[%zu]: the buffer is mapped; unmap it first", i);
    const uint64_t size_bytes = given.size_bytes == 0 ? rest : given.size_bytes;
    Arg &into = state.args.next();
    into.memory = buffer.memory;
    into.offset = given.offset;
    into.data = nullptr;
    into.size_bytes = size_bytes;
    return {};
}

static base::Done read_arg(QueueState &state, const hwa_arg_t &given, size_t i) {
    if (given.buffer != nullptr)
        return read_buffer(state, given, i);
    if (given.size_bytes == 0)
        return base::error(Status::Invalid, "args[%zu]: has neither a buffer nor a size", i);
    if (given.size_bytes > PTRDIFF_MAX)
        return base::error(Status::Invalid, "args[%zu]: no value has %llu bytes", i,
                           Number{given.size_bytes});
    Arg &into = state.args.next();
    into.offset = 0;
    into.data = given.data;
    into.size_bytes = given.size_bytes;
    return {};
}

static Want kind_of(const Arg &arg) {
    if (arg.memory != nullptr)
        return Want::Buffer;
    return arg.data != nullptr ? Want::Value : Want::Scratch;
}

static const char *want_name(Want want) {
    switch (want) {
    case Want::Buffer:
        return "a buffer";
    case Want::Value:
        return "a value";
    default:
        return "scratch";
    }
}

/// Against what the kernel itself says, where it says something.
static base::Done check_wants(const launch::Program &program, std::span<const Arg> args) {
    if (!program.knows_args)
        return {};
    if (program.args.size() != args.size())
        return base::error(Status::Invalid, "the kernel takes %zu arguments, not %zu",
                           program.args.size(), args.size());
    for (size_t i = 0; i < args.size(); ++i)
        if (program.args[i] != Want::Any && program.args[i] != kind_of(args[i]))
            return base::error(Status::Invalid, "args[%zu]: the kernel takes %s here, not %s", i,
                               want_name(program.args[i]), want_name(kind_of(args[i])));
    return {};
}

static uint64_t add(uint64_t a, uint64_t b) {
    return base::checked_add(a, b).value_or(UINT64_MAX);
}

static base::Done check_amounts(const launch::Limits &limits, const launch::Program &program,
                                std::span<const Arg> args, uint64_t shared_bytes) {
    uint64_t values = 0;
    uint64_t scratch = shared_bytes + program.shared_bytes;
    uint64_t buffers = 0;
    for (const Arg &arg : args) {
        if (arg.memory != nullptr)
            ++buffers;
        else if (arg.data != nullptr)
            values = add(launch::place_value(values, arg.size_bytes), arg.size_bytes);
        else
            scratch = add(scratch, arg.size_bytes);
    }
    if (limits.buffers != 0 && buffers > limits.buffers)
        return base::error(Status::Unsupported, "%llu buffers are more than this queue's %u",
                           Number{buffers}, limits.buffers);
    if (limits.value_bytes != 0 && values > limits.value_bytes)
        return base::error(Status::Unsupported,
                           "%llu bytes of values are more than this queue's %u", Number{values},
                           limits.value_bytes);
    if (limits.shared_bytes != 0 && scratch > limits.shared_bytes)
        return base::error(Status::Unsupported,
                           "%llu bytes of scratch are more than this queue's %u", Number{scratch},
                           limits.shared_bytes);
    return {};
}

static base::Done check_group(const launch::Limits &limits, const launch::Program &program,
                              const launch::Shape &shape) {
    const auto threads =
        base::checked_mul(uint64_t{shape.group[0]} * shape.group[1], shape.group[2])
            .value_or(UINT64_MAX);
    const auto within = [](uint64_t value, uint64_t limit) { return limit == 0 || value <= limit; };
    for (size_t i = 0; i < 3; ++i) {
        if (!within(shape.group[i], limits.group[i]))
            return base::error(Status::Unsupported, "group[%zu] is %u, the limit %u", i,
                               shape.group[i], limits.group[i]);
        if (program.group[0] != 0 && shape.group[i] != program.group[i])
            return base::error(Status::Invalid, "the kernel is made for groups of %u x %u x %u",
                               program.group[0], program.group[1], program.group[2]);
    }
    if (!within(threads, limits.threads_per_group))
        return base::error(Status::Unsupported, "a group of %llu threads is over the limit of %u",
                           Number{threads}, limits.threads_per_group);
    if (!within(threads, program.threads_per_group))
        return base::error(Status::Unsupported,
                           "a group of %llu threads is over this kernel's limit of %u",
                           Number{threads}, program.threads_per_group);
    return {};
}

static base::Done check_grid(const launch::Limits &limits, const launch::Shape &shape) {
    std::optional<uint64_t> groups = 1;
    for (size_t i = 0; i < 3; ++i) {
        if (limits.grid[i] != 0 && shape.grid[i] > limits.grid[i])
            return base::error(Status::Unsupported, "grid[%zu] is %u, the limit %u", i,
                               shape.grid[i], limits.grid[i]);
        if (uint64_t{shape.grid[i]} * shape.group[i] > limits.index_limit)
            return base::error(Status::Unsupported, "grid[%zu] has more threads than %llu", i,
                               Number{limits.index_limit});
        groups = groups ? base::checked_mul(*groups, shape.grid[i]) : std::nullopt;
    }
    if (!groups || *groups > INT64_MAX)
        return base::error(Status::Unsupported, "a grid of %u x %u x %u groups is too large",
                           shape.grid[0], shape.grid[1], shape.grid[2]);
    return {};
}

static base::Done read_shape(const hwa_launch_options_t *given, launch::Shape &shape) {
    if (given == nullptr)
        return {};
    hwa_launch_options_t taken;
    if (given->struct_size != sizeof taken) {
        HWA_TRY(taken, take_in(given, "options"));
        given = &taken;
    }
    const hwa_launch_options_t &options = *given;
    for (size_t i = 0; i < 3; ++i) {
        shape.grid[i] = std::max(options.grid[i], 1u);
        shape.group[i] = std::max(options.group[i], 1u);
    }
    shape.shared_bytes = options.shared_bytes;
    return {};
}

static base::Done check_kernel(const QueueState &state, const hwa_program_t &program,
                               std::span<const Arg> args, const launch::Shape &shape) {
    const launch::Limits &limits = *state.limits;
    if (shape.shared_bytes != 0 && !limits.scratch_by_launch)
        return base::error(Status::Unsupported,
                           "%s hands scratch to a kernel as an argument only, not by "
                           "options.shared_bytes",
                           state.row->name.c_str());
    HWA_CHECK(check_wants(*program.program, args));
    HWA_CHECK(check_amounts(limits, *program.program, args, shape.shared_bytes));
    HWA_CHECK(check_group(limits, *program.program, shape));
    return check_grid(limits, shape);
}

/// What an argument says of itself must be what the operation was made for.
static base::Done check_layout(const launch::Binding &binding, const hwa_arg_t &given) {
    const auto dtype = static_cast<core::Dtype>(number(given.dtype));
    if (dtype != core::Dtype::Unknown && dtype != binding.dtype)
        return base::error(Status::Invalid, "%s is %s, not %s", binding.name,
                           core::dtype_name(binding.dtype), core::dtype_name(dtype));
    const size_t rank = binding.dims.size();
    if ((given.shape != nullptr || given.strides != nullptr) && given.rank != rank)
        return base::error(Status::Invalid, "%s has rank %zu, not %u", binding.name, rank,
                           given.rank);
    for (size_t i = 0; i < rank; ++i) {
        if (given.shape != nullptr && given.shape[i] != binding.dims[i])
            return base::error(Status::Invalid, "%s: dimension %zu is %lld, not %lld", binding.name,
                               i, static_cast<long long>(binding.dims[i]),
                               static_cast<long long>(given.shape[i]));
        if (given.strides != nullptr && given.strides[i] != binding.strides[i])
            return base::error(Status::Invalid, "%s: stride %zu is %lld, not %lld", binding.name, i,
                               static_cast<long long>(binding.strides[i]),
                               static_cast<long long>(given.strides[i]));
    }
    return {};
}

static base::Done check_overlap(const hwa_program_t &program, std::span<const Arg> args) {
    for (size_t i = 0; i < args.size(); ++i)
        for (size_t j = 0; j < args.size(); ++j) {
            const bool written = (program.bindings[i].flags & launch::BindingOutput) != 0;
            const auto end = [&](size_t of) {
                return args[of].offset + program.bindings[of].size_bytes;
            };
            if (program.bindings[i].in_place && args[i].offset == args[j].offset)
                continue;
            if (i != j && written && args[i].memory == args[j].memory && args[i].offset < end(j) &&
                args[j].offset < end(i))
                return base::error(Status::Invalid, "%s is written and overlaps %s",
                                   program.bindings[i].name, program.bindings[j].name);
        }
    return {};
}

static base::Done check_op(const hwa_program_t &program, std::span<const hwa_arg_t> given,
                           std::span<const Arg> args) {
    if (given.size() != program.bindings.size())
        return base::error(Status::Invalid, "%s takes %zu arguments, not %zu", program.name.c_str(),
                           program.bindings.size(), given.size());
    for (size_t i = 0; i < given.size(); ++i) {
        const launch::Binding &binding = program.bindings[i];
        if (given[i].buffer == nullptr)
            return base::error(Status::Invalid, "%s must be a buffer", binding.name);
        if ((binding.flags & launch::BindingOutput) != 0 && given[i].buffer->read_only)
            return base::error(Status::Invalid, "%s is written, and its buffer is read-only",
                               binding.name);
        if (args[i].size_bytes < binding.size_bytes)
            return base::error(Status::Range, "%s needs %llu bytes and has %llu", binding.name,
                               Number{binding.size_bytes}, Number{args[i].size_bytes});
        const core::DtypeRow *row = core::find_dtype(binding.dtype);
        if (row != nullptr && args[i].offset % row->block_bytes != 0)
            return base::error(Status::Invalid, "%s starts at byte %llu, within an element",
                               binding.name, Number{args[i].offset});
        HWA_CHECK(check_layout(binding, given[i]));
    }
    return check_overlap(program, args);
}

/// Scratch in device memory is for one run at a time, and only work of one queue is in order.
static base::Done check_scratch(const QueueState &state, const hwa_program_t &program) {
    if (program.scratch != nullptr && program.queue.get() != &state)
        return base::error(Status::Invalid,
                           "%s keeps intermediate results and runs on the queue it was made on",
                           program.name.c_str());
    return {};
}

static base::Done check_recording(const hwa_program_t &program, size_t arg_count) {
    if (arg_count != 0)
        return base::error(Status::Invalid, "a recording takes no arguments, and there are %zu",
                           arg_count);
    for (const auto &mapped : program.mapped)
        if (*mapped)
            return base::error(Status::Invalid, "a buffer of the recording is mapped");
    return {};
}

/// The arguments of one launch, appended to those of the queue.
static base::Done read_args(QueueState &state, const hwa_program_t &program,
                            std::span<const hwa_arg_t> given) {
    const size_t first = state.args.size();
    for (size_t i = 0; i < given.size(); ++i)
        HWA_CHECK(read_arg(state, given[i], i));
    if (!program.is_op)
        return {};
    HWA_CHECK(check_op(program, given, state.args.part(first, given.size())));
    if (program.scratch != nullptr)
        state.args.next() = Arg{program.scratch, 0, nullptr, program.scratch_bytes};
    for (const auto &value : program.values)
        state.args.next() = Arg{nullptr, 0, value.data(), value.size()};
    return {};
}

base::Done check_launch(QueueState &state, const hwa_program_t &program,
                        std::span<const hwa_arg_t> given, const hwa_launch_options_t *options,
                        Checked &into) {
    if (given.data() == nullptr && !given.empty())
        return null_argument("args");
    if (given.size() > arg_limit)
        return base::error(Status::Invalid, "arg_count is %zu, more than %zu", given.size(),
                           arg_limit);
    if (program.queue->family != state.family)
        return base::error(Status::Invalid,
                           "the program is of a queue that does not share with this one");
    HWA_CHECK(check_scratch(state, program));
    HWA_CHECK(read_shape(options, into.shape));
    into.program = &program;
    into.first = state.args.size();
    if (program.is_recording)
        return check_recording(program, given.size());
    HWA_CHECK(read_args(state, program, given));
    into.count = state.args.size() - into.first;
    if (program.is_op)
        into.shape = program.shape;
    return check_kernel(state, program, state.args.part(into.first, into.count), into.shape);
}

} // namespace hwa::capi
