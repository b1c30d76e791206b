// SPDX-License-Identifier: MIT
// A launch: checked here, once, before a runtime sees it.
#include "capi/launch.h"
#include "capi/entry.h"

#include "base/units.h"

#include <algorithm>

namespace hwa::capi {

using base::Status;
using launch::Arg;
using launch::Want;

using Number = unsigned long long;

/// A launch with more arguments than this is a mistake.
static constexpr size_t arg_limit = 1024;

/// No limit of a queue is as large as this; and so many of them add up without an overflow.
static constexpr uint64_t value_limit = UINT32_MAX;

static base::Error refuse_size(const hwa_arg_t &given, size_t i) {
    if (given.size_bytes == 0)
        return base::error(Status::Invalid, "args[%zu]: has neither a buffer nor a size", i);
    if (given.size_bytes > PTRDIFF_MAX)
        return base::error(Status::Invalid, "args[%zu]: no value has %llu bytes", i,
                           Number{given.size_bytes});
    return base::error(Status::Unsupported, "args[%zu]: %llu bytes are more than any queue takes",
                       i, Number{given.size_bytes});
}

static uint64_t add(uint64_t a, uint64_t b) {
    return base::checked_add(a, b).value_or(UINT64_MAX);
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

/// What the arguments of a launch add up to.
struct Tally {
    uint64_t buffers = 0;
    uint64_t values = 0;  ///< bytes, and the most that can lie between them
    uint64_t scratch = 0; ///< bytes

    void count_value(uint64_t size_bytes) { values += size_bytes + 15; }
};

/// Against what the kernel itself says, where it says something.
static base::Done check_want(const launch::Program &program, size_t i, Want got) {
    if (program.knows_args && program.args[i] != Want::Any && program.args[i] != got)
        return base::error(Status::Invalid, "args[%zu]: the kernel takes %s here, not %s", i,
                           want_name(program.args[i]), want_name(got));
    return {};
}

/// What is asked of a part of a buffer, for the whole one goes without saying.
static base::Done check_part(const QueueState &state, const hwa_arg_t &given, size_t i) {
    const uint64_t whole = given.buffer->size_bytes;
    if (given.offset >= whole)
        return base::error(Status::Range, "args[%zu]: offset %llu is past a buffer of %llu bytes",
                           i, Number{given.offset}, Number{whole});
    if (given.size_bytes > whole - given.offset)
        return base::error(Status::Range,
                           "args[%zu]: %llu bytes from byte %llu on are not in a buffer of %llu", i,
                           Number{given.size_bytes}, Number{given.offset}, Number{whole});
    const uint32_t alignment = state.ceilings.offset_alignment;
    if (given.offset % alignment != 0)
        return base::error(Status::Invalid, "args[%zu]: offset %llu is not a multiple of %u", i,
                           Number{given.offset}, alignment);
    return {};
}

static base::Done read_buffer(const QueueState &state, const launch::Program &program,
                              const hwa_arg_t &given, size_t i, Arg &into) {
    const hwa_buffer_t &buffer = *given.buffer;
    if (buffer.queue->family != state.family)
        return base::error(Status::Invalid,
                           "args[%zu]: the buffer is of a queue that does not share with this one",
                           i);
    if (is_mapped(buffer))
        return base::error(Status::Invalid, "args[%zu]: the buffer is mapped; unmap it first", i);
    into = {&buffer.memory, 0, nullptr, buffer.size_bytes};
    if (given.offset != 0 || given.size_bytes != 0) {
        HWA_CHECK(check_part(state, given, i));
        into.offset = given.offset;
        into.size_bytes = given.size_bytes != 0 ? given.size_bytes : into.size_bytes - given.offset;
    }
    return check_want(program, i, Want::Buffer);
}

static base::Done read_value(const launch::Program &program, const hwa_arg_t &given, size_t i,
                             Arg &into, Tally &tally) {
    if (given.size_bytes - 1 >= value_limit)
        return refuse_size(given, i);
    into = {nullptr, 0, given.data, given.size_bytes};
    if (given.data != nullptr)
        tally.count_value(given.size_bytes);
    else
        tally.scratch += given.size_bytes;
    return check_want(program, i, given.data != nullptr ? Want::Value : Want::Scratch);
}

/// How many bytes the values take, each where it is placed.
static uint64_t place_values(std::span<const Arg> args) {
    uint64_t end = 0;
    for (const Arg &arg : args)
        if (arg.memory == nullptr && arg.data != nullptr)
            end = launch::place_value(end, arg.size_bytes) + arg.size_bytes;
    return end;
}

static base::Done check_tally(const launch::Limits &ceilings, const Tally &tally,
                              std::span<const Arg> args) {
    if (tally.buffers > ceilings.buffers)
        return base::error(Status::Unsupported, "%llu buffers are more than this queue's %u",
                           Number{tally.buffers}, ceilings.buffers);
    if (tally.values > ceilings.value_bytes && place_values(args) > ceilings.value_bytes)
        return base::error(Status::Unsupported,
                           "%llu bytes of values are more than this queue's %u",
                           Number{place_values(args)}, ceilings.value_bytes);
    if (tally.scratch > ceilings.shared_bytes)
        return base::error(Status::Unsupported,
                           "%llu bytes of scratch are more than this queue's %u",
                           Number{tally.scratch}, ceilings.shared_bytes);
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
    return {};
}

static base::Done check_shape(const QueueState &state, const launch::Program &program,
                              const launch::Shape &shape) {
    const auto &[grid, group, shared_bytes] = shape;
    const launch::Limits &ceilings = state.ceilings;
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
    if (shared_bytes != 0 && !ceilings.scratch_by_launch)
        return base::error(Status::Unsupported,
                           "%s hands scratch to a kernel as an argument only, not by "
                           "options.shared_bytes",
                           state.row->name.c_str());
    return check_threads(ceilings, program, group);
}

static base::Done read_options(const hwa_launch_options_t *given, launch::Shape &shape) {
    hwa_launch_options_t taken;
    if (given->struct_size != sizeof taken) {
        HWA_TRY(taken, take_in(given, "options"));
        given = &taken;
    }
    for (size_t i = 0; i < 3; ++i) {
        shape.grid[i] = std::max(given->grid[i], 1u);
        shape.group[i] = std::max(given->group[i], 1u);
    }
    shape.shared_bytes = given->shared_bytes;
    return {};
}

static base::Done read_shape(const QueueState &state, const hwa_program_t &program,
                             const hwa_launch_options_t *options, launch::Shape &shape) {
    if (options != nullptr)
        HWA_CHECK(read_options(options, shape));
    if (program.is_op)
        shape = program.shape;
    // One group of one thread is within the limits of every queue.
    if (options != nullptr || program.is_op)
        HWA_CHECK(check_shape(state, *program.program, shape));
    const auto &group = program.program->group;
    if (group[0] != 0 && group != shape.group)
        return base::error(Status::Invalid, "the kernel is made for groups of %u x %u x %u",
                           group[0], group[1], group[2]);
    return {};
}

/// A replay has neither arguments nor a shape.
static base::Done check_recording(const hwa_program_t &program, size_t arg_count,
                                  const hwa_launch_options_t *options) {
    launch::Shape unused;
    if (options != nullptr)
        HWA_CHECK(read_options(options, unused));
    if (arg_count != 0)
        return base::error(Status::Invalid, "a recording takes no arguments, and there are %zu",
                           arg_count);
    for (const auto &mapped : program.mapped)
        if (*mapped)
            return base::error(Status::Invalid, "a buffer of the recording is mapped");
    return {};
}

static base::Done check_count(const hwa_program_t &program, size_t count) {
    const launch::Program &kernel = *program.program;
    if (program.is_op && program.bindings.size() != count)
        return base::error(Status::Invalid, "%s takes %zu arguments, not %zu", program.name.c_str(),
                           program.bindings.size(), count);
    if (!program.is_op && kernel.knows_args && kernel.args.size() != count)
        return base::error(Status::Invalid, "the kernel takes %zu arguments, not %zu",
                           kernel.args.size(), count);
    return {};
}

static size_t count_own(const hwa_program_t &program) {
    return (program.scratch != nullptr ? 1 : 0) + program.values.size();
}

/// What an operation takes after the arguments of its caller.
static size_t add_own(const hwa_program_t &program, Arg *into, Tally &tally) {
    if (program.scratch != nullptr) {
        *into++ = {&program.scratch, 0, nullptr, program.scratch_bytes};
        ++tally.buffers;
    }
    for (const auto &value : program.values) {
        *into++ = {nullptr, 0, value.data(), value.size()};
        tally.count_value(value.size());
    }
    return count_own(program);
}

static base::Done read_args(const QueueState &state, const hwa_program_t &program,
                            std::span<const hwa_arg_t> given, Arg *args, Tally &tally) {
    const launch::Program &kernel = *program.program;
    HWA_CHECK(check_count(program, given.size()));
    for (size_t i = 0; i < given.size(); ++i) {
        if (given[i].buffer != nullptr) {
            ++tally.buffers;
            HWA_CHECK(read_buffer(state, kernel, given[i], i, args[i]));
        } else {
            HWA_CHECK(read_value(kernel, given[i], i, args[i], tally));
        }
    }
    size_t count = given.size();
    if (program.is_op) {
        HWA_CHECK(check_op(program, given, {args, count}));
        count += add_own(program, args + count, tally);
    }
    return check_tally(state.ceilings, tally, {args, count});
}

base::Result<size_t> count_args(const hwa_launch_item_t &item) {
    if (item.args == nullptr && item.arg_count != 0)
        return null_argument("args");
    if (item.arg_count > arg_limit)
        return base::error(Status::Invalid, "arg_count is %llu, more than %zu",
                           Number{item.arg_count}, arg_limit);
    return item.program->is_op ? item.arg_count + count_own(*item.program) : item.arg_count;
}

/// Flattened, as is hwa_launch(), because every launch comes by here.
[[gnu::flatten, gnu::noinline]] base::Done check_launch(const QueueState &state,
                                                        const hwa_launch_item_t &item, Arg *args,
                                                        launch::Shape &shape) {
    const hwa_program_t &program = *item.program;
    if (program.queue->family != state.family)
        return base::error(Status::Invalid,
                           "the program is of a queue that does not share with this one");
    // Scratch in device memory is for one run at a time, and only work of one queue is in order.
    if (program.scratch != nullptr && program.queue.get() != &state)
        return base::error(Status::Invalid,
                           "%s keeps intermediate results and runs on the queue it was made on",
                           program.name.c_str());
    if (program.is_recording)
        return check_recording(program, item.arg_count, item.options);
    HWA_CHECK(read_shape(state, program, item.options, shape));
    Tally tally;
    tally.scratch = add(shape.shared_bytes, program.program->shared_bytes);
    return read_args(state, program, {item.args, item.arg_count}, args, tally);
}

static base::Done launch_one(const QueuePtr &state, const hwa_launch_item_t &item,
                             hwa_event_t **out_event) {
    HWA_CHECK(enter(*state));
    EventSlot slot(state, out_event);
    HWA_TRY(const size_t count, count_args(item));
    Arg *const args = state->args.make(count);
    launch::Shape shape;
    HWA_CHECK(check_launch(*state, item, args, shape));
    launch::EventResult event = state->queue->run(item.program->program, {args, count}, shape);
    if (!event)
        return std::move(event.error());
    slot.fill(std::move(*event));
    return {};
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

[[gnu::flatten]] hwa_status_t hwa_launch(hwa_queue_t *queue, const hwa_program_t *program,
                                         const hwa_arg_t *args, uint32_t arg_count,
                                         const hwa_launch_options_t *options,
                                         hwa_event_t **out_event, hwa_error_t *error) {
    if (out_event != nullptr)
        *out_event = nullptr;
    return guarded(error, [&]() -> base::Done {
        if (queue == nullptr)
            return null_argument("queue");
        if (program == nullptr)
            return null_argument("program");
        return launch_one(queue->queue, {program, args, options, arg_count}, out_event);
    });
}
