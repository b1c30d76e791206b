// SPDX-License-Identifier: MIT
// The parts of a training step: kernels of each layer, sends between devices, the optimizer.
#include "plan/host_tier.h"
#include "plan/memory/adapters.h"
#include "plan/memory/parameters.h"
#include "plan/memory/recipe.h"
#include "plan/time/collectives.h"
#include "plan/time/kernels.h"
#include "plan/time/product_memo.h"
#include "plan/time/training.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using core::Dtype;
using core::Layer;
using core::Mixer;

namespace {

/// Share of the bandwidth of a plain copy that elementwise kernels reach.
constexpr double stream_share = 0.85;
constexpr double compiled_share = 0.6;

Math math_of(const Case &one) {
    switch (one.run.compute_dtype.value_or(Dtype::Bf16)) {
    case Dtype::F8E4M3:
    case Dtype::F8E5M2:
    case Dtype::I8:
        return Math::Fp8;
    case Dtype::F4E2M1:
    case Dtype::Nvfp4:
        return Math::Fp4;
    default:
        return Math::Bf16;
    }
}

/// What all layers share.
struct Setting {
    const Case &one;
    Degrees by;
    Chip chip;
    Fabric fabric;
    Math math;
    double sequence;    ///< tokens of one sequence
    double micro_batch; ///< sequences
    double tokens;      ///< of one micro-batch on one device, before the split by tensor ranks
    double hidden;
    double norm_split; ///< over how many ranks norms are split
    double passes;     ///< forward passes: 2 where activations are computed again
    bool flash;
    bool frozen; ///< weights get no gradient of their own

