// SPDX-License-Identifier: MIT
// Defaults of a workload and the bounds of what can be planned.
#include "plan/workload.h"

#include "base/text.h"
#include "plan/model/mix.h"

#include <iterator>

namespace hwa::plan {

using base::Status;
using core::Dtype;

static bool is_weight_format(Dtype dtype) {
    switch (dtype) {
    case Dtype::F32:
    case Dtype::F16:
    case Dtype::Bf16:
    case Dtype::F8E4M3:
    case Dtype::F8E5M2:
    case Dtype::F4E2M1:
    case Dtype::I8:
    case Dtype::I4:
        return true;
    default:
        return dtype >= Dtype::Q8_0 && core::find_dtype(dtype) != nullptr;
    }
}

static bool is_cache_format(Dtype dtype) {
    return dtype == Dtype::F32 || dtype == Dtype::F16 || dtype == Dtype::Bf16 ||
           dtype == Dtype::F8E4M3 || dtype == Dtype::F8E5M2 || dtype == Dtype::Q8_0 ||
           dtype == Dtype::Q4_0;
}

static base::Done check(const Workload &given) {
    if (given.mode < Mode::Infer || given.mode > Mode::TuneDistill)
        return base::error(Status::Invalid, "workload: mode is %d, which is none",
                           static_cast<int>(given.mode));
    if (given.optimizer < Optimizer::AdamW || given.optimizer > Optimizer::SgdMomentum)
        return base::error(Status::Invalid, "workload: optimizer is %d, which is none",
                           static_cast<int>(given.optimizer));
    if (given.recompute < Recompute::Choose || given.recompute > Recompute::Full)
        return base::error(Status::Invalid, "workload: recompute is %d, which is none",
                           static_cast<int>(given.recompute));
    if (given.zero_stage > 4)
        return base::error(Status::Invalid,
                           "workload: zero_stage is %u, and stage plus 1 ends at 4",
                           given.zero_stage);
    if (!given.recipe.empty() && find_mix(given.recipe) == nullptr)
        return base::error(Status::Unsupported,
                           "workload: recipe: %s is no mix known here; Q4_K_M, mlx-4bit, awq, nf4 "
                           "and fp8-block are among those that are",
                           base::sanitise(given.recipe, 64).c_str());
    const auto stranger = [](Dtype dtype) {
        return dtype != Dtype::Unknown && core::find_dtype(dtype) == nullptr;
    };
    if (stranger(given.weight_dtype) || stranger(given.cache_dtype))
        return base::error(Status::Invalid, "workload: %s is %d, which is no number format",
                           stranger(given.weight_dtype) ? "weight_dtype" : "cache_dtype",
                           static_cast<int>(stranger(given.weight_dtype) ? given.weight_dtype
                                                                         : given.cache_dtype));
    if (given.weight_dtype != Dtype::Unknown && !is_weight_format(given.weight_dtype))
        return base::error(Status::Unsupported, "workload: weight_dtype: no weights in %s",
                           core::dtype_name(given.weight_dtype));
    if (given.cache_dtype != Dtype::Unknown && !is_cache_format(given.cache_dtype))
        return base::error(Status::Unsupported,
                           "workload: cache_dtype: no keys and values in %s; f32, f16, bf16, "
                           "f8_e4m3, f8_e5m2, q8_0 and q4_0 are known",
                           core::dtype_name(given.cache_dtype));
    return {};
}

base::Result<Workload> settle(Workload workload) {
    HWA_CHECK(check(workload));
    if (workload.batch == 0)
        workload.batch = 1;
    if (workload.prompt_tokens == 0)
        workload.prompt_tokens = 512;
    if (workload.output_tokens == 0)
        workload.output_tokens = 128;
    const uint64_t needed = workload.prompt_tokens + workload.output_tokens;
    if (workload.context_tokens == 0)
        workload.context_tokens = needed;
    if (workload.cache_dtype == Dtype::Unknown)
        workload.cache_dtype = Dtype::F16;
    if (workload.rank == 0)
        workload.rank = 16;
    if (workload.micro_batch == 0)
        workload.micro_batch = 1;
    return workload;
}

const char *mode_name(Mode mode) {
    constexpr const char *names[] = {"infer",       "train",    "tune_lora", "tune_qlora",
                                     "tune_prefix", "tune_dpo", "tune_rlhf", "tune_distill"};
    const auto index = static_cast<size_t>(mode);
    return index < std::size(names) ? names[index] : "infer";
}

} // namespace hwa::plan
