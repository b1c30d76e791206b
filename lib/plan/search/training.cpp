// SPDX-License-Identifier: MIT
// The search for training and tuning: all layouts over the devices of one class, in the order of
// what their devices could do at best.
#include "plan/search/search.h"

#include "plan/evaluate.h"
#include "plan/memory/training.h"
#include "plan/memory/weights.h"
#include "plan/notes.h"
#include "plan/search/layouts.h"
#include "plan/time/collectives.h"
#include "plan/time/product_memo.h"
#include "plan/time/step.h"
#include "plan/words.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

namespace hwa::plan {

using base::Status;
using core::Model;
using core::System;

namespace {

/// What else is chosen, the cheapest in time first: what is computed twice, and what is split over
/// replicas.
constexpr Recompute recomputes[] = {Recompute::None, Recompute::Selective, Recompute::Full};

/// So many devices are not faster than one by more than their number over this.
constexpr double optimism = 0.5;

/// The engine for training where none is pinned: Megatron where several of NVIDIA's devices train
/// all weights, else PyTorch.
Engine engine_for(const Workload &workload, const DeviceClass &where) {
    const bool nvidia = where.devices[0]->vendor.value == "nvidia";
    return nvidia && where.devices.size() > 1 && workload.mode == Mode::Train ? Engine::Megatron
                                                                              : Engine::Torch;
}

/// Stages of ZeRO that the engine has, plus 1.
std::vector<uint32_t> zero_stages(const Workload &workload, Engine engine) {
    if (workload.zero_stage != 0)
        return {workload.zero_stage};
    if (engine == Engine::Megatron)
        return {1, 2};
    return {1, 2, 3, 4};
}

/// Fabrics of the devices that layouts take. What is farther than some thousand devices away does
/// not change them.
class Fabrics {
  public:
    Fabrics(const System &system, const DeviceClass &where) : where_(where) {
        const std::string &first = where.devices[0]->id;
        for (const core::Link &link : system.links)
            if (link.a == first || link.b == first)
                near_.links.push_back(link);
    }
    const Fabric *of(const Layout &layout) {
        constexpr uint64_t near = 4096;
        const uint64_t count = std::min(near, layout.devices());
        auto &made = made_[{layout.tensor, count}];
        if (made == nullptr)
            made = std::make_unique<Fabric>(fabric_of(near_, devices(layout.tensor, count)));
        return made.get();
    }

  private:
    std::vector<const core::Device *> devices(uint32_t tensor, uint64_t count) const {
        std::vector<const core::Device *> made;
        for (size_t i = 0; i + 1 < where_.domains.size() && made.size() < count; ++i)
            for (uint32_t at = where_.domains[i];
                 at + tensor <= where_.domains[i + 1] && made.size() < count; at += tensor)
                for (uint32_t part = 0; part < tensor; ++part)
                    made.push_back(where_.devices[at + part]);
        return made;
    }

    const DeviceClass &where_;
    System near_; ///< the first device's links alone
    std::map<std::pair<uint32_t, uint64_t>, std::unique_ptr<Fabric>> made_;
};

class Search {
  public:
    Search(const System &system, const Model &model, const Options &options,
           const Workload &workload)
        : system_(system), model_(model), options_(options), workload_(workload), links_(system),
          found_(find_candidates(system, links_, options, options.headroom)) {}

    base::Result<Plan> run();

  private:
    /// A case as far as it goes without its slices.
    struct Choices {
        const DeviceClass *where = nullptr;
        Layout layout;
        Recompute recompute = Recompute::None;
        uint32_t zero = 1;
        double seconds = 0; ///< of a step; 0: not known
    };

    Task task_of(const DeviceClass &where) const;
    base::Done search(const DeviceClass &where);
    void try_layout(Case &one, const DeviceClass &where, const Layout &layout);
    void set(Case &one, const DeviceClass &where, const Layout &layout) const;
    bool beats(double seconds, const Layout &layout) const;
    bool fits(const Case &one, uint64_t room);
    double alone(Case &one, const Task &task) const;
    std::vector<Recompute> open_recomputes() const;
    std::vector<uint32_t> open_stages(Engine engine, const Layout &layout) const;
    uint64_t variants(Engine engine, const Layout &layout) const;
    base::Result<Plan> finish(const Choices &best);
    base::Error no_fit() const;