    double product(double m, double n, double k) const {
        return one.products != nullptr ? one.products->seconds(chip, m, n, k, math)
                                       : seconds_of(chip, Gemm{m, n, k, math, 0, false});
    }
    double stream(double bytes) const { return bytes / (chip.bytes_per_second * stream_share); }
    double send(Collective what, double ranks, double bytes, double stride = 1) const {
        return collective_seconds(fabric, what, ranks, bytes, stride);
    }
};

/// A matrix of n x k: forward, and backward for its input and for itself.
void add_product(const Setting &at, double n, double k, StepParts &made) {
    if (n <= 0 || k <= 0)
        return;
    const double forward = at.product(at.tokens, n, k);
    const double input = at.product(at.tokens, k, n);
    const double weight = at.product(n, k, at.tokens);
    made.products += at.passes * forward + input + (at.frozen ? 0 : weight);
    made.kernels += at.passes + (at.frozen ? 1 : 2);
}

void add_ffn(const Setting &at, double width, bool gated, StepParts &made) {
    const double rank = width / at.by.tensor;
    add_product(at, (gated ? 2 : 1) * rank, at.hidden, made);
    add_product(at, at.hidden, rank, made);
    // Read and written forward; backward reads both sides and writes the gradient.
    const double bytes = at.tokens * rank * (gated ? 6 : 4);
    made.elementwise += at.stream(bytes * (at.passes + 5.0 / 3));
    made.kernels += 3;
}

/// Widths of a head's key and value as training computes them: those of latent attention are made
/// from the compressed row, and no cache tells them.
struct Head {
    double key = 0, value = 0;
};

Head head_of(const core::Model &model, const Layer &layer) {
    if (layer.mixer != Mixer::Latent)
        return {double(layer.key_size), double(layer.value_size)};
    const auto side = [&](core::Role role, uint64_t core::Tensor::*length) {
        for (const core::Tensor &tensor : model.tensors)
            if (tensor.role == role)
                return static_cast<double>(tensor.*length) / std::max(1U, layer.heads);
        return 0.0;
    };
    const double value = side(core::Role::AttentionOut, &core::Tensor::columns);
    const double both = side(core::Role::LatentUp, &core::Tensor::rows);
    if (value <= 0 || both <= value)
        return {double(layer.key_size), double(layer.latent_size)};
    return {both - value + layer.position_size, value};
}

/// Scores of all pairs, where they are written out: two products and some passes over them.
double plain_attention(const Setting &at, const Layer &layer, const Head &head) {
    const double heads = layer.heads / at.by.tensor * at.micro_batch;
    const double pairs = heads * at.sequence * at.sequence / at.by.context;
    const double operations = 2 * pairs * (head.key + head.value);
    const double rate = at.chip.ops_per_second[static_cast<size_t>(Math::Bf16)] * 0.6;
    // Rows that do not start at 16 bytes keep matrix units from their full rate.
    const double slower = std::fmod(head.key, 8) == 0 ? 1 : 3;
    // Scaled, masked, exponentiated and dropped out, two bytes in and out of each.
    return slower * operations / rate + at.stream(pairs * 2 * 6);
}

double flash_attention(const Setting &at, const Layer &layer, const Head &head) {
    PromptAttention shape;
    shape.batch = at.micro_batch;
    shape.tokens = at.sequence;
    shape.heads = std::max(1.0, layer.heads / at.by.tensor);
    shape.kv_heads =
        layer.mixer == Mixer::Latent ? shape.heads : std::max(1.0, layer.kv_heads / at.by.tensor);
    shape.key_size = head.key;
    shape.value_size = head.value;
    shape.window = layer.window;
    return seconds_of(at.chip, shape) / at.by.context;
}

void add_attention(const Setting &at, const Layer &layer, StepParts &made) {
    const double heads = layer.heads / at.by.tensor;
    const bool latent = layer.mixer == Mixer::Latent;
    const double keys = latent ? heads : std::max(layer.kv_heads / at.by.tensor, 1.0);
    const Head head = head_of(*at.one.model, layer);
    const double key = head.key, value = head.value;
    if (latent) {
        if (layer.query_rank > 0)
            add_product(at, layer.query_rank, at.hidden, made);
        add_product(at, heads * key, layer.query_rank > 0 ? layer.query_rank : at.hidden, made);
        add_product(at, layer.latent_size + layer.position_size, at.hidden, made);
        add_product(at, heads * (key - layer.position_size + value), layer.latent_size, made);
    } else {
        add_product(at, heads * key + keys * (key + value), at.hidden, made);
    }
    add_product(at, at.hidden, heads * value, made);
    const double forward =
        at.flash ? flash_attention(at, layer, head) : plain_attention(at, layer, head);
    // Backward makes five products of the forward's two. Selective recomputing is of attention.
    const bool again = at.one.workload.recompute == Recompute::Selective && !at.flash;
    made.attention += forward * (at.passes + (again ? 1 : 0) + (at.flash ? 2.5 : 2));
    made.elementwise += at.stream(at.tokens * (heads * key + keys * key) * 4 * (at.passes + 1));
    made.kernels += at.flash ? 8 : 16;
    if (at.by.context > 1) // keys and values go round, and their gradients
        made.tensor_sends +=
            (at.passes + 2) * (at.by.context - 1) *
            at.send(Collective::SendReceive, 2, 2 * at.tokens * keys * (key + value), at.by.tensor);
}

/// Length of the rows that experts are given: less than the hidden size where they work in a space
/// of their own.
double expert_columns(const Setting &at, const Layer &layer) {
    const double each = (layer.gated ? 3.0 : 2.0) * layer.experts * layer.expert_ffn;
    const auto weights = static_cast<double>(layer.weights.expert);
    return each > 0 && weights > 0 ? std::min(at.hidden, weights / each) : at.hidden;
}

void add_experts(const Setting &at, const Layer &layer, StepParts &made) {
    const double copies = layer.experts_per_token, columns = expert_columns(at, layer);
    Experts shape;
    // What a rank gets of all tokens is as much as it sends away, for the experts that it holds.
    shape.tokens = at.tokens / at.by.tensor * at.by.expert_tensor;
    shape.hidden = columns;
    shape.ffn = layer.expert_ffn / at.by.expert_tensor;
    shape.experts = layer.experts / at.by.expert;
    shape.per_token = copies;
    shape.math = at.math;
    shape.gated = layer.gated;
    made.experts += (at.passes + 2) * seconds_of(at.chip, shape);
    const double routed = at.tokens / at.by.tensor * copies;
    // Gathered, multiplied by the gate, weighted and added up.
    made.elementwise +=
        at.stream(routed * (at.passes + 1.5) *
                  (12 * columns + (layer.gated ? 6 : 4) * layer.expert_ffn / at.by.expert_tensor));
    made.kernels += 25;
    made.mixtures += 1;
    made.expert_calls += layer.experts / at.by.expert;
    add_product(at, layer.experts, at.hidden, made);
    if (columns < at.hidden) { // in and out of that space
        add_product(at, columns / at.by.tensor, at.hidden, made);
        add_product(at, at.hidden, columns / at.by.tensor, made);
    }
    if (at.by.expert > 1) { // out and back, forward and backward
        // A token crosses the network once for each island that it has experts on.
        const double islands =
            std::ceil(at.by.expert * at.by.expert_tensor / std::max(1U, at.fabric.island));
        const double crossing = islands * (1 - std::pow(1 - 1 / islands, copies)) / copies;
        made.expert_sends +=
            2 * (at.passes + 1) *
            at.send(Collective::AllToAll, at.by.expert,
                    routed * 2 * columns * (islands > 1 ? crossing : 1), at.by.expert_tensor);
    }
}

/// What no widths are known of, such as the matrices of recurrent layers, as one product.
void add_rest(const Setting &at, const Layer &layer, StepParts &made) {
    const double ffn = (layer.gated ? 3.0 : 2.0) * at.hidden * (layer.ffn + layer.shared_ffn);
    const double rest = static_cast<double>(layer.weights.matrix - layer.weights.expert) - ffn;
    if (layer.mixer != Mixer::Recurrent || rest <= 0)
        return;
    add_product(at, rest / at.hidden / at.by.tensor, at.hidden, made);
    // The scan reads and writes its inner width, two or so times the hidden one, some ten times.
    made.elementwise += at.stream(at.tokens * 2 * at.hidden / at.by.tensor * 20 * (at.passes + 2));
    made.kernels += 20;
}

void add_layer(const Setting &at, const Layer &layer, StepParts &made) {
    if (layer.attends())
        add_attention(at, layer, made);
    if (layer.crosses)
        add_attention(at, layer, made);
    add_rest(at, layer, made);
    if (layer.ffn > 0)
        add_ffn(at, layer.ffn, layer.gated, made);
    if (layer.shared_ffn > 0)
        add_ffn(at, layer.shared_ffn, layer.gated, made);
    if (layer.experts > 0)
        add_experts(at, layer, made);
    const double parts = (layer.mixer == Mixer::Recurrent || layer.attends() ? 1 : 0) +
                         (layer.crosses ? 1 : 0) + (layer.ffn > 0 || layer.experts > 0 ? 1 : 0);
    // A norm and a sum on each part: six passes of two bytes forward, and eight backward.
    made.elementwise +=
        at.stream(at.tokens * at.hidden / at.norm_split * parts * (12 * at.passes + 16));
    made.kernels += parts * 2 * (at.passes + 1);
    // An all-reduce of each part's result, or a gather and a scatter of the same bytes.
    made.tensor_sends += parts * (at.passes + 1) *
                         at.send(Collective::AllReduce, at.by.tensor, 2 * at.tokens * at.hidden);
}

void add_logits(const Setting &at, StepParts &made) {
    Setting plain = at; // logits are of 16 bits, and not computed again
    plain.math = Math::Bf16;
    plain.passes = 1;
    const double rows = vocabulary_rows(at.one);
    add_product(plain, rows, at.hidden, made);
    // In 16 bits and in 32, forward and backward.
    made.elementwise +=
        at.stream(at.tokens * rows * (at.one.run.fused_loss.value_or(false) ? 8 : 20));
    made.kernels += 10;
}

bool alike(const Layer &a, const Layer &b) {
    return a.mixer == b.mixer && a.crosses == b.crosses && a.heads == b.heads &&
           a.kv_heads == b.kv_heads && a.ffn == b.ffn && a.experts == b.experts &&
           a.window == b.window && a.expert_ffn == b.expert_ffn &&
           a.weights.matrix == b.weights.matrix;
}

/// Products of the model's own, without what is computed twice, of a step on all devices.
double model_operations(const Case &one, double tokens, double sequence) {
    const core::Model &model = *one.model;
    const double table = static_cast<double>(model.tied() ? 0 : model.embedding.matrix);
    double operations =
        6 * std::max(0.0, static_cast<double>(model.active_parameters) - table) * tokens;
    double attended = 0;
    const Layer *before = nullptr;
    for (const Layer &layer : model.layers) {
        if (!layer.attends())
            continue;
        if (before == nullptr || !alike(*before, layer)) {
            const double reach =
                layer.window > 0 ? std::min<double>(layer.window, sequence) : sequence;
            const Head head = head_of(model, layer);
            attended = 3 * tokens * reach * layer.heads * (head.key + head.value);
            before = &layer;
        }
        operations += attended;
    }
    return operations;
}

/// What a slice trains of what it holds, and in which formats.
struct Trained {
    Parameters parameters;
    Recipe recipe;
};

Trained trained_of(const Case &one, const Slice &slice, const Parameters &held) {
    if (!has_adapters(one.workload.mode))
        return {held, recipe_of(one)};
    Trained made{{}, adapter_recipe(one)};
    made.parameters.matrix = adapter_parameters(one, slice);
    return made;
}

/// Weights and gradients between replicas. What is frozen has no gradient to send, and no state.
void add_data(const Setting &at, const Slice &slice, const HostTier &tier, StepParts &made) {
    const Parameters held = parameters_of(at.one, slice);
    const Trained updated = trained_of(at.one, slice, held);
    const Parameters &trained = updated.parameters;
    const Recipe &recipe = updated.recipe;
    const double element = recipe_of(at.one).element;
    const Sharding sharding = sharding_of(at.one);
    const double replicas = at.by.replicas(), experts = at.by.expert_replicas();
    const auto sends = [&](Collective what, const Parameters &parameters, double bytes) {
        return at.send(what, replicas, parameters.shared() * bytes, at.by.tensor) +
               at.send(what, experts, parameters.expert * bytes,
                       at.by.expert * at.by.expert_tensor);
    };
    if (sharding.weights) {
        made.weight_sends = 2 * sends(Collective::AllGather, held, element) +
                            sends(Collective::ReduceScatter, trained, recipe.gradient);
    } else if (sharding.optimizer) {
        made.data_sends = sends(Collective::ReduceScatter, trained, recipe.gradient) +
                          sends(Collective::AllGather, trained, recipe.element);
    } else {
        made.data_sends = sends(Collective::AllReduce, trained, recipe.gradient);
    }
    // Each number of the optimizer is read and written, and the gradient read twice.
    const double bytes = 2 * recipe.optimizer() + 2 * recipe.gradient + recipe.weight;
    const auto share = [&](const Parameters &parameters, bool split) {
        return parameters.shared() / (split ? replicas : 1) +
               parameters.expert / (split ? experts : 1);
    };
    const double states = share(trained, sharding.optimizer);
    made.optimizer = at.stream(states * bytes);
    if (at.one.run.offload_optimizer.value_or(false)) {
        // Gradients go down, weights come back; the device itself would be no slower.
        const double moved = states * (recipe.gradient + recipe.element);
        made.optimizer =
            std::max(made.optimizer, states * bytes / tier.update_rate + moved / tier.copy_rate);
    }
    if (at.one.run.offload_weights.value_or(false)) // as weights of other replicas, both ways
        made.weight_sends += 2 * share(held, sharding.weights) * element / tier.copy_rate;
}

bool moves_away(const Run &run) {
    return run.offload_optimizer.value_or(false) || run.offload_weights.value_or(false);
}

/// The host's memory behind the devices of a case that keeps something there.
HostTier tier_of(const Case &one) {
    if (one.tier != nullptr || !moves_away(one.run))
        return one.tier != nullptr ? *one.tier : HostTier{};
    std::vector<const core::Device *> devices;
    for (const Slice &slice : one.slices)
        devices.push_back(slice.device);
    const Processors processors = processors_of(*one.system);
    return one.links != nullptr ? processors.tier(*one.links, devices)
                                : processors.tier(Links(*one.system), devices);
}

/// Whether two stages compute the same.
bool alike(const core::Model &model, const Slice &a, const Slice &b) {
    if (a.layer_count != b.layer_count || a.output != b.output)
        return false;
    for (uint32_t i = 0; i < a.layer_count; ++i)
        if (!alike(model.layers[a.first_layer + i], model.layers[b.first_layer + i]))
            return false;
    return true;
}

/// One stage: its layers, of which many are alike and are computed once.
StepParts stage_parts(const Setting &at, const Slice &slice) {
    StepParts made, layer_made;
    const Layer *before = nullptr;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = at.one.model->layers[slice.first_layer + i];
        if (before == nullptr || !alike(*before, layer)) {
            layer_made = {};
            add_layer(at, layer, layer_made);
            before = &layer;
        }
        made.products += layer_made.products;
        made.experts += layer_made.experts;
        made.attention += layer_made.attention;
        made.elementwise += layer_made.elementwise;
        made.kernels += layer_made.kernels;
        made.mixtures += layer_made.mixtures;
        made.expert_calls += layer_made.expert_calls;
        made.tensor_sends += layer_made.tensor_sends;
        made.expert_sends += layer_made.expert_sends;
    }
    if (slice.output)
        add_logits(at, made);
    // A compiler joins what follows each other; it keeps about this share of the passes.
    if (at.one.run.compiled.value_or(false))
        made.elementwise *= compiled_share;
    return made;
}

