// SPDX-License-Identifier: MIT
// The search for training and tuning: all layouts over the devices of one class, in the order of
// what their devices could do at best.
#include "plan/search/search.h"

#include "base/units.h"
#include "plan/evaluate.h"
#include "plan/memory/training.h"
#include "plan/memory/weights.h"
#include "plan/notes.h"
#include "plan/search/fabrics.h"
#include "plan/search/host_rooms.h"
#include "plan/search/layouts.h"
#include "plan/search/states.h"
#include "plan/search/uneven.h"
#include "plan/time/product_memo.h"
#include "plan/time/step.h"
#include "plan/time/training_mixed.h"
#include "plan/words.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

namespace hwa::plan {

using base::Status;
using core::Model;
using core::System;

namespace {

/// So many devices are not faster than one by more than their number over this.
constexpr double optimism = 0.5;

/// The engine for training where none is pinned: Megatron where several of NVIDIA's devices train
/// all weights, else PyTorch.
Engine engine_for(const Workload &workload, const DeviceClass &where) {
    const bool nvidia = where.devices[0]->vendor.value == "nvidia";
    return nvidia && where.devices.size() > 1 && workload.mode == Mode::Train ? Engine::Megatron
                                                                              : Engine::Torch;
}

bool is_processor(const DeviceClass &where) {
    return where.kind == core::Kind::Cpu;
}

class Search {
  public:
    Search(const System &system, const Model &model, const Options &options,
           const Workload &workload)
        : system_(system), model_(model), options_(options), workload_(workload), links_(system),
          found_(find_candidates(system, links_, options, options.headroom)), rooms_(found_) {}

    base::Result<Plan> run();

  private:
    /// A case as far as it goes without its slices.
    struct Choices {
        const DeviceClass *where = nullptr;
        Engine engine = Engine::Torch;
        Layout layout;
        States states;
        double seconds = 0;        ///< of a step; 0: not known
        std::vector<Block> blocks; ///< of a pipeline over several classes
        std::vector<Slice> stages; ///< of it
    };
    /// What is kept of a class while pipelines over several are searched.
    struct Side {
        const DeviceClass *where = nullptr;
        double alone = 0;
        std::unique_ptr<Fabrics> fabrics;
        std::unique_ptr<ProductMemo> products;
    };

    Task task_of(const DeviceClass &where, Engine engine) const;
    base::Done search(bool processors);
    base::Done search(const DeviceClass &where, Engine engine);
    base::Done try_all(Case &one, const Task &task, const std::vector<Layout> &layouts,
                       const OpenStates &open, double alone_seconds);
    void try_layout(Case &one, const Task &task, const Layout &layout, const OpenStates &open);
    bool try_states(Case &one, const Task &task, const Layout &layout, const OpenStates &open,
                    const States &states);
    void set(Case &one, const DeviceClass &where, const Layout &layout) const;
    bool beats(double seconds, const Layout &layout) const;
    bool fits(const Case &one, const DeviceClass &where, const Layout &layout);
    bool hosts_hold(const Case &one, const DeviceClass &where, const Layout &layout);
    void note_miss(const Case &one, uint64_t lacking, bool host);
    double alone(Case &one, const Task &task, const OpenStates &open) const;
    base::Done search_uneven();
    void try_uneven(Case &one, const UnevenLayout &layout, const OpenStates &open,
                    std::vector<Side> &sides);
    std::vector<Slice> all_slices(const Case &one, const DeviceClass &where,
                                  const Layout &layout) const;
    base::Result<Plan> finish(const Choices &best);
    base::Error no_fit() const;

