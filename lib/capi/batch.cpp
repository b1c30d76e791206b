// SPDX-License-Identifier: MIT
// Many launches: in one call, and recorded as one program.
#include "capi/entry.h"
#include "capi/launch.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::capi {

using base::Status;

/// More than any caller has, and few enough to check without a thought.
static constexpr uint32_t item_limit = 1u << 20;

static base::Error of_item(size_t i, base::Error why) {
    why.message = base::format("items[%zu]: %s", i, why.message.c_str());
    return why;
}

/// How many arguments all of them hand on.
static base::Result<size_t> count_all(std::span<const hwa_launch_item_t> items) {
    if (items.empty() || items.size() > item_limit)
        return base::error(Status::Invalid, "item_count is %zu, not 1 to %u", items.size(),
                           item_limit);
    size_t total = 0;
    for (size_t i = 0; i < items.size(); ++i) {
        if (items[i].program == nullptr)
            return of_item(i, base::error(Status::Invalid, "has no program"));
        auto count = count_args(items[i]);
        if (!count)
            return of_item(i, std::move(count.error()));
        total += *count;
    }
    return total;
}

/// The queue's list of launches while a call needs it. The memory of a large one is asked for and
/// given back at a price that the launches themselves would not reach.
class Batch {
  public:
    explicit Batch(QueueState &state) : state_(state) {}
    ~Batch() {
        state_.batch.clear();
        if (state_.batch.capacity() > kept_limit)
            std::vector<launch::Launch>().swap(state_.batch);
        state_.args.trim();
    }
    Batch(const Batch &) = delete;
    Batch &operator=(const Batch &) = delete;

    std::vector<launch::Launch> &list() { return state_.batch; }

  private:
    static constexpr size_t kept_limit = 1 << 13;

    QueueState &state_;
};

/// As a runtime takes them. Their arguments lie in the queue's list.
static base::Done check_items(QueueState &state, std::span<const hwa_launch_item_t> items,
                              std::vector<launch::Launch> &list) {
    HWA_TRY(const size_t total, count_all(items));
    launch::Arg *args = state.args.make(total);
    list.reserve(items.size());
    for (size_t i = 0; i < items.size(); ++i) {
        HWA_TRY(const size_t count, count_args(items[i]));
        list.push_back({items[i].program->program, {args, count}, {}});
        if (base::Done done = check_launch(state, items[i], args, list.back().shape); !done)
            return of_item(i, std::move(done.error()));
        args += count;
    }
    return {};
}

/// Kernels between two recordings go in one submission.
static launch::EventResult run_all(QueueState &state, std::span<const hwa_launch_item_t> items,
                                   std::span<const launch::Launch> list) {
    std::shared_ptr<launch::Event> last;
    for (size_t done = 0; done < items.size();) {
        const auto left = items.subspan(done);
        const auto recording = std::find_if(
            left.begin(), left.end(), [](const auto &item) { return item.program->is_recording; });
        const auto kernels = static_cast<size_t>(recording - left.begin());
        HWA_TRY(last, kernels == 0 ? state.queue->run(list[done].program, {}, {})
                                   : state.queue->run_many(list.subspan(done, kernels)));
        state.waits = false;
        done += std::max<size_t>(kernels, 1);
    }
    return last;
}

static base::Done launch_many(const QueuePtr &state, std::span<const hwa_launch_item_t> items,
                              hwa_event_t **out_event) {
    HWA_CHECK(enter(*state));
    EventSlot slot(state, out_event);
    Batch batch(*state);
    HWA_CHECK(check_items(*state, items, batch.list()));
    HWA_TRY(std::shared_ptr<launch::Event> event, run_all(*state, items, batch.list()));
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
    Batch batch(*state);
    HWA_CHECK(check_items(*state, items, batch.list()));
    for (size_t i = 0; i < items.size(); ++i)
        if (items[i].program->is_recording)
            return base::error(Status::Invalid, "items[%zu]: is itself a recording", i);
    auto made = std::make_unique<hwa_program_t>();
    made->queue = state;
    made->name = "recording";
    made->provider = state->driver.empty() ? state->row->name : state->driver;
    made->is_recording = true;
    collect(items, *made);
    HWA_TRY(made->program, state->queue->record(batch.list()));
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