    const System &system_;
    const Model &model_;
    const Options &options_;
    const Workload &workload_;
    Links links_;
    Candidates found_;
    std::optional<Choices> best_;
    Certificate certificate_;
    uint64_t least_over_ = UINT64_MAX; ///< bytes that the nearest miss lacked
    Case nearest_;
};

Task Search::task_of(const DeviceClass &where) const {
    Task task;
    task.model = &model_;
    task.where = &where;
    task.run = options_.run;
    task.run.engine = engine_for(workload_, where);
    task.most_devices = options_.max_devices != 0 ? options_.max_devices : UINT32_MAX;
    // One sequence for each device, unless the caller says more.
    const auto devices = std::min<uint64_t>(where.devices.size(), task.most_devices);
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

bool Search::fits(const Case &one, uint64_t room) {
    for (const Slice &slice : one.slices) {
        const auto bytes = training_bytes(one, slice);
        if (!bytes)
            return false;
        if (bytes->total() <= room)
            continue;
        if (bytes->total() - room < least_over_) {
            least_over_ = bytes->total() - room;
            nearest_ = one;
        }
        return false;
    }
    return true;
}

std::vector<Recompute> Search::open_recomputes() const {
    if (workload_.recompute != Recompute::Choose)
        return {workload_.recompute};
    return {std::begin(recomputes), std::end(recomputes)};
}

/// Seconds of a step on one device, were its memory large enough; 0: not known.
double Search::alone(Case &one, const Task &task) const {
    double least = 0;
    for (uint64_t micro = 1; micro <= largest_micro_batch; ++micro) {
        if (task.micro_batch != 0 ? micro != task.micro_batch : *task.run.global_batch % micro != 0)
            continue;
        Layout layout;
        layout.micro_batch = micro;
        set(one, *task.where, layout);
        one.workload.zero_stage = 1;
        one.workload.recompute = open_recomputes().front();
        const auto time = training_time(one);
        if (!time || time->step <= 0)
            return 0;
        least = least > 0 ? std::min(least, time->step) : time->step;
    }
    return least;
}

/// Of ZeRO; one replica has nothing to split.
std::vector<uint32_t> Search::open_stages(Engine engine, const Layout &layout) const {
    if (layout.data * layout.context == 1 && workload_.zero_stage == 0)
        return {1};
    return zero_stages(workload_, engine);
}

uint64_t Search::variants(Engine engine, const Layout &layout) const {
    return open_stages(engine, layout).size() * open_recomputes().size();
}

void Search::try_layout(Case &one, const DeviceClass &where, const Layout &layout) {
    set(one, where, layout);
    for (const uint32_t zero : open_stages(*one.run.engine, layout)) {
        one.workload.zero_stage = zero;
        for (const Recompute recompute : open_recomputes()) {
            one.workload.recompute = recompute;
            const auto time = training_time(one);
            if (!time)
                break;
            // Computing more twice takes no less time.
            if (!beats(time->step, layout))
                break;
            if (!fits(one, where.room))
                continue;
            best_ = {&where, layout, recompute, zero, time->step};
            break;
        }
    }
}

base::Done Search::search(const DeviceClass &where) {
    const Task task = task_of(where);
    HWA_TRY(const Format format, format_of(model_, workload_));
    Case one{&system_, &model_, format,  workload_, task.run,
             {},       &links_, nullptr, nullptr,   nullptr};
    const std::vector<Layout> layouts = layouts_of(task);
    for (const Layout &layout : layouts)
        certificate_.space += variants(*task.run.engine, layout);
    Fabrics fabrics(system_, where);
    const auto products = std::make_unique<ProductMemo>();
    one.products = products.get();
    one.fabric = fabrics.of(Layout());
    const double alone_seconds = alone(one, task);
    uint64_t turn = 0;
    for (const Layout &layout : layouts) {
        const double at_best = optimism * alone_seconds / static_cast<double>(layout.devices());
        if (++turn % 64 == 1 && options_.cancelled != nullptr &&
            options_.cancelled(options_.cancelled_user) != 0)
            return base::error(Status::Cancelled, "the caller stopped the search");
        // Those that follow have no more devices.
        if (best_ && best_->seconds > 0 && at_best > best_->seconds)
            break;
        one.fabric = fabrics.of(layout);
        try_layout(one, where, layout);
        certificate_.visited += variants(*task.run.engine, layout);
    }
    return {};
}

/// All slices, the ranks of a stage in one domain, the stages of a replica next to each other.
base::Result<Plan> Search::finish(const Choices &best) {
    const Task task = task_of(*best.where);
    HWA_TRY(const Format format, format_of(model_, workload_));
    Case one{&system_, &model_, format,  workload_, task.run,
             {},       &links_, nullptr, nullptr,   nullptr};
    set(one, *best.where, best.layout);
    one.workload.recompute = best.recompute;
    one.workload.zero_stage = best.zero;
    const std::vector<Slice> stages = std::move(one.slices);
    one.slices.clear();
    one.slices.reserve(best.layout.devices());
    const std::vector<uint32_t> groups = best.where->group_starts(best.layout.tensor);
    const uint32_t tensor = best.layout.tensor, context = best.layout.context;
    uint64_t group = 0;
    for (uint32_t replica = 0; replica < best.layout.data; ++replica)
        for (const Slice &stage : stages)
            for (uint32_t rank = 0; rank < context; ++rank, ++group)
                for (uint32_t part = 0; part < tensor; ++part) {
                    Slice &slice = one.slices.emplace_back(stage);
                    slice.device = best.where->devices[groups[group] + part];
                    slice.tensor_rank = part;
                    slice.context_rank = rank;
                    slice.replica = replica;
                    slice.like = static_cast<int32_t>(stage.stage * tensor * context);
                    slice.expert_rank = static_cast<uint32_t>(
                        (uint64_t{replica} * context * tensor + uint64_t{rank} * tensor + part) %
                        best.layout.expert);
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
        Status::NoFit, "%s does not fit: the nearest layout, on %s, lacks %s on a device",
        model_text(model_).c_str(), list_devices({{nearest_.slices[0].device}}).c_str(),
        bytes_text(least_over_).c_str());
}

base::Result<Plan> Search::run() {
    for (const bool processors : {false, true}) {
        for (const DeviceClass &where : found_.classes)
            if ((where.kind == core::Kind::Cpu) == processors)
                HWA_CHECK(search(where));
        if (best_)
            break;
    }
    if (!best_)
        return no_fit();
    certificate_.bounded = certificate_.space - certificate_.visited;
    HWA_TRY(Plan plan, finish(*best_));
    if (plan.tokens_per_second < options_.min_tokens_per_second)
        return base::error(
            Status::NoFit, "%s",
            too_slow_text(plan.tokens_per_second, options_.min_tokens_per_second).c_str());
    certificate_.best = certificate_.least = plan.step_seconds;
    certificate_.binding = best_->recompute != Recompute::None ? "memory" : bound_name(plan.bound);
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
