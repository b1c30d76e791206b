// SPDX-License-Identifier: MIT
// Bytes that training and tuning need on each device, by the rules of the engine.
#include "plan/memory/training.h"

#include "plan/memory/activations.h"
#include "plan/memory/adapters.h"
#include "plan/memory/parameters.h"
#include "plan/memory/recipe.h"
#include "plan/memory/reserve.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

namespace {

/// Parts of a footprint while they are summed.
struct Parts {
    double weights = 0, gradients = 0, optimizer = 0, adapters = 0, activations = 0, offload = 0;
};

/// Bytes of parameters of which each of so many replicas keeps its share.
double spread(const Case &one, const Parameters &held, double each, bool split) {
    const Degrees by(one.run);
    if (!split)
        return held.total() * each;
    const double instances = std::max(1U, one.run.optimizer_instances.value_or(1));
    const double shared = std::max(1.0, by.replicas() / instances);
    const double expert = std::max(1.0, by.expert_replicas() / instances);
    return each * (held.shared() / shared + held.expert / expert);
}

double per_layer(const Parameters &held, const Slice &slice) {
    const double layers = held.matrix + held.plain + held.expert;
    return layers / std::max(1U, slice.layer_count);
}

/// Copies of the whole model, besides the one trained, that only run forward.
double frozen_copies(Mode mode) {
    switch (mode) {
    case Mode::TuneDpo:     // the reference
    case Mode::TuneDistill: // the teacher, taken to be as large as the student
        return 1;
    case Mode::TuneRlhf: // reference and reward
        return 2;
    default:
        return 0;
    }
}

void add_trained(const Case &one, const Slice &slice, const Parameters &held, Parts &made) {
    const Recipe recipe = recipe_of(one);
    const Sharding sharding = sharding_of(one);
    // RLHF trains a critic beside the actor.
    const double models = one.workload.mode == Mode::TuneRlhf ? 2 : 1;
    made.weights = models * spread(one, held, recipe.weight, sharding.weights);
    made.gradients = models * spread(one, held, recipe.gradient + recipe.copy, sharding.gradients);
    made.optimizer = models * spread(one, held, recipe.optimizer(), sharding.optimizer);
    made.activations -= models * spread(one, held, recipe.copy, sharding.gradients);
    if (one.run.fused_optimizer.value_or(false))
        made.gradients = per_layer(held, slice) * recipe.gradient;
    made.weights += frozen_copies(one.workload.mode) * spread(one, held, 2, sharding.weights);
}

void add_frozen(const Case &one, const Slice &slice, const Parameters &held, Parts &made) {
    const Recipe recipe = recipe_of(one);
    const Sharding sharding = sharding_of(one);
    const double each = frozen_bytes(one);
    Parameters packed = held;
    packed.plain = packed.table = packed.position = 0;
    Parameters plain = held;
    plain.matrix = plain.expert = 0;
    made.weights = spread(one, packed, each, sharding.weights) +
                   spread(one, plain, recipe.weight, sharding.weights);
    Parameters trained;
    trained.matrix = adapter_parameters(one, slice);
    const Recipe small = adapter_recipe(one);
    made.adapters = spread(one, trained, small.weight, sharding.weights);
    made.gradients = spread(one, trained, small.gradient, sharding.gradients);
    made.optimizer = spread(one, trained, small.optimizer(), sharding.optimizer);
}

/// Buffers of DeepSpeed by its defaults: 5e8 elements for gradients (those for weights are filled
/// when the activations are gone), and of split weights 1e9 that are alive.
double buckets(const Case &one, const Parameters &held) {
    const double trained = has_adapters(one.workload.mode) ? 0 : held.total();
    const double alive = sharding_of(one).weights ? std::min(1e9, held.total()) : 0;
    return recipe_of(one).weight * (std::min(5e8, trained) + alive);
}

/// Of weights that are kept elsewhere, two layers, as the next is fetched while one is computed,
/// and the gradient of one.
double fetched(const Case &one, const Slice &slice, const Parameters &held) {
    const double gradient = has_adapters(one.workload.mode) ? 0 : recipe_of(one).gradient;
    return std::max(per_layer(held, slice), held.table / 2) * (2 * 2 + gradient);
}

/// What PyTorch's FSDP holds whole: two layers, as the next is fetched while one is computed, and
/// the gradient of one. All of them where a step is made of several passes through a pipeline, or
/// where only gradients are split.
double unsharded(const Case &one, const Slice &slice, const Parameters &held) {
    const Sharding sharding = sharding_of(one);
    const Degrees by(one.run);
    const double gradient = has_adapters(one.workload.mode) ? 0 : recipe_of(one).gradient;
    const bool torch = one.run.engine.value_or(Engine::Any) == Engine::Torch;
    if (torch && sharding.weights && by.pipeline > 1)
        return held.total() * (2 + gradient);
    if (torch && !sharding.weights)
        return held.total() * 2 / by.replicas();
    return sharding.weights ? fetched(one, slice, held) : 0;
}

/// What replicas that split their states need besides their shares.
double gathered(const Case &one, const Slice &slice, const Parameters &held) {
    const Sharding sharding = sharding_of(one);
    const bool deepspeed = one.run.engine.value_or(Engine::Any) == Engine::DeepSpeed;
    const bool away = one.run.offload_weights.value_or(false);
    if (Degrees(one.run).replicas() <= 1 && !(away && deepspeed))
        return away ? fetched(one, slice, held) : 0;
    if (deepspeed)
        return sharding.optimizer ? buckets(one, held) : 0;
    return sharding.gradients ? unsharded(one, slice, held) : 0;
}

void move_away(const Case &one, Parts &made) {
    if (one.run.offload_optimizer.value_or(false)) {
        made.offload += made.optimizer;
        made.optimizer = 0;
        // DeepSpeed sends each gradient there as soon as it is summed.
        if (one.run.engine.value_or(Engine::Any) == Engine::DeepSpeed) {
            made.offload += made.gradients;
            made.gradients = 0;
        }
    }
    if (one.run.offload_weights.value_or(false)) {
        made.offload += made.weights;
        made.weights = 0;
    }
}

base::Result<uint64_t> whole(double bytes) {
    if (!(bytes < 0x1p60))
        return base::error(base::Status::Invalid,
                           "overflow: the bytes of training go beyond 64 bits");
    return static_cast<uint64_t>(std::max(0.0, std::ceil(bytes)));
}

base::Result<Footprint> settle(const Parts &parts, double workspace) {
    Footprint made;
    HWA_TRY(made.weights, whole(parts.weights));
    HWA_TRY(made.gradients, whole(parts.gradients));
    HWA_TRY(made.optimizer, whole(parts.optimizer));
    HWA_TRY(made.adapters, whole(parts.adapters));
    HWA_TRY(made.activations, whole(parts.activations));
    HWA_TRY(made.workspace, whole(workspace));
    HWA_TRY(made.offload, whole(parts.offload));
    return made;
}

} // namespace

