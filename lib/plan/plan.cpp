// SPDX-License-Identifier: MIT
// A plan: the case that is pinned, or the best one that a search finds.
#include "plan/plan.h"

#include "plan/evaluate.h"
#include "plan/remedies.h"
#include "plan/search/search.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using base::Status;
using core::Model;
using core::System;

namespace {

/// Choices that the search for inference does not take into account.
base::Done check_pins(const Run &run, const Workload &workload) {
    const bool drafts = run.drafts.value_or(0) != 0;
    if (workload.trains() || (!run.gpu_layers && !run.prefill_workers && !drafts))
        return {};
    return base::error(Status::Unsupported,
                       "pins: %s of inference is planned for a pinned engine only",
                       run.gpu_layers        ? "gpu_layers"
                       : run.prefill_workers ? "prefill_workers"
                                             : "drafts");
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

void set_price(const System &system, const Options &options, Plan &plan) {
    plan.usd_per_hour = system.usd_per_hour > 0 ? system.usd_per_hour : options.usd_per_hour;
    if (plan.tokens_per_second > 0)
        plan.usd_per_million_tokens = plan.usd_per_hour * 1e6 / (3600 * plan.tokens_per_second);
}

} // namespace

base::Result<Plan> make_plan(const System &system, const Model &model, const Options &options) {
    HWA_CHECK(check(system, options));
    HWA_TRY(Workload workload, settle(options.workload));
    if (options.run.engine) {
        auto pinned = evaluate(system, model, options, workload);
        if (pinned)
            set_price(system, options, *pinned);
        return pinned;
    }
    HWA_CHECK(check_pins(options.run, workload));
    Options settled = options;
    settled.headroom = options.headroom > 0 ? options.headroom : default_headroom;
    if (workload.trains() && workload.sequence_tokens == 0)
        workload.sequence_tokens =
            model.context_limit != 0 ? std::min<uint64_t>(model.context_limit, 4096) : 4096;
    auto found = workload.trains() ? search_training(system, model, settled, workload)
                                   : search_inference(system, model, settled, workload);
    if (!found && found.error().status == Status::NoFit && options.explains)
        found.error().message += remedies_text(system, model, options, workload);
    if (!found)
        return found;
    set_price(system, options, *found);
    return found;
}

} // namespace hwa::plan
