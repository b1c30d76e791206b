// SPDX-License-Identifier: MIT
// The search for inference: formats from the best down, the devices and the split for each; the
// first format that fits wins, and in it the plan that serves the objective best.
#include "plan/search/search.h"

#include "plan/evaluate.h"
#include "plan/memory/weights.h"
#include "plan/notes.h"
#include "plan/search/balance.h"
#include "plan/search/costs.h"
#include "plan/search/formats.h"
#include "plan/search/serving.h"
#include "plan/search/shortfall.h"
#include "plan/words.h"

#include <algorithm>
#include <cmath>
#include <optional>

namespace hwa::plan {

using base::Status;
using core::Kind;
using core::Model;
using core::System;

namespace {

/// Devices to use together: all classes but those in host memory, and of these one or none.
struct Pool {
    static constexpr uint32_t none = UINT32_MAX;
    uint32_t host = none;
    bool processor = false;
};

/// Looked up once, not for each layer of each candidate.
void set_cache_formats(Case &one) {
    const CacheFormat *common = find_cache_format(core::dtype_name(one.workload.cache_dtype));
    if (common == nullptr)
        return;
    for (auto *format : {&one.run.key_format, &one.run.value_format})
        *format = format->value_or(common);
}

/// Ways between stages on the devices of seats.
class DeviceHops final : public Hops {
  public:
    DeviceHops(const Case &one, const Candidates &found, uint32_t ranks, Objective objective)
        : one_(one), found_(found), ranks_(ranks), objective_(objective) {}

    double between(const Seat &from, const Seat &to) const override {
        return hop_cost(one_, one_.links->between(device(from), device(to)), objective_);
    }
    const core::Device &device(const Seat &seat) const {
        return *found_.classes[seat.kind].devices[seat.place * ranks_];
    }

  private:
    const Case &one_;
    const Candidates &found_;
    uint32_t ranks_;
    Objective objective_;
};

class Search {
  public:
    Search(const System &system, const Model &model, const Options &options,
           const Workload &workload)
        : system_(system), model_(model), options_(options), workload_(workload), links_(system),
          found_(find_candidates(system, links_, options, options.headroom)) {}

    base::Result<Plan> run();
    std::string fitting(Fit which);

  private:
    enum class Tier { Accelerators, Processors };

    base::Result<Sized *> size(size_t format);
    bool fine_enough(const Sized &sized) const;
    size_t rung(size_t format) const;
    base::Result<std::optional<Plan>> walk(std::initializer_list<Tier> tiers);
    std::optional<Plan> best_of(Sized &sized, Tier tier);
    void share(Sized &sized, std::optional<Plan> &best);
    std::optional<Plan> lay(Case &one, const Pool &pool);
    bool fits_stages(const Sized &sized) const;
    std::optional<Plan> moor(Case &one, std::span<const SeatKind> kinds,
                             std::span<const Ladder> ladders, std::span<const Seat> seats);
    std::optional<Plan> dock(Case &one, std::span<const Seat> seats,
                             const std::vector<Berth> &berths);
    bool fast_enough(double tokens_per_second);
    bool shares() const;
    std::vector<Pool> pools(Tier tier) const;
    std::vector<Seat> seats(const Pool &pool) const;
    uint64_t layouts(const Pool &pool) const;
    uint64_t space() const;
    StageLimit stage_limit() const;
    base::Error no_fit() const;