uint64_t usual_sequence(const core::Model &model) {
    return model.context_limit != 0 ? std::min<uint64_t>(model.context_limit, 4096) : 4096;
}

base::Result<Footprint> training_bytes(const Case &one, const Slice &slice) {
    if (one.workload.sequence_tokens == 0) {
        Case full = one;
        full.workload.sequence_tokens = usual_sequence(*one.model);
        return training_bytes(full, slice);
    }
    const Parameters held = parameters_of(one, slice);
    Parts parts;
    if (has_adapters(one.workload.mode))
        add_frozen(one, slice, held, parts);
    else
        add_trained(one, slice, held, parts);
    move_away(one, parts);
    const Activations kept = activations_of(one, slice);
    // Pairs of answers are compared side by side.
    const double rows = one.workload.mode == Mode::TuneDpo ? 2 : 1;
    parts.activations += rows * kept.peak() + gathered(one, slice, held);
    parts.offload += kept.host;
    const double used =
        parts.weights + parts.gradients + parts.optimizer + parts.adapters + parts.activations;
    return settle(parts, reserve_bytes(one, slice, used));
}

base::Result<Footprint> training_footprint(const core::Model &model, const Format &format,
                                           const Workload &workload) {
    const Case one{nullptr, &model, format, workload, {}, {}, nullptr, nullptr, nullptr, nullptr};
    Slice all;
    all.layer_count = static_cast<uint32_t>(model.layers.size());
    all.embedding = all.output = true;
    return training_bytes(one, all);
}

// Factors that four of five measured runs lie within, fitted by bench/accuracy/fit_training.py;
// what has not been measured is held to be worse.
double training_error(const Case &one) {
    switch (one.run.engine.value_or(Engine::Any)) {
    case Engine::Megatron:
        return 1.035;
    case Engine::DeepSpeed:
        return 1.10;
    case Engine::Torch:
        return 1.12;
    case Engine::Transformers:
        return 1.08;
    default:
        return 1.25;
    }
}

} // namespace hwa::plan
