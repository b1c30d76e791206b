// SPDX-License-Identifier: MIT
// The search: formats from the best down, sets of devices, the split over each; the first format
// that fits wins, and in it the plan that serves the objective best.
#include "plan/plan.h"

#include "plan/evaluate.h"
#include "plan/notes.h"
#include "plan/search/candidates.h"
#include "plan/search/formats.h"
#include "plan/words.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hwa::plan {

using base::Status;
using core::Model;
using core::System;

namespace {

/// Seconds on the way from a stage to the next.
struct Hop {
    double step = 0;
    double prompt = 0;
};

class Search {
  public:
    Search(const System &system, const Model &model, const Options &options, double headroom)
        : system_(system), model_(model), options_(options),
          found_(find_candidates(system, options, headroom)), headroom_(headroom) {}

    base::Result<Plan> run(const Workload &workload);

  private:
    using Sets = std::vector<DeviceSet>;

    base::Result<std::optional<Plan>> walk(std::span<const Sized> formats,
                                           std::initializer_list<const Sets *> tiers);
    std::optional<Plan> best_of(const Sized &sized, const Sets &sets);
    std::optional<Plan> lay(const Sized &sized, const DeviceSet &set);
    void add_times(const Sized &sized, const DeviceSet &set, Plan &plan) const;
    Hop hop(const Wire &wire) const;
    bool better(const Plan &a, const Plan &b) const;
    base::Error no_fit(std::span<const Sized> formats) const;

