// SPDX-License-Identifier: MIT
// The public functions of plans.
#include "plan/plan.h"

#include "plan/alternatives.h"

#include "capi/attrs.h"
#include "capi/entry.h"
#include "capi/model.h"
#include "capi/objects.h"
#include "plan/degrees.h"
#include "plan/export/export.h"

#include <map>
#include <mutex>

using namespace hwa;
using namespace hwa::capi;

struct hwa_plan_t {
    std::shared_ptr<const SystemState> system;
    std::shared_ptr<const core::Model> model;
    plan::Options options; ///< its devices are the system's
    plan::Plan plan;
    mutable base::Once alternatives_once;
    mutable std::vector<plan::Alternative> alternatives;
    mutable base::Once json_once;
    mutable std::string json;
    mutable std::mutex exporting;
    mutable std::map<std::string, std::string, std::less<>> exported; ///< by format
};

namespace hwa::capi {

static base::Result<std::vector<const core::Device *>>
devices_in(const SystemState &system, const hwa_plan_options_t &options) {
    std::vector<const core::Device *> made;
    if ((options.devices == nullptr) != (options.device_count == 0))
        return base::error(base::Status::Invalid, "options: devices is %s, and device_count is %u",
                           options.devices == nullptr ? "NULL" : "given", options.device_count);
    if (options.device_count > system.devices.size())
        return base::error(base::Status::Invalid,
                           "options: device_count is %u, and the system has %zu devices",
                           options.device_count, system.devices.size());
    for (uint32_t i = 0; i < options.device_count; ++i) {
        if (!system.owns(options.devices[i]))
            return base::error(base::Status::Invalid, "options: devices[%u] %s", i,
                               options.devices[i] == nullptr ? "is NULL" : "is of another system");
        made.push_back(options.devices[i]->facts);
    }
    return made;
}

static base::Result<plan::Run> run_in(const hwa_plan_options_t &options) {
    if ((options.pins == nullptr) != (options.pin_count == 0))
        return base::error(base::Status::Invalid, "options: pins is %s, and pin_count is %u",
                           options.pins == nullptr ? "NULL" : "given", options.pin_count);
    HWA_TRY(const std::vector<core::Attr> pins,
            attrs_in({options.pins, options.pin_count}, "pins"));
    return plan::run_of(pins);
}

static base::Result<plan::Options> options_in(const SystemState &system,
                                              const hwa_plan_options_t *given) {
    HWA_TRY(const hwa_plan_options_t taken, take_in(given, "options"));
    plan::Options made;
    made.objective = static_cast<plan::Objective>(taken.objective);
    HWA_TRY(made.workload, workload_in(taken.workload));
    HWA_TRY(made.devices, devices_in(system, taken));
    made.max_devices = taken.max_devices;
    made.headroom = taken.headroom;
    made.usd_per_hour = taken.usd_per_hour;
    made.min_tokens_per_second = taken.min_tokens_per_second;
    made.min_weight_bits = taken.min_weight_bits;
    HWA_TRY(made.run, run_in(taken));
    made.cancelled = taken.cancelled;
    made.cancelled_user = taken.cancelled_user;
    return made;
}

/// Estimates and the split; the counts of lists are left to the caller.
static void put_numbers(const plan::Plan &plan, hwa_plan_info_t &info) {
    info.bound = static_cast<hwa_bound_t>(plan.bound);
    info.weight_dtype = static_cast<hwa_dtype_t>(plan.format.dtype);
    info.cache_dtype = static_cast<hwa_dtype_t>(plan.workload.cache_dtype);
    const plan::Degrees by = plan::degrees_of(plan);
    info.tensor_parallel = static_cast<uint32_t>(by.tensor);
    info.pipeline_parallel = static_cast<uint32_t>(by.pipeline);
    info.data_parallel = static_cast<uint32_t>(by.data);
    info.expert_parallel = static_cast<uint32_t>(by.expert);
    info.context_parallel = static_cast<uint32_t>(by.context);
    if (plan.workload.trains()) {
        info.micro_batch = static_cast<uint32_t>(plan.workload.micro_batch);
        info.zero_stage = plan.workload.zero_stage;
        info.recompute = static_cast<hwa_recompute_t>(plan.workload.recompute);
    }
    info.footprint = footprint_out(plan.footprint);
    info.tokens_per_second = plan.tokens_per_second;
    info.first_token_seconds = plan.first_token_seconds;
    info.usd_per_hour = plan.usd_per_hour;
    info.usd_per_million_tokens = plan.usd_per_million_tokens;
    info.error_factor = plan.error_factor;
    info.token_seconds = plan.token_seconds;
    info.step_seconds = plan.step_seconds;
    info.flops_utilization = plan.flops_utilization;
    info.memory_error_factor = plan.memory_error_factor;
}

static void put_choices(const core::Model &model, const plan::Plan &plan, hwa_plan_info_t &info) {
    info.pipeline_parallel = plan.run.pipeline.value_or(static_cast<uint32_t>(plan.stages.size()));
    info.recipe = plan.format.own                ? or_null(model.recipe)
                  : plan.workload.recipe.empty() ? nullptr
                                                 : plan.format.name.c_str();
}

/// Searched for once; NULL only for want of memory.
static const std::vector<plan::Alternative> *alternatives_in(const hwa_plan_t &plan) {
    try {
        plan.alternatives_once.run([&] {
            plan.alternatives =
                plan::alternatives_of(plan.system->system, *plan.model, plan.options, plan.plan);
        });
    } catch (...) { // The next call tries again.
        return nullptr;
    }
    return &plan.alternatives;
}

} // namespace hwa::capi

