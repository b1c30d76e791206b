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
    return state.args.part(checked.first, checked.count);
}

static launch::EventResult run(const QueueState &state, const Checked &checked) {
    return state.queue->run(checked.program->program, args_of(state, checked), checked.shape);
}

static base::Done launch_one(const QueuePtr &state, const hwa_program_t &program,
                             std::span<const hwa_arg_t> args, const hwa_launch_options_t *options,
                             hwa_event_t **out_event) {
    HWA_CHECK(enter(*state));
    EventSlot slot(state, out_event);
    state->args.clear();
    Checked checked;
    HWA_CHECK(check_launch(*state, program, args, options, checked));
    launch::EventResult event = run(*state, checked);
    if (!event)
        return std::move(event.error());
    slot.fill(std::move(*event));
    return {};
}

static base::Done check_item(QueueState &state, const hwa_launch_item_t &item, Checked &into) {
    if (item.program == nullptr)
        return base::error(Status::Invalid, "has no program");
    return check_launch(state, *item.program, {item.args, item.arg_count}, item.options, into);
}

static base::Result<std::vector<Checked>> check_items(QueueState &state,
                                                      std::span<const hwa_launch_item_t> items) {
    if (items.empty() || items.size() > item_limit)
        return base::error(Status::Invalid, "item_count is %zu, not 1 to %u", items.size(),
                           item_limit);
    std::vector<Checked> list(items.size());
    for (size_t i = 0; i < items.size(); ++i)
        if (base::Done checked = check_item(state, items[i], list[i]); !checked) {
            base::Error &why = checked.error();
            why.message = base::format("items[%zu]: %s", i, why.message.c_str());
            return std::move(why);
        }
    return list;
}

/// As a runtime takes them.
static std::vector<launch::Launch> gather(const QueueState &state,
                                          std::span<const Checked> checked) {
    std::vector<launch::Launch> list;
    list.reserve(checked.size());
    for (const Checked &one : checked)
        list.push_back({one.program->program, args_of(state, one), one.shape});
    return list;
}

/// Kernels between two recordings go in one submission.
static launch::EventResult run_all(QueueState &state, std::span<const Checked> left) {
    std::shared_ptr<launch::Event> last;
    while (!left.empty()) {
        const auto recording = std::find_if(
            left.begin(), left.end(), [](const Checked &one) { return one.program->is_recording; });
        const auto kernels = static_cast<size_t>(recording - left.begin());
        HWA_TRY(last, kernels == 0 ? run(state, left[0])
                                   : state.queue->run_many(gather(state, left.first(kernels))));
        state.waits = false;
        left = left.subspan(std::max<size_t>(kernels, 1));
    }
    return last;
}

static base::Done launch_many(const QueuePtr &state, std::span<const hwa_launch_item_t> items,
                              hwa_event_t **out_event) {
    HWA_CHECK(enter(*state));
    EventSlot slot(state, out_event);
    state->args.clear();
    HWA_TRY(const std::vector<Checked> checked, check_items(*state, items));
    HWA_TRY(std::shared_ptr<launch::Event> event, run_all(*state, checked));
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
    state->args.clear();
    HWA_TRY(const std::vector<Checked> checked, check_items(*state, items));
    for (size_t i = 0; i < items.size(); ++i)
        if (items[i].program->is_recording)
            return base::error(Status::Invalid, "items[%zu]: is itself a recording", i);
    auto made = std::make_unique<hwa_program_t>();
    made->queue = state;
    made->name = "recording";
    made->provider = state->driver.empty() ? state->row->name : state->driver;
    made->is_recording = true;
    collect(items, *made);
    HWA_TRY(made->program, state->queue->record(gather(*state, checked)));
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

/// Flattened because every launch comes by here.
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
