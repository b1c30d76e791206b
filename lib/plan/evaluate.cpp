// SPDX-License-Identifier: MIT
// Evaluate: the plan of one case, without a search.
#include "plan/evaluate.h"

#include "plan/cut.h"
#include "plan/memory/inference.h"
#include "plan/memory/room.h"
#include "plan/memory/training.h"
#include "plan/memory/weights.h"
#include "plan/time/drafts.h"
#include "plan/time/step.h"

namespace hwa::plan {

using base::Status;

namespace {

uint32_t degree(const Choice<uint32_t> &choice) {
    return std::max(1U, choice.value_or(1));
}

/// Ranks that share a stage need as much as each other.
bool alike(const Slice &a, const Slice &b) {
    return a.first_layer == b.first_layer && a.layer_count == b.layer_count &&
           a.embedding == b.embedding && a.output == b.output && a.device->kind == b.device->kind;
}

/// What is alike is computed once: clusters have many such slices.
base::Result<Stage> stage_of(const Case &one, size_t index, const std::vector<Stage> &before) {
    const Slice &slice = one.slices[index];
    Stage made;
    if (slice.like >= 0 && static_cast<size_t>(slice.like) < index) {
        made = before[static_cast<size_t>(slice.like)];
    } else if (!one.workload.trains() && index > 0 && alike(slice, one.slices[index - 1])) {
        made = before[index - 1];
    } else {
        HWA_TRY(made.footprint,
                one.workload.trains() ? training_bytes(one, slice) : inference_bytes(one, slice));
        if (one.slices.size() > 1)
            made.seconds_per_token = slice_seconds(one, slice);
    }
    made.device = slice.device;
    made.first_layer = slice.first_layer;
    made.layer_count = slice.layer_count;
    made.replica = slice.replica;
    made.tensor_rank = slice.tensor_rank;
    made.expert_rank = slice.expert_rank;
    made.context_rank = slice.context_rank;
    return made;
}

/// Of one replica. Groups and ranks of context hold some of them more than once.
double weights_of(const Case &one, const Plan &plan) {
    if (!one.workload.trains() && degree(one.run.attention_data) * degree(one.run.context) > 1)
        return static_cast<double>(hold(*one.model, one.format).total());
    return static_cast<double>(plan.footprint.weights) / degree(one.run.data);
}

} // namespace

base::Result<Plan> evaluate(const Case &one) {
    const bool trains = one.workload.trains();
    if (trains && one.workload.sequence_tokens == 0) { // once, for a case has all devices in it
        Case full = one;
        full.workload.sequence_tokens = usual_sequence(*one.model);
        HWA_TRY(Plan plan, evaluate(full));
        plan.workload = one.workload;
        return plan;
    }
    Plan plan;
    plan.format = one.format;
    plan.workload = one.workload;
    plan.run = one.run;
    plan.stages.reserve(one.slices.size());
    for (size_t i = 0; i < one.slices.size(); ++i) {
        HWA_TRY(const Stage stage, stage_of(one, i, plan.stages));
        plan.stages.push_back(stage);
        plan.footprint += stage.footprint;
    }
    if (!trains)
        plan.cache_tokens = pool_tokens(one, plan.stages);
    plan.memory_error_factor = trains ? training_error(one) : memory_error(one);
    if (one.model->parameters != 0)
        plan.weight_bits = 8.0 * weights_of(one, plan) / static_cast<double>(one.model->parameters);
    HWA_TRY(const StepTime time, trains ? training_time(one) : inference_time(one));
    if (plan.stages.size() == 1 && one.run.engine.value_or(Engine::Any) == Engine::Any)
        plan.stages[0].seconds_per_token = time.token;
    plan.bound = time.bound;
    plan.unknown_link = time.unknown_link;
    plan.token_seconds = time.token;
    plan.first_token_seconds = time.prompt;
    plan.step_seconds = time.step;
    plan.flops_utilization = time.utilization;
    plan.error_factor = time.error_factor;
    plan.first_token_error_factor = time.prompt_error_factor;
    if (time.token > 0)
        plan.tokens_per_second = static_cast<double>(one.workload.batch) / time.token;
    else if (time.step > 0)
        plan.tokens_per_second = time.step_tokens / time.step;
    return plan;
}

base::Result<Plan> evaluate(const core::System &system, const core::Model &model,
                            const Options &options, const Workload &workload) {
    const Links links(system);
    HWA_TRY(const Format format, format_of(model, workload));
    Case one{&system, &model, format, workload, options.run, {}, &links, nullptr, nullptr, nullptr};
    HWA_CHECK(check_drafts(one));
    HWA_CHECK(cut(options, one));
    Sized sized;
    if (!workload.trains() && options.run.engine == Engine::Any) { // as a search has it
        HWA_TRY(sized, size_up(model, format, workload));
        one.sized = &sized;
    }
    HWA_TRY(Plan plan, evaluate(one));
    HWA_CHECK(check_room(one, plan.stages, options.headroom));
    return plan;
}

} // namespace hwa::plan
