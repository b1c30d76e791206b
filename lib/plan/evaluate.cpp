// SPDX-License-Identifier: MIT
// Evaluate: the plan of one case, without a search.
#include "plan/evaluate.h"

#include "plan/memory/inference.h"
#include "plan/memory/training.h"
#include "plan/time/step.h"

namespace hwa::plan {

using base::Status;

namespace {

uint32_t degree(const Choice<uint32_t> &choice) {
    return std::max(1U, choice.value_or(1));
}

/// As many layers for each stage, the first ones taking what is left over; the pins may say other
/// counts for the first and the last.
base::Result<std::vector<uint64_t>> layers_of_stages(const Run &run, uint64_t layers,
                                                     uint64_t stages) {
    std::vector<uint64_t> counts(stages, 0);
    const uint64_t ends =
        uint64_t{run.first_stage_layers.value_or(0)} + run.last_stage_layers.value_or(0);
    const bool first = run.first_stage_layers.value_or(0) != 0;
    const bool last = run.last_stage_layers.value_or(0) != 0;
    const uint64_t open = stages - std::min(stages, uint64_t{first} + last);
    if (ends > layers || (stages == 1 && ends != 0) || (open == 0 && ends != layers))
        return base::error(Status::Invalid,
                           "pins: first_stage_layers and last_stage_layers leave %llu stages no "
                           "share of %llu layers",
                           static_cast<unsigned long long>(stages),
                           static_cast<unsigned long long>(layers));
    uint64_t turn = 0;
    for (uint64_t stage = 0; stage < stages; ++stage) {
        if (first && stage == 0)
            counts[stage] = *run.first_stage_layers;
        else if (last && stage + 1 == stages)
            counts[stage] = *run.last_stage_layers;
        else
            counts[stage] = (layers - ends) / open + (turn++ < (layers - ends) % open ? 1 : 0);
    }
    return counts;
}

/// Stages of the pipeline, tensor ranks inside.
base::Done cut(const Options &options, Case &one) {
    const uint64_t stages = degree(one.run.pipeline);
    const uint64_t ranks = uint64_t{degree(one.run.tensor)} * degree(one.run.context);
    const uint64_t replicas = degree(one.run.data);
    const uint64_t layers = one.model->layers.size();
    if (stages > layers)
        return base::error(
            Status::Invalid, "pins: pipeline_parallel is %llu, and the model has %llu layers",
            static_cast<unsigned long long>(stages), static_cast<unsigned long long>(layers));
    if (options.devices.size() != stages * ranks * replicas)
        return base::error(
            Status::Invalid, "pins: they ask for %llu devices, and the options name %zu",
            static_cast<unsigned long long>(stages * ranks * replicas), options.devices.size());
    HWA_TRY(const std::vector<uint64_t> counts, layers_of_stages(one.run, layers, stages));
    size_t device = 0;
    for (uint64_t replica = 0; replica < replicas; ++replica) {
        uint64_t first = 0;
        for (uint64_t stage = 0; stage < stages; ++stage) {
            const uint64_t count = counts[stage];
            for (uint64_t rank = 0; rank < ranks; ++rank) {
                Slice slice;
                slice.device = options.devices[device++];
                slice.first_layer = static_cast<uint32_t>(first);
                slice.layer_count = static_cast<uint32_t>(count);
                slice.stage = static_cast<uint32_t>(stage);
                slice.tensor_rank = static_cast<uint32_t>(rank % degree(one.run.tensor));
                slice.context_rank = static_cast<uint32_t>(rank / degree(one.run.tensor));
                slice.replica = static_cast<uint32_t>(replica);
                slice.embedding = stage == 0;
                slice.output = stage + 1 == stages;
                one.slices.push_back(slice);
            }
            first += count;
        }
    }
    return {};
}

Format format_of(const core::Model &model, const Workload &workload) {
    if (workload.weight_dtype == core::Dtype::Unknown || workload.weight_dtype == model.dtype)
        return own_format(model);
    return {workload.weight_dtype, false, core::dtype_name(workload.weight_dtype)};
}

} // namespace

base::Result<Plan> evaluate(const core::System &system, const core::Model &model,
                            const Options &options, const Workload &workload) {
    Case one{&system, &model, format_of(model, workload), workload, options.run, {}};
    HWA_CHECK(cut(options, one));
    const bool trains = workload.trains();
    Plan plan;
    plan.format = one.format;
    plan.workload = workload;
    plan.run = one.run;
    for (const Slice &slice : one.slices) {
        HWA_TRY(const Footprint part,
                trains ? training_bytes(one, slice) : inference_bytes(one, slice));
        plan.stages.push_back({slice.device, slice.first_layer, slice.layer_count, part, 0});
        plan.footprint += part;
    }
    if (model.parameters != 0)
        plan.weight_bits = 8.0 * static_cast<double>(plan.footprint.weights) /
                           static_cast<double>(model.parameters) / degree(one.run.data);
    HWA_TRY(const StepTime time, trains ? training_time(one) : inference_time(one));
    plan.bound = time.bound;
    plan.token_seconds = time.token;
    plan.first_token_seconds = time.prompt;
    plan.step_seconds = time.step;
    plan.flops_utilization = time.utilization;
    plan.error_factor = time.error_factor;
    if (time.token > 0)
        plan.tokens_per_second = static_cast<double>(workload.batch) / time.token;
    return plan;
}

} // namespace hwa::plan