double computing(const StepParts &parts) {
    return parts.products + parts.experts + parts.attention + parts.elementwise +
           parts.tensor_sends + parts.expert_sends;
}

/// PyTorch's selective recomputing is of every second product; Megatron's is of attention alone.
double forward_passes(const Case &one, bool flash) {
    if (one.workload.recompute == Recompute::Full)
        return 2;
    const bool second = one.workload.recompute == Recompute::Selective && flash &&
                        one.run.engine.value_or(Engine::Any) == Engine::Torch;
    return second ? 1.5 : 1;
}

Fabric fabric_between(const Case &one) {
    std::vector<const core::Device *> devices;
    for (const Slice &slice : one.slices)
        devices.push_back(slice.device);
    return fabric_of(*one.system, devices);
}

Setting setting_of(const Case &one) {
    const Degrees by(one.run);
    Setting at{one,
               by,
               chip_of(*one.slices[0].device),
               one.fabric != nullptr ? *one.fabric : fabric_between(one),
               math_of(one),
               0,
               0,
               0,
               0,
               1,
               1,
               true};
    at.sequence = static_cast<double>(one.workload.sequence_tokens);
    if (at.sequence <= 0)
        at.sequence =
            one.model->context_limit > 0 ? std::min(one.model->context_limit, 4096U) : 4096;
    at.micro_batch = static_cast<double>(std::max<uint64_t>(1, one.workload.micro_batch));
    at.tokens = at.micro_batch * at.sequence / by.context;
    at.hidden = one.model->hidden_size;
    at.norm_split = one.run.sequence_parallel.value_or(false) ? by.tensor : 1;
    at.frozen = one.workload.mode == Mode::TuneLora || one.workload.mode == Mode::TuneQlora;
    at.flash = one.run.flash_attention.value_or(true);
    at.passes = forward_passes(one, at.flash);
    return at;
}

} // namespace