    const System &system_;
    const Model &model_;
    const Options &options_;
    const Workload &workload_;
    Links links_;
    Candidates found_;
    std::vector<Format> formats_; ///< best first
    std::vector<Sized> sized_;    ///< of the first of them, as far as they were looked at
    Certificate certificate_;
    double fastest_ = 0; ///< of the plans that were too slow
    bool unknown_speed_ = false;
};

std::vector<Pool> Search::pools(Tier tier) const {
    std::vector<Pool> made;
    if (tier == Tier::Accelerators)
        made.push_back({});
    for (uint32_t i = 0; i < found_.classes.size(); ++i) {
        const bool processor = found_.classes[i].kind == Kind::Cpu;
        if (found_.classes[i].host_memory && processor == (tier == Tier::Processors))
            made.push_back({i, processor});
    }
    return made;
}

/// Processors hold the first layers, as engines have it.
std::vector<Seat> Search::seats(const Pool &pool) const {
    std::vector<Seat> made;
    const auto add = [&](uint32_t kind, uint64_t count) {
        const auto most = static_cast<uint32_t>(std::min<uint64_t>(count, model_.layers.size()));
        for (uint32_t place = 0; place < most; ++place)
            made.push_back({kind, place});
    };
    if (pool.processor)
        add(pool.host, found_.classes[pool.host].pools());
    for (uint32_t i = 0; i < found_.classes.size(); ++i) {
        const DeviceClass &one = found_.classes[i];
        if (!one.host_memory || (i == pool.host && !pool.processor))
            add(i, one.pools());
    }
    return made;
}

/// Numbers of devices of each class that a pool allows, its class of host memory in use.
uint64_t Search::layouts(const Pool &pool) const {
    uint64_t made = 1;
    for (const DeviceClass &one : found_.classes)
        if (!one.host_memory && __builtin_mul_overflow(made, one.pools() + 1, &made))
            return UINT64_MAX >> 16;
    if (pool.host == Pool::none)
        return made - 1;
    return std::min(made, UINT64_MAX >> 24) * found_.classes[pool.host].pools();
}

uint64_t Search::space() const {
    uint64_t one = 0;
    for (const Tier tier : {Tier::Accelerators, Tier::Processors})
        for (const Pool &pool : pools(tier))
            one += layouts(pool);
    one *= static_cast<uint64_t>(std::count_if(
        formats_.begin(), formats_.end(), [](const Format &format) { return !format.beside; }));
    for (const DeviceClass &where : found_.kin()) {
        if (where.devices.size() < 2)
            continue;
        uint64_t served = 0;
        for (const Deployment &how : deployments_of(model_, where, options_, workload_))
            served += how.layouts();
        for (const Format &format : formats_)
            one += is_served(format, where) ? served : 0;
    }
    return one;
}

StageLimit Search::stage_limit() const {
    const uint32_t most = options_.max_devices != 0 ? options_.max_devices : UINT32_MAX;
    const uint32_t pinned = options_.run.pipeline.value_or(0);
    return pinned != 0 ? StageLimit{pinned, std::min(pinned, most)} : StageLimit{1, most};
}

bool Search::fast_enough(double tokens_per_second) {
    if (options_.min_tokens_per_second <= 0 || tokens_per_second >= options_.min_tokens_per_second)
        return true;
    unknown_speed_ = unknown_speed_ || tokens_per_second <= 0;
    fastest_ = std::max(fastest_, tokens_per_second);
    return false;
}

std::optional<Plan> Search::moor(Case &one, std::span<const SeatKind> kinds,
                                 std::span<const Ladder> ladders, std::span<const Seat> seats) {
    const DeviceHops hops(one, found_, 1, options_.objective);
    std::vector<Berth> berths = place(ladders, seats, hops, stage_limit());
    if (berths.empty())
        return std::nullopt;
    balance(kinds, ladders, seats, berths);
    return dock(one, seats, berths);
}

std::optional<Plan> Search::dock(Case &one, std::span<const Seat> seats,
                                 const std::vector<Berth> &berths) {
    one.slices.clear();
    uint32_t from = 0;
    for (const Berth &berth : berths) {
        Slice &slice = one.slices.emplace_back();
        const Seat &seat = seats[berth.seat];
        slice.device = found_.classes[seat.kind].devices[seat.place];
        slice.first_layer = from;
        slice.layer_count = berth.end - from;
        slice.stage = static_cast<uint32_t>(one.slices.size() - 1);
        slice.embedding = from == 0;
        slice.output = berth.end == model_.layers.size();
        from = berth.end;
    }
    one.run.pipeline = static_cast<uint32_t>(berths.size());
    auto plan = evaluate(one);
    if (!plan || !fast_enough(plan->tokens_per_second))
        return std::nullopt;
    return std::move(*plan);
}

std::optional<Plan> Search::lay(Case &one, const Pool &pool) {
    const std::vector<Seat> where = seats(pool);
    if (where.empty())
        return std::nullopt;
    const size_t count = found_.classes.size();
    if (where.size() == 1 && stage_limit().least == 1) {
        const DeviceClass &alone = found_.classes[where[0].kind];
        const bool fits = InferenceCosts(one, alone, options_.objective)
                              .bytes(0, static_cast<uint32_t>(model_.layers.size())) <= alone.room;
        return fits ? dock(one, where, {{0, static_cast<uint32_t>(model_.layers.size())}})
                    : std::nullopt;
    }
    std::vector<InferenceCosts> costs;
    std::vector<SeatKind> kinds(count);
    std::vector<Ladder> ladders(count);
    costs.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        costs.emplace_back(one, found_.classes[i], options_.objective);
        kinds[i] = {&costs.back(), found_.classes[i].room};
        climb(costs.back(), found_.classes[i].room, ladders[i]);
    }
    if (!can_place(ladders, where, stage_limit()))
        return std::nullopt;
    return moor(one, kinds, ladders, where);
}

/// Whether the pins ask for more than one pipeline.
bool Search::shares() const {
    const Run &run = options_.run;
    const auto pinned = {run.tensor, run.data, run.context, run.expert, run.attention_data};
    return std::any_of(pinned.begin(), pinned.end(),
                       [](const Choice<uint32_t> &one) { return one.value_or(1) > 1; });
}

std::optional<Plan> Search::best_of(Sized &sized, Tier tier) {
    std::optional<Plan> best;
    Case one{&system_, &model_, sized.format, workload_, options_.run,
             {},       &links_, &sized,       nullptr,   nullptr};
    const bool alone = !shares() && !sized.format.beside;
    for (const Pool &pool : alone ? pools(tier) : std::vector<Pool>()) {
        certificate_.visited += layouts(pool);
        std::optional<Plan> plan = lay(one, pool);
        if (plan && (!best || better(options_.objective, *plan, *best)))
            best = std::move(plan);
    }
    if (tier == Tier::Accelerators)
        share(sized, best);
    return best;
}

/// Ranks of tensors, experts, context and replicas.
void Search::share(Sized &sized, std::optional<Plan> &best) {
    Case one{&system_, &model_, sized.format, workload_, options_.run,
             {},       &links_, &sized,       nullptr,   nullptr};
    std::optional<Served> served;
    if (best)
        served = {nullptr, {}, worth_of(options_.objective, *best)};
    for (const DeviceClass &where : found_.kin()) {
        if (where.devices.size() < 2 || !is_served(sized.format, where))
            continue;
        if (sized.tensors.empty()) {
            sized.tensors = tensor_bytes(model_, sized.format);
            set_cache_formats(one);
        }
        serve(
            one, where, options_, [&](double speed) { return fast_enough(speed); },
            certificate_.visited, served);
    }
    if (!served || served->where == nullptr)
        return;
    one.run = options_.run;
    deploy(served->how, *served->where, one);
    if (auto plan = evaluate(one))
        best = std::move(*plan);
}

/// Whether any single pipeline fits.
bool Search::fits_stages(const Sized &sized) const {
    const Case one{&system_, &model_, sized.format, workload_, options_.run,
                   {},       &links_, &sized,       nullptr,   nullptr};
    std::vector<Ladder> ladders(found_.classes.size());
    for (size_t i = 0; i < ladders.size(); ++i)
        climb(InferenceCosts(one, found_.classes[i], options_.objective), found_.classes[i].room,
              ladders[i]);
    for (const Tier tier : {Tier::Accelerators, Tier::Processors})
        for (const Pool &pool : shares() ? std::vector<Pool>() : pools(tier))
            if (const std::vector<Seat> where = seats(pool);
                !where.empty() && can_place(ladders, where, stage_limit()))
                return true;
    return false;
}

std::string Search::fitting(Fit which) {
    formats_ = formats_for(model_, workload_, found_.kin());
    if (which == Fit::Smallest)
        std::reverse(formats_.begin(), formats_.end());
    bool smaller = false; // a pipeline that does not fit in a smaller format does not fit
    for (const Format &format : formats_) {
        auto sized = size_up(model_, format, workload_);
        if (!sized || !fine_enough(*sized))
            continue;
        std::optional<Plan> shared;
        if (!smaller && !format.beside && fits_stages(*sized))
            return format.name;
        share(*sized, shared);
        if (shared)
            return format.name;
        smaller = smaller || (which == Fit::Smallest && !format.beside);
    }
    return {};
}

/// Formats are sized up when their turn comes: most plans end at the first.
base::Result<Sized *> Search::size(size_t format) {
    if (format == sized_.size()) {
        HWA_TRY(Sized made, size_up(model_, formats_[format], workload_));
        sized_.push_back(std::move(made));
    }
    return &sized_[format];
}

bool Search::fine_enough(const Sized &sized) const {
    return sized.bits + 1e-9 >= options_.min_weight_bits;
}

/// How many formats from this one on are as good as each other.
size_t Search::rung(size_t format) const {
    size_t end = format + 1;
    if (options_.objective != Objective::Quality)
        while (end < formats_.size() && formats_[end].beside)
            ++end;
    return end - format;
}

base::Result<std::optional<Plan>> Search::walk(std::initializer_list<Tier> tiers) {
    for (size_t i = 0; i < formats_.size(); i += rung(i)) {
        if (options_.cancelled != nullptr && options_.cancelled(options_.cancelled_user) != 0)
            return base::error(Status::Cancelled, "the caller stopped the search");
        for (const Tier tier : tiers) {
            std::optional<Plan> best;
            for (size_t format = i; format < i + rung(i); ++format) {
                HWA_TRY(Sized * sized, size(format));
                std::optional<Plan> plan;
                if (fine_enough(*sized))
                    plan = best_of(*sized, tier);
                if (plan && (!best || better(options_.objective, *plan, *best)))
                    best = std::move(plan);
            }
            if (best)
                return best;
        }
    }
    return std::optional<Plan>();
}

/// Of the smallest format on the roomiest devices: what it needs and what there is.
base::Error Search::no_fit() const {
    if (found_.classes.empty())
        return base::error(Status::NoFit, "%s", no_device_text(found_.blind).c_str());
    const auto fine = [&](const Sized &sized) { return fine_enough(sized); };
    const auto smallest = std::find_if(sized_.rbegin(), sized_.rend(), fine);
    if (smallest == sized_.rend())
        return base::error(Status::NoFit, "no format of %s has %s bits or more per weight",
                           model_text(model_).c_str(), fixed(options_.min_weight_bits, 2).c_str());
    if (fastest_ > 0 || unknown_speed_)
        return base::error(Status::NoFit, "%s",
                           too_slow_text(fastest_, options_.min_tokens_per_second).c_str());
    return base::error(Status::NoFit, "%s",
                       shortfall_text(model_, *smallest, workload_, options_, found_).c_str());
}

base::Result<Plan> Search::run() {
    formats_ = formats_for(model_, workload_, found_.kin());
    sized_.reserve(formats_.size());
    std::optional<Plan> plan;
    if (options_.objective == Objective::Quality) {
        HWA_TRY(plan, walk({Tier::Accelerators, Tier::Processors}));
    } else {
        HWA_TRY(plan, walk({Tier::Accelerators}));
        if (!plan) {
            HWA_TRY(plan, walk({Tier::Processors}));
        }
    }
    if (!plan)
        return no_fit();
    certificate_.space = space();
    certificate_.bounded = certificate_.space - certificate_.visited;
    certificate_.best = certificate_.least = worth_of(options_.objective, *plan).seconds;
    // A better format was there, and did not fit.
    const bool first = plan->format.name == formats_[0].name;
    certificate_.binding = first ? bound_name(plan->bound) : "memory";
    plan->certificate = certificate_;
    add_notes(model_, options_.headroom, *plan);
    return std::move(*plan);
}

} // namespace