    const System &system_;
    const Model &model_;
    const Options &options_;
    Candidates found_;
    double headroom_;
    Workload workload_;
    double fastest_ = 0; ///< of the plans that were too slow
    bool unknown_speed_ = false;
};

/// The hidden states of one step, 4 bytes each.
Hop Search::hop(const Wire &wire) const {
    const double rows = static_cast<double>(workload_.batch);
    const double bytes = 4.0 * model_.hidden_size / static_cast<double>(wire.bytes_per_second);
    const double start = 1e-9 * wire.latency_ns;
    return {start + rows * bytes,
            start + rows * static_cast<double>(workload_.prompt_tokens) * bytes};
}

/// Stages take turns on each token, so that their times add up.
void Search::add_times(const Sized &sized, const DeviceSet &set, Plan &plan) const {
    double memory = 0, compute = 0, links = 0, step = 0, prompt = 0, peak = 0;
    bool known = true, prompt_known = true;
    for (size_t i = 0; i < set.size(); ++i) {
        Stage &stage = plan.stages[i];
        const Rates &rates = found_.all[set[i]].rates;
        const StageTime time =
            time_of(model_, sized, workload_, stage.first_layer, stage.layer_count, rates);
        known = known && rates.bytes_per_second > 0;
        prompt_known = prompt_known && rates.ops_per_second > 0;
        stage.seconds_per_token = rates.bytes_per_second > 0 ? time.step() : 0;
        memory += time.memory;
        compute += time.compute;
        step += time.step();
        prompt += time.prompt;
        peak += rates.peak_ops_per_second;
        plan.error_factor = std::max(plan.error_factor, rates.error_factor);
        if (i == 0)
            continue;
        const Wire *wire = found_.find_wire(set[i - 1], set[i]);
        const Hop way = wire != nullptr ? hop(*wire) : Hop();
        plan.unknown_link = plan.unknown_link || wire == nullptr;
        links += way.step;
        prompt += way.prompt;
    }
    if (prompt_known)
        plan.first_token_seconds = prompt;
    if (!known) {
        plan.error_factor = 0;
        return;
    }
    plan.token_seconds = step + links;
    plan.tokens_per_second = static_cast<double>(workload_.batch) / plan.token_seconds;
    plan.bound = links > std::max(memory, compute) ? Bound::Link
                 : compute > memory                ? Bound::Compute
                                                   : Bound::Memory;
    if (prompt_known && peak > 0)
        plan.flops_utilization = std::min(1.0, 2 * static_cast<double>(model_.active_parameters) *
                                                   plan.tokens_per_second / peak);
}

std::optional<Plan> Search::lay(const Sized &sized, const DeviceSet &set) {
    std::vector<Room> rooms;
    rooms.reserve(set.size());
    for (const uint32_t index : set)
        rooms.push_back(found_.all[index].room);
    const std::vector<uint64_t> counts = partition(sized, rooms);
    if (counts.empty())
        return std::nullopt;
    Plan plan;
    plan.stages.reserve(set.size());
    uint64_t from = 0;
    for (size_t i = 0; i < set.size(); ++i) {
        const Footprint part = footprint_of(sized, from, counts[i], rooms[i].kind);
        plan.stages.push_back({found_.all[set[i]].device, from, counts[i], part, 0});
        plan.footprint += part;
        from += counts[i];
    }
    plan.format = sized.format;
    plan.weight_bits = sized.bits;
    add_times(sized, set, plan);
    if (options_.min_tokens_per_second > 0 &&
        !(plan.tokens_per_second >= options_.min_tokens_per_second)) {
        unknown_speed_ = unknown_speed_ || plan.tokens_per_second <= 0;
        fastest_ = std::max(fastest_, plan.tokens_per_second);
        return std::nullopt;
    }
    return plan;
}

/// Known speeds before unknown ones, then the objective, then fewer devices. Differences below a
/// millionth count as none, so that rounding does not decide.
bool Search::better(const Plan &a, const Plan &b) const {
    const bool a_known = a.token_seconds > 0, b_known = b.token_seconds > 0;
    if (a_known != b_known)
        return a_known;
    const auto cost = [&](const Plan &plan) {
        const double tokens = static_cast<double>(workload_.output_tokens);
        return options_.objective == Objective::Latency
                   ? plan.first_token_seconds + tokens * plan.token_seconds
                   : plan.token_seconds;
    };
    const double a_cost = cost(a), b_cost = cost(b);
    if (std::fabs(a_cost - b_cost) > 1e-6 * std::max(a_cost, b_cost))
        return a_cost < b_cost;
    return a.stages.size() < b.stages.size();
}

std::optional<Plan> Search::best_of(const Sized &sized, const Sets &sets) {
    std::optional<Plan> best;
    for (const DeviceSet &set : sets) {
        std::optional<Plan> plan = lay(sized, set);
        if (plan && (!best || better(*plan, *best)))
            best = std::move(plan);
    }
    return best;
}

base::Result<std::optional<Plan>> Search::walk(std::span<const Sized> formats,
                                               std::initializer_list<const Sets *> tiers) {
    for (const Sized &sized : formats) {
        if (options_.cancelled != nullptr && options_.cancelled(options_.cancelled_user) != 0)
            return base::error(Status::Cancelled, "the caller stopped the search");
        for (const Sets *sets : tiers)
            if (std::optional<Plan> plan = best_of(sized, *sets))
                return plan;
    }
    return std::optional<Plan>();
}

/// Of the smallest format on the roomiest devices: what it needs and what there is.
base::Error Search::no_fit(std::span<const Sized> formats) const {
    if (found_.all.empty())
        return base::error(Status::NoFit, "%s", no_device_text(found_.blind).c_str());
    if (formats.empty())
        return base::error(Status::NoFit, "no format of %s has %s bits or more per weight",
                           model_text(model_).c_str(), fixed(options_.min_weight_bits, 2).c_str());
    if (fastest_ > 0 || unknown_speed_)
        return base::error(Status::NoFit, "%s",
                           too_slow_text(fastest_, options_.min_tokens_per_second).c_str());
    std::vector<Room> rooms;
    std::vector<const core::Device *> devices;
    bool host = false;
    const size_t limit = options_.max_devices != 0 ? options_.max_devices : found_.all.size();
    for (const Candidate &candidate : found_.all) {
        if (rooms.size() == limit || (candidate.host_memory && host))
            continue;
        host = host || candidate.host_memory;
        rooms.push_back(candidate.room);
        devices.push_back(candidate.device);
    }
    return base::error(Status::NoFit, "%s",
                       no_fit_text(model_, formats.back(), workload_, rooms, devices).c_str());
}

base::Result<Plan> Search::run(const Workload &workload) {
    workload_ = workload;
    std::vector<Sized> formats;
    for (const Format &format : formats_for(model_, workload)) {
        HWA_TRY(Sized sized, size_up(model_, format, workload));
        if (sized.bits + 1e-9 >= options_.min_weight_bits)
            formats.push_back(std::move(sized));
    }
    std::optional<Plan> plan;
    if (options_.objective == Objective::Quality) {
        HWA_TRY(plan, walk(formats, {&found_.accelerated, &found_.with_processor}));
    } else {
        HWA_TRY(plan, walk(formats, {&found_.accelerated}));
        if (!plan) {
            HWA_TRY(plan, walk(formats, {&found_.with_processor}));
        }
    }
    if (!plan)
        return no_fit(formats);
    plan->workload = workload;
    plan->usd_per_hour = system_.usd_per_hour > 0 ? system_.usd_per_hour : options_.usd_per_hour;
    if (plan->tokens_per_second > 0)
        plan->usd_per_million_tokens = plan->usd_per_hour * 1e6 / (3600 * plan->tokens_per_second);
    add_notes(model_, headroom_, *plan);
    return std::move(*plan);
}

base::Done check(const System &system, const Options &options) {
    const auto share = [](double value) { return value >= 0 && value < 1; };
    const auto amount = [](double value) { return value >= 0 && std::isfinite(value); };
    if (options.objective < Objective::Throughput || options.objective > Objective::Quality)
        return base::error(Status::Invalid, "options: objective is %d, which is none",
                           static_cast<int>(options.objective));
    if (!share(options.headroom))
        return base::error(Status::Invalid, "options: headroom is no share from 0 to below 1");
    if (!amount(options.usd_per_hour) || !amount(options.min_tokens_per_second) ||
        !amount(options.min_weight_bits))
        return base::error(Status::Invalid, "options: usd_per_hour, min_tokens_per_second and "
                                            "min_weight_bits are finite numbers from 0 up");
    if (options.objective == Objective::Cost && options.usd_per_hour <= 0 &&
        system.usd_per_hour <= 0)
        return base::error(Status::Invalid,
                           "options: objective is cost, and no price of the system is known: set "
                           "usd_per_hour");
    return {};
}

} // namespace

base::Result<Plan> make_plan(const System &system, const Model &model, const Options &options) {
    HWA_CHECK(check(system, options));
    HWA_TRY(const Workload workload, settle(options.workload));
    if (options.run.engine)
        return evaluate(system, model, options, workload);
    if (workload.trains())
        return base::error(Status::Unsupported,
                           "workload: mode is %s: nothing is searched for training yet; pin an "
                           "engine and the degrees of parallelism",
                           mode_name(workload.mode));
    const double headroom = options.headroom > 0 ? options.headroom : 0.1;
    return Search(system, model, options, headroom).run(workload);
}

} // namespace hwa::plan
