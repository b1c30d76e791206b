// SPDX-License-Identifier: MIT
// A plan as DeepSpeed's configuration file.
#include "plan/degrees.h"
#include "plan/export/exporters.h"

#include "base/json.h"

namespace hwa::plan {

using base::Status;
using core::Dtype;

static base::Done check(const Plan &plan) {
    if (!plan.workload.trains())
        return base::error(Status::Unsupported, "deepspeed: the plan is no training");
    if (plan.workload.zero_stage == 4 && degrees_of(plan).pipeline > 1)
        return base::error(Status::Unsupported,
                           "deepspeed: its pipeline does not split weights by ZeRO stage 3");
    return {};
}

/// Micro-batches that a step is made of; 1 where nobody said how many sequences a step has.
static base::Result<uint64_t> turns_of(const Plan &plan) {
    if (!plan.run.global_batch)
        return uint64_t{1};
    const uint64_t once = plan.workload.micro_batch * degrees_of(plan).data;
    if (once == 0 || *plan.run.global_batch % once != 0)
        return base::error(Status::Unsupported,
                           "deepspeed: %llu sequences of a step are no multiple of %llu at once",
                           static_cast<unsigned long long>(*plan.run.global_batch),
                           static_cast<unsigned long long>(once));
    return *plan.run.global_batch / once;
}

static void write_offload(base::JsonWriter &out, const char *key) {
    out.key(key).begin_object();
    out.key("device").text("cpu");
    out.key("pin_memory").boolean(true);
    out.end_object();
}

base::Result<std::string> export_deepspeed(const Planned &planned) {
    const Plan &plan = *planned.plan;
    HWA_CHECK(check(plan));
    HWA_TRY(const uint64_t turns, turns_of(plan));
    const uint64_t micro_batch = plan.workload.micro_batch;
    base::JsonWriter out;
    out.begin_object();
    out.key("train_batch_size").u64(micro_batch * turns * degrees_of(plan).data);
    out.key("train_micro_batch_size_per_gpu").u64(micro_batch);
    out.key("gradient_accumulation_steps").u64(turns);
    if (plan.format.dtype == Dtype::Bf16 || plan.format.dtype == Dtype::F16) {
        out.key(plan.format.dtype == Dtype::F16 ? "fp16" : "bf16").begin_object();
        out.key("enabled").boolean(true);
        out.end_object();
    }
    const uint32_t stage = plan.workload.zero_stage == 0 ? 0 : plan.workload.zero_stage - 1;
    out.key("zero_optimization").begin_object();
    out.key("stage").u64(stage);
    if (stage > 0 && plan.run.offload_optimizer.value_or(false))
        write_offload(out, "offload_optimizer");
    if (stage == 3 && plan.run.offload_weights.value_or(false))
        write_offload(out, "offload_param");
    out.end_object();
    out.end_object();
    return out.take() + "\n";
}

} // namespace hwa::plan