Worth worth_of(Objective objective, const Workload &workload, double prompt, double token,
               uint64_t devices) {
    if (token <= 0)
        return {0, devices};
    const double tokens = static_cast<double>(workload.output_tokens);
    return {objective == Objective::Latency ? prompt + tokens * token : token, devices};
}

Worth worth_of(Objective objective, const Plan &plan) {
    return worth_of(objective, plan.workload, plan.first_token_seconds, plan.token_seconds,
                    plan.stages.size());
}

bool better(const Worth &one, const Worth &other) {
    const bool known = one.seconds > 0;
    if (known != (other.seconds > 0))
        return known;
    if (known &&
        std::fabs(one.seconds - other.seconds) > 1e-6 * std::max(one.seconds, other.seconds))
        return one.seconds < other.seconds;
    return one.devices < other.devices;
}

bool better(Objective objective, const Plan &one, const Plan &other) {
    return better(worth_of(objective, one), worth_of(objective, other));
}

std::string fitting_format(const System &system, const Model &model, const Options &options,
                           const Workload &workload, Fit which) {
    return Search(system, model, options, workload).fitting(which);
}

base::Result<Plan> search_inference(const System &system, const Model &model,
                                    const Options &options, const Workload &workload) {
    return Search(system, model, options, workload).run();
}

} // namespace hwa::plan
