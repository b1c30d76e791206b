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

/// What replicas that split their weights hold of them whole: two layers, as the next is fetched
/// while one is computed, and the gradient of one.
double gathered(const Case &one, const Slice &slice, const Parameters &held) {
    if (!sharding_of(one).weights || Degrees(one.run).replicas() <= 1)
        return 0;
    const bool trains = !has_adapters(one.workload.mode);
    const double each = 2 * 2.0 + (trains ? recipe_of(one).gradient : 0);
    return each * std::max(per_layer(held, slice), held.table / 2);
}

void move_away(const Case &one, Parts &made) {
    if (one.run.offload_optimizer.value_or(false)) {
        made.offload += made.optimizer;
        made.optimizer = 0;
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

base::Result<Footprint> training_bytes(const Case &given, const Slice &slice) {
    Case one = given;
    if (one.workload.sequence_tokens == 0) {
        const uint64_t limit = one.model->context_limit;
        one.workload.sequence_tokens = limit != 0 ? std::min<uint64_t>(limit, 4096) : 4096;
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
    return settle(parts, reserve_bytes(one, slice));
}

base::Result<Footprint> training_footprint(const core::Model &model, const Format &format,
                                           const Workload &workload) {
    const Case one{nullptr, &model, format, workload, {}, {}};
    Slice all;
    all.layer_count = static_cast<uint32_t>(model.layers.size());
    all.embedding = all.output = true;
    return training_bytes(one, all);
}

} // namespace hwa::plan
