// SPDX-License-Identifier: MIT
// A plan as JSON, by docs/schema/plan.json.
#include "base/json.h"
#include "plan/degrees.h"
#include "plan/plan.h"
#include "plan/time/drafts.h"

namespace hwa::plan {

using base::JsonWriter;
using core::Model;

namespace {

/// Members are always there; what is not known is null.
void write_text(JsonWriter &out, const char *key, const std::string &text) {
    out.key(key);
    text.empty() ? out.null() : out.text(text);
}

void write_known(JsonWriter &out, const char *key, double value) {
    out.key(key);
    value > 0 ? out.real(value) : out.null();
}

void write_count(JsonWriter &out, const char *key, uint64_t value) {
    out.key(key);
    value != 0 ? out.u64(value) : out.null();
}

void write_dtype(JsonWriter &out, const char *key, core::Dtype dtype) {
    write_text(out, key, dtype != core::Dtype::Unknown ? core::dtype_name(dtype) : "");
}

void write_footprint(JsonWriter &out, const Footprint &footprint) {
    out.key("footprint").begin_object();
    out.key("weights").u64(footprint.weights);
    out.key("gradients").u64(footprint.gradients);
    out.key("optimizer").u64(footprint.optimizer);
    out.key("cache").u64(footprint.cache);
    out.key("activations").u64(footprint.activations);
    out.key("workspace").u64(footprint.workspace);
    out.key("adapters").u64(footprint.adapters);
    out.key("offload").u64(footprint.offload);
    out.key("total").u64(footprint.total());
    out.end_object();
}

void write_model(JsonWriter &out, const Model &model) {
    out.key("model").begin_object();
    write_text(out, "name", model.name);
    write_text(out, "architecture", model.architecture);
    write_text(out, "recipe", model.recipe);
    write_dtype(out, "dtype", model.dtype);
    out.key("parameters").u64(model.parameters);
    out.key("active_parameters").u64(model.active_parameters);
    out.key("layers").u64(model.layers.size());
    write_count(out, "hidden_size", model.hidden_size);
    write_count(out, "ffn_size", model.ffn_size);
    write_count(out, "heads", model.heads);
    write_count(out, "kv_heads", model.kv_heads);
    write_count(out, "head_size", model.head_size);
    write_count(out, "vocabulary", model.vocabulary);
    write_count(out, "context_limit", model.context_limit);
    write_count(out, "experts", model.experts);
    write_count(out, "experts_per_token", model.experts_per_token);
    out.end_object();
}

void write_workload(JsonWriter &out, const Workload &workload) {
    out.key("workload").begin_object();
    out.key("mode").text(mode_name(workload.mode));
    out.key("batch").u64(workload.batch);
    out.key("prompt_tokens").u64(workload.prompt_tokens);
    out.key("output_tokens").u64(workload.output_tokens);
    out.key("context_tokens").u64(workload.context_tokens);
    out.end_object();
}

void write_parallel(JsonWriter &out, const Plan &plan) {
    const Degrees by = degrees_of(plan);
    out.key("parallel").begin_object();
    out.key("tensor").u64(by.tensor);
    out.key("attention_data").u64(by.groups);
    out.key("context").u64(by.context);
    out.key("expert").u64(by.expert);
    out.key("pipeline").u64(by.pipeline);
    out.key("data").u64(by.data);
    out.end_object();
}

void write_training(JsonWriter &out, const Plan &plan) {
    constexpr const char *recomputes[] = {"choose", "none", "selective", "full"};
    const Workload &workload = plan.workload;
    out.key("training");
    if (!workload.trains()) {
        out.null();
        return;
    }
    out.begin_object();
    write_count(out, "sequence_tokens", workload.sequence_tokens);
    write_count(out, "micro_batch", workload.micro_batch);
    write_count(out, "global_batch", plan.run.global_batch.value_or(0));
    out.key("zero_stage");
    workload.zero_stage != 0 ? out.u64(workload.zero_stage - 1) : out.null();
    out.key("recompute").text(recomputes[static_cast<size_t>(workload.recompute)]);
    out.key("optimizer_on_host").boolean(plan.run.offload_optimizer.value_or(false));
    out.key("weights_on_host").boolean(plan.run.offload_weights.value_or(false));
    out.end_object();
}

/// Null where nothing is drafted.
void write_drafts(JsonWriter &out, const Plan &plan) {
    const Drafts drafts = drafts_of(plan.run);
    out.key("drafts");
    if (drafts.count == 0) {
        out.null();
        return;
    }
    out.begin_object();
    out.key("tokens").u64(drafts.count);
    out.key("acceptance").real(drafts.acceptance);
    out.key("tokens_per_step").real(drafts.tokens());
    out.end_object();
}

void write_stage(JsonWriter &out, const Stage &stage) {
    out.begin_object();
    out.key("device").text(stage.device->id);
    write_text(out, "name", stage.device->name.value);
    out.key("first_layer").u64(stage.first_layer);
    out.key("layer_count").u64(stage.layer_count);
    write_known(out, "seconds_per_token", stage.seconds_per_token);
    write_footprint(out, stage.footprint);
    out.end_object();
}

void write_speed(JsonWriter &out, const Plan &plan) {
    out.key("speed").begin_object();
    out.key("bound").text(bound_name(plan.bound));
    write_known(out, "tokens_per_second", plan.tokens_per_second);
    write_known(out, "token_seconds", plan.token_seconds);
    write_known(out, "first_token_seconds", plan.first_token_seconds);
    write_known(out, "step_seconds", plan.step_seconds);
    write_known(out, "flops_utilization", plan.flops_utilization);
    write_known(out, "error_factor", plan.error_factor);
    write_known(out, "first_token_error_factor", plan.first_token_error_factor);
    out.end_object();
}

void write_search(JsonWriter &out, const Certificate &search) {
    out.key("search");
    if (search.space == 0) {
        out.null();
        return;
    }
    out.begin_object();
    out.key("space").u64(search.space);
    out.key("visited").u64(search.visited);
    out.key("bounded").u64(search.bounded);
    write_known(out, "best_seconds", search.best);
    write_known(out, "least_seconds", search.least);
    out.key("binding").text(search.binding);
    out.end_object();
}

} // namespace

const char *bound_name(Bound bound) {
    switch (bound) {
    case Bound::Compute:
        return "compute";
    case Bound::Memory:
        return "memory";
    case Bound::Link:
        return "link";
    case Bound::Unknown:
        break;
    }
    return "unknown";
}

std::string plan_to_json(const Model &model, const Plan &plan) {
    JsonWriter out;
    out.begin_object();
    out.key("schema").u64(plan_schema);
    write_model(out, model);
    write_workload(out, plan.workload);
    out.key("weights").begin_object();
    out.key("format").text(plan.format.name);
    write_dtype(out, "dtype", plan.format.dtype);
    out.key("as_published").boolean(plan.format.own);
    out.key("bits").real(plan.weight_bits);
    out.end_object();
    out.key("cache_dtype").text(core::dtype_name(plan.workload.cache_dtype));
    write_count(out, "cache_tokens", plan.cache_tokens);
    write_parallel(out, plan);
    write_training(out, plan);
    write_drafts(out, plan);
    out.key("stages").begin_array();
    for (const Stage &stage : plan.stages)
        write_stage(out, stage);
    out.end_array();
    write_footprint(out, plan.footprint);
    out.key("memory_error_factor").real(plan.memory_error_factor);
    write_speed(out, plan);
    write_known(out, "usd_per_hour", plan.usd_per_hour);
    write_known(out, "usd_per_million_tokens", plan.usd_per_million_tokens);
    write_search(out, plan.certificate);
    out.key("notes").begin_array();
    for (const std::string &note : plan.notes)
        out.text(note);
    out.end_array();
    out.end_object();
    return out.take() + "\n";
}

} // namespace hwa::plan
