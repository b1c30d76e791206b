// SPDX-License-Identifier: MIT
// Launches are checked here, once, before a runtime sees them.
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

static base::Done read_buffer(const QueueState &state, const hwa_arg_t &given, size_t i,
                              Arg &into) {
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
    const uint32_t alignment = state.ceilings.offset_alignment;
    if (given.offset != 0 && given.offset % alignment != 0)
        return base::error(Status::Invalid, "args[%zu]: offset %llu is not a multiple of %u", i,
                           Number{given.offset}, alignment);
    if (is_mapped(buffer))
        return base::error(Status::Invalid, "args[%zu]: the buffer is mapped; unmap it first", i);
    into = {&buffer.memory, given.offset, nullptr, given.size_bytes == 0 ? rest : given.size_bytes};
    return {};
}

static base::Done read_arg(const QueueState &state, const hwa_arg_t &given, size_t i, Arg &into) {
    if (given.buffer != nullptr)
        return read_buffer(state, given, i, into);
    if (given.size_bytes == 0)
        return base::error(Status::Invalid, "args[%zu]: has neither a buffer nor a size", i);
    if (given.size_bytes > PTRDIFF_MAX)
        return base::error(Status::Invalid, "args[%zu]: no value has %llu bytes", i,
                           Number{given.size_bytes});
    into = {nullptr, 0, given.data, given.size_bytes};
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

static uint64_t add(uint64_t a, uint64_t b) {
    return base::checked_add(a, b).value_or(UINT64_MAX);
}

/// What the arguments of a launch add up to.
struct Tally {
    uint64_t buffers = 0;
    uint64_t values = 0;  ///< bytes
    uint64_t scratch = 0; ///< bytes

    void count(const Arg &arg) {
        if (arg.memory != nullptr)
            ++buffers;
        else if (arg.data != nullptr)
            values = add(launch::place_value(values, arg.size_bytes), arg.size_bytes);
        else
            scratch = add(scratch, arg.size_bytes);
    }
};

static base::Done check_tally(const launch::Limits &ceilings, const Tally &tally) {
    if (tally.buffers > ceilings.buffers)
        return base::error(Status::Unsupported, "%llu buffers are more than this queue's %u",
                           Number{tally.buffers}, ceilings.buffers);
    if (tally.values > ceilings.value_bytes)
        return base::error(Status::Unsupported,
                           "%llu bytes of values are more than this queue's %u",
                           Number{tally.values}, ceilings.value_bytes);
    if (tally.scratch > ceilings.shared_bytes)
        return base::error(Status::Unsupported,
                           "%llu bytes of scratch are more than this queue's %u",
                           Number{tally.scratch}, ceilings.shared_bytes);
    return {};
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

static base::Done check_threads(const launch::Limits &ceilings, const launch::Program &program,
                                const std::array<uint32_t, 3> &group) {
    const auto threads =
        base::checked_mul(uint64_t{group[0]} * group[1], group[2]).value_or(UINT64_MAX);
    if (threads > ceilings.threads_per_group)
        return base::error(Status::Unsupported, "a group of %llu threads is over the limit of %u",
                           Number{threads}, ceilings.threads_per_group);
    if (program.threads_per_group != 0 && threads > program.threads_per_group)
        return base::error(Status::Unsupported,
                           "a group of %llu threads is over this kernel's limit of %u",
                           Number{threads}, program.threads_per_group);
    if (program.group[0] != 0 && group != program.group)
        return base::error(Status::Invalid, "the kernel is made for groups of %u x %u x %u",
                           program.group[0], program.group[1], program.group[2]);
    return {};
}

static base::Done check_shape(const launch::Limits &ceilings, const launch::Program &program,
                              const launch::Shape &shape) {
    const auto &[grid, group, shared_bytes] = shape;
    for (size_t i = 0; i < 3; ++i) {
        if (group[i] > ceilings.group[i])
            return base::error(Status::Unsupported, "group[%zu] is %u, the limit %u", i, group[i],
                               ceilings.group[i]);
        if (grid[i] > ceilings.grid[i])
            return base::error(Status::Unsupported, "grid[%zu] is %u, the limit %u", i, grid[i],
                               ceilings.grid[i]);
        if (uint64_t{grid[i]} * group[i] > ceilings.index_limit)
            return base::error(Status::Unsupported, "grid[%zu] has more threads than %llu", i,
                               Number{ceilings.index_limit});
    }
    const auto groups = base::checked_mul(uint64_t{grid[0]} * grid[1], grid[2]);
    if (!groups || *groups > INT64_MAX)
        return base::error(Status::Unsupported, "a grid of %u x %u x %u groups is too large",
                           grid[0], grid[1], grid[2]);
    return check_threads(ceilings, program, group);
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

static base::Done check_kernel(const QueueState &state, const launch::Program &program,
                               std::span<const Arg> args, Tally &tally,
                               const launch::Shape &shape) {
    const launch::Limits &ceilings = state.ceilings;
    if (shape.shared_bytes != 0 && !ceilings.scratch_by_launch)
        return base::error(Status::Unsupported,
                           "%s hands scratch to a kernel as an argument only, not by "
                           "options.shared_bytes",
                           state.row->name.c_str());
    tally.scratch = add(tally.scratch, shape.shared_bytes + program.shared_bytes);
    HWA_CHECK(check_wants(program, args));
    HWA_CHECK(check_tally(ceilings, tally));
    return check_shape(ceilings, program, shape);
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

static base::Done check_overlap(const hwa_program_t &program, std::span<const hwa_arg_t> given) {
    const auto part = [&](size_t of) {
        return Part{given[of].buffer, given[of].offset, program.bindings[of].size_bytes};
    };
    for (size_t i = 0; i < given.size(); ++i)
        for (size_t j = 0; j < given.size(); ++j) {
            const bool written = (program.bindings[i].flags & launch::BindingOutput) != 0;
            if (program.bindings[i].in_place && coincide(part(i), part(j)))
                continue;
            if (i != j && written && overlap(part(i), part(j)))
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
        // Memory of the caller's may itself start anywhere.
        const auto start = reinterpret_cast<uintptr_t>((*args[i].memory)->host()) + args[i].offset;
        if (row != nullptr && start % row->block_bytes != 0)
            return base::error(Status::Invalid, "%s starts at byte %llu, within an element",
                               binding.name, Number{start});
        HWA_CHECK(check_layout(binding, given[i]));
    }
    return check_overlap(program, given);
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

/// What an operation takes after the arguments of its caller.
static void add_own(QueueState &state, const hwa_program_t &program, Tally &tally) {
    const auto append = [&](const Arg &arg) {
        *state.args.add(1) = arg;
        tally.count(arg);
    };
    if (program.scratch != nullptr)
        append({&program.scratch, 0, nullptr, program.scratch_bytes});
    for (const auto &value : program.values)
        append({nullptr, 0, value.data(), value.size()});
}

/// The arguments of one launch, appended to those of the queue.
static base::Done read_args(QueueState &state, const hwa_program_t &program,
                            std::span<const hwa_arg_t> given, Tally &tally) {
    Arg *const args = state.args.add(given.size());
    for (size_t i = 0; i < given.size(); ++i) {
        HWA_CHECK(read_arg(state, given[i], i, args[i]));
        tally.count(args[i]);
    }
    if (!program.is_op)
        return {};
    HWA_CHECK(check_op(program, given, {args, given.size()}));
    add_own(state, program, tally);
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
    into.count = 0;
    if (program.is_recording)
        return check_recording(program, given.size());
    Tally tally;
    HWA_CHECK(read_args(state, program, given, tally));
    into.count = state.args.size() - into.first;
    if (program.is_op)
        into.shape = program.shape;
    return check_kernel(state, *program.program, state.args.part(into.first, into.count), tally,
                        into.shape);
}

} // namespace hwa::capi
