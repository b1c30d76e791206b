// SPDX-License-Identifier: MIT
// Launches: one, many in one call, and many recorded as one program.
#include "capi/launch.h"
#include "capi/entry.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::capi {

using base::Status;

/// More than any caller has, and few enough to check without a thought.
static constexpr uint32_t item_limit = 1u << 20;

static std::span<const launch::Arg> args_of(const QueueState &state, const Checked &checked) {
    return std::span(state.args).subspan(checked.first, checked.count);
}

static launch::EventResult run(const QueueState &state, const Checked &checked) {
    return state.queue->run(checked.program->program, args_of(state, checked), checked.shape);
}

static base::Done launch_one(const QueuePtr &state, const hwa_program_t &program,
                             std::span<const hwa_arg_t> args, const hwa_launch_options_t *options,
                             hwa_event_t **out_event) {
    HWA_CHECK(enter(*state));
    EventSlot slot(state, out_event);
    const Lists lists(*state);
    HWA_CHECK(check_launch(*state, program, args, options));
    HWA_TRY(std::shared_ptr<launch::Event> event, run(*state, state->checked[0]));
    slot.fill(std::move(event));
    return {};
}

static base::Done check_item(QueueState &state, const hwa_launch_item_t &item) {
    if (item.program == nullptr)
        return base::error(Status::Invalid, "has no program");
    return check_launch(state, *item.program, {item.args, item.arg_count}, item.options);
}

static base::Done check_items(QueueState &state, std::span<const hwa_launch_item_t> items) {
    if (items.empty() || items.size() > item_limit)
        return base::error(Status::Invalid, "item_count is %zu, not 1 to %u", items.size(),
                           item_limit);
    for (size_t i = 0; i < items.size(); ++i)
        if (base::Done checked = check_item(state, items[i]); !checked) {
            base::Error &why = checked.error();
            why.message = base::format("items[%zu]: %s", i, why.message.c_str());
            return checked;
        }
    return {};
}

/// What was checked from `first` up to `end`, as a runtime takes it.
static std::span<const launch::Launch> gather(QueueState &state, size_t first, size_t end) {
    state.launches.clear();
    for (size_t i = first; i < end; ++i) {
        const Checked &checked = state.checked[i];
        state.launches.push_back(
            {checked.program->program, args_of(state, checked), checked.shape});
    }
    return state.launches;
}

/// Kernels between two recordings go in one submission. The queue is told of each part, so that it
/// knows of the work that went before one that was refused.
static launch::EventResult run_all(QueueState &state) {
    const auto is_recording = [&](size_t i) { return state.checked[i].program->is_recording; };
    std::shared_ptr<launch::Event> last;
    for (size_t i = 0, end = 0; i < state.checked.size(); i = end) {
        end = i + 1;
        while (!is_recording(i) && end < state.checked.size() && !is_recording(end))
            ++end;
        HWA_TRY(last, end - i == 1 ? run(state, state.checked[i])
                                   : state.queue->run_many(gather(state, i, end)));
        state.put(last);
    }
    return last;
}

static base::Done launch_many(const QueuePtr &state, std::span<const hwa_launch_item_t> items,
                              hwa_event_t **out_event) {
    HWA_CHECK(enter(*state));
    EventSlot slot(state, out_event);
    const Lists lists(*state);
    HWA_CHECK(check_items(*state, items));
    HWA_TRY(std::shared_ptr<launch::Event> event, run_all(*state));
    slot.fill(std::move(event));
    return {};
}

/// What has to be looked at again when a recording is replayed: which of its buffers are mapped,
/// and whether it is bound to its queue.
static void collect(std::span<const hwa_launch_item_t> items, hwa_program_t &into) {
    for (const hwa_launch_item_t &item : items) {
        if (item.program->scratch != nullptr)
            into.scratch = item.program->scratch;
        for (const hwa_arg_t &arg : std::span(item.args, item.arg_count))
            if (arg.buffer != nullptr && arg.buffer->mapped != nullptr)
                into.mapped.push_back(arg.buffer->mapped);
    }
    std::sort(into.mapped.begin(), into.mapped.end());
    into.mapped.erase(std::unique(into.mapped.begin(), into.mapped.end()), into.mapped.end());
}

static base::Result<std::unique_ptr<hwa_program_t>>
from_launches(const QueuePtr &state, std::span<const hwa_launch_item_t> items) {
    HWA_CHECK(enter(*state));
    const Lists lists(*state);
    HWA_CHECK(check_items(*state, items));
    for (size_t i = 0; i < items.size(); ++i)
        if (items[i].program->is_recording)
            return base::error(Status::Invalid, "items[%zu]: is itself a recording", i);
    auto made = std::make_unique<hwa_program_t>();
    made->queue = state;
    made->name = "recording";
    made->provider = state->driver.empty() ? state->row->name : state->driver;
    made->is_recording = true;
    collect(items, *made);
    HWA_TRY(made->program, state->queue->record(gather(*state, 0, items.size())));
    return made;
}

static base::Done check_pointers(const hwa_queue_t *queue, const hwa_launch_item_t *items) {
    if (queue == nullptr)
        return null_argument("queue");
    return items == nullptr ? null_argument("items") : base::Done();
}

} // namespace hwa::capi

using namespace hwa;
using namespace hwa::capi;

hwa_status_t hwa_launch(hwa_queue_t *queue, const hwa_program_t *program, const hwa_arg_t *args,
                        uint32_t arg_count, const hwa_launch_options_t *options,
                        hwa_event_t **out_event, hwa_error_t *error) {
    if (out_event != nullptr)
        *out_event = nullptr;
    return guarded(error, [&]() -> base::Done {
        if (queue == nullptr)
            return null_argument("queue");
        if (program == nullptr)
            return null_argument("program");
        return launch_one(queue->queue, *program, {args, arg_count}, options, out_event);
    });
}

hwa_status_t hwa_launch_many(hwa_queue_t *queue, const hwa_launch_item_t *items,
                             uint32_t item_count, hwa_event_t **out_event, hwa_error_t *error) {
    if (out_event != nullptr)
        *out_event = nullptr;
    return guarded(error, [&]() -> base::Done {
        HWA_CHECK(check_pointers(queue, items));
        return launch_many(queue->queue, {items, item_count}, out_event);
    });
}

hwa_status_t hwa_program_from_launches(hwa_queue_t *queue, const hwa_launch_item_t *items,
                                       uint32_t item_count, hwa_program_t **out_program,
                                       hwa_error_t *error) {
    return hand_out(out_program, error, [&]() -> base::Result<std::unique_ptr<hwa_program_t>> {
        HWA_CHECK(check_pointers(queue, items));
        return from_launches(queue->queue, {items, item_count});
    });
}
