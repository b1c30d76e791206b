// SPDX-License-Identifier: MIT
// Recipe: what training keeps of each parameter, in which format, and split over how many devices.
#include "plan/memory/recipe.h"

namespace hwa::plan {

using core::Dtype;

namespace {

Engine engine_of(const Case &one) {
    return one.run.engine.value_or(Engine::Any);
}

bool has_master(const Case &one, bool full) {
    const Engine engine = engine_of(one);
    const bool mixed = engine == Engine::Megatron || engine == Engine::DeepSpeed;
    return !full && one.run.master_weights.value_or(mixed);
}

/// Bytes of the optimizer's moments, each of them in f32 beside a master copy.
double moments_of(const Case &one, double each) {
    switch (one.workload.optimizer) {
    case Optimizer::AdamW8bit:
        return 2 * (1 + 4.0 / 256); // a scale in f32 for each 256 (bitsandbytes)
    case Optimizer::Adafactor:      // a row and a column of each matrix
        return 8.0 / std::max(1U, one.model->hidden_size);
    case Optimizer::Sgd:
        return 0;
    case Optimizer::SgdMomentum:
        return each;
    case Optimizer::AdamW:
        break;
    }
    return 2 * each;
}

} // namespace

Recipe recipe_of(const Case &one) {
    const Dtype dtype = one.format.dtype;
    Recipe made;
    made.weight = dtype == Dtype::F32 ? 4 : 2;
    made.element = made.weight;
    if (one.run.activation_dtype)
        made.element = core::dtype_bits(*one.run.activation_dtype) / 8;
    const bool master = has_master(one, made.weight == 4);
    made.master = master ? 4 : 0;
    made.moments = moments_of(one, master ? 4 : made.weight);
    // Megatron adds gradients of bf16 up in f32. Those of f16 it copies to f32 for the step, unless
    // the optimizer is distributed, and frees them before the next one.
    const bool megatron = engine_of(one) == Engine::Megatron;
    made.gradient = megatron && dtype == Dtype::Bf16 ? 4 : made.weight;
    if (engine_of(one) == Engine::DeepSpeed && dtype == Dtype::Bf16)
        made.gradient = 2 + 4; // of one micro-batch, and their sum in f32
    if (one.run.gradient_dtype)
        made.gradient = core::dtype_bits(*one.run.gradient_dtype) / 8;
    if (master && megatron && made.gradient == 2 && !sharding_of(one).optimizer)
        made.copy = 4;
    return made;
}

Sharding sharding_of(const Case &one) {
    const Engine engine = engine_of(one);
    uint32_t stage = 0;
    if (one.workload.zero_stage != 0)
        stage = one.workload.zero_stage - 1;
    else if (one.run.distributed_optimizer)
        stage = *one.run.distributed_optimizer ? 1 : 0;
    else if (engine == Engine::Torch || engine == Engine::Jax)
        stage = 3;
    else if (engine == Engine::DeepSpeed)
        stage = 1;
    return {stage >= 1, stage >= 2, stage >= 3};
}

} // namespace hwa::plan