hwa_status_t hwa_plan(const hwa_system_t *system, const hwa_model_t *model,
                      const hwa_plan_options_t *options, hwa_plan_t **out_plan,
                      hwa_error_t *error) {
    return hand_out(out_plan, error, [&]() -> base::Result<std::unique_ptr<hwa_plan_t>> {
        if (system == nullptr || model == nullptr)
            return null_argument(system == nullptr ? "system" : "model");
        HWA_TRY(plan::Options taken, options_in(*system->state, options));
        auto made = std::make_unique<hwa_plan_t>();
        made->system = system->state;
        made->model = model->model;
        HWA_TRY(made->plan, plan::make_plan(made->system->system, *made->model, taken));
        // They hold for the call alone.
        taken.cancelled = nullptr;
        taken.cancelled_user = nullptr;
        made->options = std::move(taken);
        return made;
    });
}

hwa_status_t hwa_plan_info(const hwa_plan_t *plan, hwa_plan_info_t *info) {
    if (plan == nullptr)
        return HWA_ERROR_INVALID;
    hwa_plan_info_t made = HWA_INIT(hwa_plan_info_t);
    put_numbers(plan->plan, made);
    put_choices(*plan->model, plan->plan, made);
    made.stage_count = static_cast<uint32_t>(plan->plan.stages.size());
    made.note_count = static_cast<uint32_t>(plan->plan.notes.size());
    made.alternative_count = plan::most_alternatives(plan->options);
    return fill_out(info, made);
}

hwa_status_t hwa_plan_alternative(const hwa_plan_t *plan, uint32_t index, hwa_plan_info_t *info,
                                  const char **reason) {
    if (plan == nullptr)
        return HWA_ERROR_INVALID;
    const auto *alternatives = alternatives_in(*plan);
    if (alternatives == nullptr)
        return HWA_ERROR_HOST_MEMORY;
    if (index >= alternatives->size())
        return HWA_ERROR_RANGE;
    const plan::Alternative &found = (*alternatives)[index];
    hwa_plan_info_t made = HWA_INIT(hwa_plan_info_t);
    put_numbers(found.plan, made);
    put_choices(*plan->model, found.plan, made);
    if (reason != nullptr)
        *reason = found.reason.c_str();
    return fill_out(info, made);
}

hwa_status_t hwa_plan_stage(const hwa_plan_t *plan, uint32_t index, hwa_stage_t *stage) {
    if (plan == nullptr)
        return HWA_ERROR_INVALID;
    if (index >= plan->plan.stages.size())
        return HWA_ERROR_RANGE;
    const plan::Stage &found = plan->plan.stages[index];
    hwa_stage_t made = HWA_INIT(hwa_stage_t);
    made.first_layer = static_cast<uint32_t>(found.first_layer);
    made.layer_count = static_cast<uint32_t>(found.layer_count);
    made.device =
        &plan->system
             ->devices[static_cast<size_t>(found.device - plan->system->system.devices.data())];
    made.footprint = footprint_out(found.footprint);
    made.seconds_per_token = found.seconds_per_token;
    made.replica = found.replica;
    made.tensor_rank = found.tensor_rank;
    made.expert_rank = found.expert_rank;
    made.context_rank = found.context_rank;
    return fill_out(stage, made);
}

const char *hwa_plan_note(const hwa_plan_t *plan, uint32_t index) {
    if (plan == nullptr || index >= plan->plan.notes.size())
        return nullptr;
    return plan->plan.notes[index].c_str();
}

hwa_status_t hwa_plan_export(const hwa_plan_t *plan, const char *format, const char **text,
                             hwa_error_t *error) {
    if (text != nullptr)
        *text = nullptr;
    return guarded(error, [&]() -> base::Done {
        if (plan == nullptr || format == nullptr || text == nullptr)
            return null_argument(plan == nullptr ? "plan" : format == nullptr ? "format" : "text");
        const std::lock_guard lock(plan->exporting);
        auto found = plan->exported.find(std::string_view(format));
        if (found == plan->exported.end()) {
            const plan::Planned planned{&plan->system->system, plan->model.get(), &plan->plan};
            HWA_TRY(std::string made, plan::export_plan(planned, format));
            found = plan->exported.emplace(format, std::move(made)).first;
        }
        *text = found->second.c_str();
        return {};
    });
}

const char *hwa_plan_json(const hwa_plan_t *plan) {
    if (plan == nullptr)
        return nullptr;
    try {
        plan->json_once.run([&] { plan->json = plan::plan_to_json(*plan->model, plan->plan); });
    } catch (...) { // Out of memory; the next call tries again.
        return nullptr;
    }
    return plan->json.c_str();
}

void hwa_plan_free(hwa_plan_t *plan) {
    delete plan;
}