base::Result<StepParts> step_parts(const Case &one) {
    if (one.slices.empty())
        return StepParts{};
    const Setting at = setting_of(one);
    if (at.chip.bytes_per_second <= 0 || at.chip.ops_per_second[0] <= 0 || at.hidden <= 0)
        return StepParts{};
    const Slice *slowest = nullptr, *before = nullptr;
    StepParts made;
    for (const Slice &slice : one.slices) {
        if (slice.replica != 0 || slice.tensor_rank != 0 || slice.context_rank != 0)
            continue;
        if (before != nullptr && alike(*one.model, *before, slice))
            continue;
        before = &slice;
        const StepParts stage = stage_parts(at, slice);
        if (slowest == nullptr || computing(stage) > computing(made)) {
            made = stage;
            slowest = &slice;
        }
    }
    const HostTier tier = tier_of(one);
    if (moves_away(one.run) && tier.copy_rate <= 0)
        return StepParts{};
    add_data(at, *slowest, tier, made);
    const double step = static_cast<double>(
        one.run.global_batch.value_or(static_cast<uint64_t>(at.micro_batch * at.by.data)));
    const double micro_batches = std::max(1.0, step / (at.by.data * at.micro_batch));
    const double turns = std::max(1U, one.run.virtual_stages.value_or(1));
    made.rounds = micro_batches + (at.by.pipeline - 1) / turns;
    if (at.by.pipeline > 1)
        made.stage_sends =
            2 * turns *
            collective_seconds(
                one.between != nullptr ? *one.between : at.fabric, Collective::SendReceive, 2,
                2 * at.tokens * at.hidden / at.norm_split,
                one.between != nullptr ? 1 : at.by.tensor * at.by.context * at.by.data);
    made.tokens = step * at.sequence;
    made.operations = model_operations(one, made.tokens, at.sequence);
    made.peak = at.by.tensor * at.by.context * at.by.pipeline * at.by.data *
                at.chip.ops_per_second[static_cast<size_t>(at.math)];
    return made;
}

} // namespace hwa::plan