    const System &system_;
    const Model &model_;
    const Options &options_;
    const Workload &workload_;
    Links links_;
    Candidates found_;
    HostRooms rooms_;
    Fabrics *fabrics_ = nullptr; ///< of the class that is searched
    bool moves_ = true;          ///< states may be kept on hosts
    std::vector<uint64_t> away_; ///< of a layout's stages
    std::optional<Choices> best_;
    Certificate certificate_;
    uint64_t least_over_ = UINT64_MAX; ///< bytes that the nearest miss lacked
    Case nearest_;
    bool host_lacks_ = false;
};

Task Search::task_of(const DeviceClass &where, Engine engine) const {
    Task task;
    task.model = &model_;
    task.where = &where;
    task.run = options_.run;
    task.run.engine = engine;
    task.most_devices = options_.max_devices != 0 ? options_.max_devices : UINT32_MAX;
    // Steps of all classes are of as many sequences, so that times compare: for each class one for
    // each device of the largest, unless the caller says more.
    uint64_t devices = 1, classes = 0;
    for (const DeviceClass &some : found_.classes)
        if (is_processor(some) == is_processor(where)) {
            devices = std::max<uint64_t>(devices, some.devices.size());
            ++classes;
        }
    devices = base::checked_mul(devices, classes).value_or(devices);
    devices = std::min(devices, task.most_devices);
    if (!task.run.global_batch)
        task.run.global_batch = std::max(workload_.batch > 1 ? workload_.batch : devices,
                                         options_.workload.micro_batch);
    task.micro_batch = options_.workload.micro_batch;
    task.sequence = workload_.sequence_tokens;
    return task;
}

/// Slices of the first replica's first ranks; all others are like them.
void Search::set(Case &one, const DeviceClass &where, const Layout &layout) const {
    one.run.tensor = layout.tensor;
    one.run.context = layout.context;
    one.run.pipeline = layout.pipeline;
    one.run.data = layout.data;
    one.run.expert = layout.expert;
    if (layout.expert > 1 && !options_.run.expert_tensor)
        one.run.expert_tensor = 1;
    one.run.virtual_stages = layout.turns;
    one.run.sequence_parallel = options_.run.sequence_parallel.value_or(layout.tensor > 1);
    one.workload.micro_batch = layout.micro_batch;
    const auto layers = static_cast<uint32_t>(model_.layers.size());
    one.slices.resize(layout.pipeline);
    uint32_t first = 0;
    for (uint32_t stage = 0; stage < layout.pipeline; ++stage) {
        Slice &slice = one.slices[stage];
        slice = {};
        slice.device = where.devices[0];
        slice.first_layer = first;
        slice.layer_count = layers / layout.pipeline + (stage < layers % layout.pipeline ? 1 : 0);
        slice.stage = stage;
        slice.embedding = stage == 0;
        slice.output = stage + 1 == layout.pipeline;
        first += slice.layer_count;
    }
}

/// Known times before unknown ones, then the shorter, then fewer devices; of what is equal the
/// first.
bool Search::beats(double seconds, const Layout &layout) const {
    if (!best_ || (seconds > 0) != (best_->seconds > 0))
        return !best_ || seconds > 0;
    if (std::fabs(seconds - best_->seconds) > 1e-6 * std::max(seconds, best_->seconds))
        return seconds < best_->seconds;
    return seconds > 0 && layout.devices() < best_->layout.devices();
}

void Search::note_miss(const Case &one, uint64_t lacking, bool host) {
    if (lacking >= least_over_)
        return;
    least_over_ = lacking;
    nearest_ = one;
    host_lacks_ = host;
}

bool Search::fits(const Case &one, const DeviceClass &where, const Layout &layout) {
    away_.clear();
    for (const Slice &slice : one.slices) {
        const auto bytes = training_bytes(one, slice);
        if (!bytes)
            return false;
        if (bytes->total() > where.room) {
            note_miss(one, bytes->total() - where.room, false);
            return false;
        }
        away_.push_back(bytes->offload);
    }
    return hosts_hold(one, where, layout);
}

bool Search::hosts_hold(const Case &one, const DeviceClass &where, const Layout &layout) {
    const uint64_t most = *std::max_element(away_.begin(), away_.end());
    if (most == 0 || rooms_.holds(where, most))
        return true;
    std::vector<HostRooms::Moved> moved;
    for (const Slice &slice : all_slices(one, where, layout))
        moved.push_back({slice.device, away_[slice.stage]});
    const uint64_t lacking = rooms_.lack(moved);
    if (lacking != 0)
        note_miss(one, lacking, true);
    return lacking == 0;
}

/// Seconds of a step on one device, were its memory large enough; 0: not known.
double Search::alone(Case &one, const Task &task, const OpenStates &open) const {
    double least = 0;
    for (uint64_t micro = 1; micro <= largest_micro_batch; ++micro) {
        if (task.micro_batch != 0 ? micro != task.micro_batch : *task.run.global_batch % micro != 0)
            continue;
        Layout layout;
        layout.micro_batch = micro;
        set(one, *task.where, layout);
        States().put(one);
        one.workload.recompute = open.recomputes().front();
        const auto time = training_time(one);
        if (!time || time->step <= 0)
            return 0;
        least = least > 0 ? std::min(least, time->step) : time->step;
    }
    return least;
}

/// Whether the step is known to be no faster than the best, as it will be for all that follow.
bool Search::try_states(Case &one, const Task &task, const Layout &layout, const OpenStates &open,
                        const States &states) {
    for (const States &move : open.moves(layout, states.zero)) {
        if (move.away() && (!moves_ || rooms_.processors().of(*task.where->devices[0]) == nullptr))
            break;
        States all = move;
        all.zero = move.weights_away ? 4 : states.zero;
        all.recompute = states.recompute;
        all.put(one);
        one.tier = all.away() ? fabrics_->tier(layout) : nullptr;
        const auto time = training_time(one);
        if (!time || !beats(time->step, layout))
            return !all.away();
        if (!fits(one, *task.where, layout))
            continue;
        best_ = {task.where, *one.run.engine, layout, all, time->step, {}, {}};
        return !all.away();
    }
    return false;
}

void Search::try_layout(Case &one, const Task &task, const Layout &layout, const OpenStates &open) {
    set(one, *task.where, layout);
    bool slow = false;
    for (const uint32_t zero : open.zeros(layout)) {
        if (zero == 3 && slow) // stage 2 takes as long as stage 1
            continue;
        slow = false;
        for (const Recompute recompute : open.recomputes())
            // Computing more twice takes no less time.
            if (try_states(one, task, layout, open, {zero, recompute, false, false})) {
                slow = recompute == open.recomputes().front();
                break;
            }
    }
}

base::Done Search::try_all(Case &one, const Task &task, const std::vector<Layout> &layouts,
                           const OpenStates &open, double alone_seconds) {
    uint64_t turn = 0;
    for (const Layout &layout : layouts) {
        const double at_best = optimism * alone_seconds / static_cast<double>(layout.devices());
        if (++turn % 64 == 1 && options_.cancelled != nullptr &&
            options_.cancelled(options_.cancelled_user) != 0)
            return base::error(Status::Cancelled, "the caller stopped the search");
        // Those that follow have no more devices.
        if (best_ && best_->seconds > 0 && at_best > best_->seconds)
            break;
        one.fabric = fabrics_->of(layout);
        try_layout(one, task, layout, open);
        certificate_.visited += open.count(layout);
    }
    return {};
}

base::Done Search::search(const DeviceClass &where, Engine engine) {
    const Task task = task_of(where, engine);
    const OpenStates open(workload_, options_.run, engine,
                          !is_processor(where) && !rooms_.processors().empty());
    HWA_TRY(const Format format, format_of(model_, workload_));
    Case one{&system_, &model_, format,  workload_, task.run, {},
             &links_,  nullptr, nullptr, nullptr,   nullptr};
    std::vector<Layout> layouts = layouts_of(task);
    if (engine != engine_for(workload_, where))
        std::erase_if(layouts, [](const Layout &layout) { return layout.pipeline > 1; });
    for (const Layout &layout : layouts)
        certificate_.space += open.count(layout);
    Fabrics fabrics(system_, links_, rooms_.processors(), where);
    fabrics_ = &fabrics;
    const auto products = std::make_unique<ProductMemo>();
    one.products = products.get();
    one.fabric = fabrics.of(Layout());
    const double alone_seconds = alone(one, task, open);
    if (alone_seconds <= 0) { // what needs no host first
        const uint64_t visited = certificate_.visited;
        moves_ = false;
        HWA_CHECK(try_all(one, task, layouts, open, 0));
        moves_ = true;
        if (best_)
            return {};
        certificate_.visited = visited;
    }
    return try_all(one, task, layouts, open, alone_seconds);
}

/// Where Megatron is first, PyTorch without a pipeline is tried too: it keeps weights elsewhere.
base::Done Search::search(bool processors) {
    for (const DeviceClass &where : found_.classes) {
        if (is_processor(where) != processors)
            continue;
        const Engine first = engine_for(workload_, where);
        HWA_CHECK(search(where, first));
        if (first != Engine::Torch)
            HWA_CHECK(search(where, Engine::Torch));
    }
    return processors ? base::Done() : search_uneven();
}

void Search::try_uneven(Case &one, const UnevenLayout &layout, const OpenStates &open,
                        std::vector<Side> &sides) {
    std::vector<const Fabric *> fabrics;
    std::vector<ProductMemo *> products;
    std::vector<const core::Device *> stages;
    double at_best = 0;
    for (const Block &block : layout.blocks) {
        Side &side = *std::find_if(sides.begin(), sides.end(),
                                   [&](const Side &some) { return some.where == block.where; });
        Layout share = layout.layout;
        share.pipeline = block.stages;
        fabrics.push_back(side.fabrics->of(share));
        products.push_back(side.products.get());
        at_best += static_cast<double>(share.devices()) / side.alone;
        const std::vector<uint32_t> groups = block.where->group_starts(share.tensor);
        for (uint32_t stage = 0; stage < block.stages; ++stage)
            stages.push_back(block.where->devices[groups[stage]]);
    }
    const Layout &all = layout.layout;
    const uint64_t turns = *one.run.global_batch / all.data / all.micro_batch;
    const double filling = 1 + (all.pipeline - 1) / static_cast<double>(turns);
    if (best_ && best_->seconds > 0 && optimism * filling / at_best > best_->seconds)
        return;
    const Fabric between = slowest_way(system_, stages);
    one.between = &between;
    set(one, *layout.blocks[0].where, layout.layout);
    for (const uint32_t zero : open.zeros(layout.layout))
        for (const Recompute recompute : open.recomputes()) {
            const States states = {zero, recompute, false, false};
            states.put(one);
            const bool known = best_ && best_->seconds > 0;
            const Dealt dealt = Dealer(one, layout, fabrics, products)
                                    .deal(known ? best_->seconds * (1 - 1e-6) : 1e300);
            if (dealt.what == Dealt::Done)
                best_ = {layout.blocks[0].where, *one.run.engine, layout.layout, states,
                         dealt.seconds,          layout.blocks,   one.slices};
            if (dealt.what == Dealt::Slow) // else stages may be more even with more computed twice
                break;
        }
    one.between = nullptr;
}

/// Pipelines over several classes.
base::Done Search::search_uneven() {
    const std::vector<const DeviceClass *> classes = uneven_classes(found_);
    if (classes.size() < 2)
        return {};
    const bool megatron =
        classes[0]->devices[0]->vendor.value == "nvidia" && workload_.mode == Mode::Train;
    const Task task = task_of(*classes[0], megatron ? Engine::Megatron : Engine::Torch);
    const OpenStates open(workload_, options_.run, *task.run.engine, false);
    HWA_TRY(const Format format, format_of(model_, workload_));
    Case one{&system_, &model_, format,  workload_, task.run, {},
             &links_,  nullptr, nullptr, nullptr,   nullptr};
    std::vector<Side> sides;
    for (const DeviceClass *where : classes) {
        Side &side = sides.emplace_back();
        side.where = where;
        side.fabrics = std::make_unique<Fabrics>(system_, links_, rooms_.processors(), *where);
        side.products = std::make_unique<ProductMemo>();
        one.fabric = side.fabrics->of(Layout());
        one.products = side.products.get();
        Task alone_task = task;
        alone_task.where = where;
        side.alone = alone(one, alone_task, open);
        if (side.alone <= 0)
            return {};
    }
    one.products = nullptr;
    uint64_t turn = 0;
    for (const UnevenLayout &layout : uneven_layouts(task, classes)) {
        if (++turn % 64 == 1 && options_.cancelled != nullptr &&
            options_.cancelled(options_.cancelled_user) != 0)
            return base::error(Status::Cancelled, "the caller stopped the search");
        try_uneven(one, layout, open, sides);
        certificate_.space += open.count(layout.layout);
        certificate_.visited += open.count(layout.layout);
    }
    return {};
}

/// The ranks of a stage in one domain, the stages of a replica next to each other.
std::vector<Slice> Search::all_slices(const Case &one, const DeviceClass &where,
                                      const Layout &layout) const {
    std::vector<Slice> made;
    made.reserve(layout.devices());
    const std::vector<uint32_t> groups = where.group_starts(layout.tensor);
    const uint32_t tensor = layout.tensor, context = layout.context;
    uint64_t group = 0;
    for (uint32_t replica = 0; replica < layout.data; ++replica)
        for (const Slice &stage : one.slices)
            for (uint32_t rank = 0; rank < context; ++rank, ++group)
                for (uint32_t part = 0; part < tensor; ++part) {
                    Slice &slice = made.emplace_back(stage);
                    slice.device = where.devices[groups[group] + part];
                    slice.tensor_rank = part;
                    slice.context_rank = rank;
                    slice.replica = replica;
                    slice.like = static_cast<int32_t>(stage.stage * tensor * context);
                    slice.expert_rank = static_cast<uint32_t>(
                        (uint64_t{replica} * context * tensor + uint64_t{rank} * tensor + part) %
                        layout.expert);
                }
    return made;
}

base::Result<Plan> Search::finish(const Choices &best) {
    const Task task = task_of(*best.where, best.engine);
    HWA_TRY(const Format format, format_of(model_, workload_));
    Case one{&system_, &model_, format,  workload_, task.run, {},
             &links_,  nullptr, nullptr, nullptr,   nullptr};
    set(one, *best.where, best.layout);
    best.states.put(one);
    one.slices = best.blocks.empty() ? all_slices(one, *best.where, best.layout)
                                     : uneven_slices(best.layout, best.blocks, best.stages);
    HostTier tier;
    if (best.states.away()) {
        std::vector<const core::Device *> devices;
        for (const Slice &slice : one.slices)
            devices.push_back(slice.device);
        tier = rooms_.processors().tier(links_, devices);
        one.tier = &tier;
    }
    return evaluate(one);
}

base::Error Search::no_fit() const {
    if (found_.classes.empty())
        return base::error(Status::NoFit, "%s", no_device_text(found_.blind).c_str());
    if (least_over_ == UINT64_MAX)
        return base::error(Status::NoFit,
                           "no layout agrees with the pins: the degrees must divide heads, layers, "
                           "experts and the global batch, and there must be devices enough");
    return base::error(
        Status::NoFit, "%s does not fit: the nearest layout, on %s, lacks %s %s",
        model_text(model_).c_str(), list_devices({{nearest_.slices[0].device}}).c_str(),
        bytes_text(least_over_).c_str(), host_lacks_ ? "in the memory of a host" : "on a device");
}

base::Result<Plan> Search::run() {
    HWA_CHECK(search(false));
    if (!best_)
        HWA_CHECK(search(true));
    if (!best_)
        return no_fit();
    certificate_.bounded = certificate_.space - certificate_.visited;
    HWA_TRY(Plan plan, finish(*best_));
    if (plan.tokens_per_second < options_.min_tokens_per_second)
        return base::error(
            Status::NoFit, "%s",
            too_slow_text(plan.tokens_per_second, options_.min_tokens_per_second).c_str());
    certificate_.best = certificate_.least = plan.step_seconds;
    certificate_.binding = best_->states.recompute != Recompute::None || best_->states.away()
                               ? "memory"
                               : bound_name(plan.bound);
    plan.certificate = certificate_;
    add_training_notes(model_, options_.headroom, plan);
    return plan;
}

} // namespace

base::Result<Plan> search_training(const System &system, const Model &model, const Options &options,
                                   const Workload &workload) {
    return Search(system, model, options, workload).run();
}

} // namespace hwa::plan
