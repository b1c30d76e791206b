// SPDX-License-Identifier: MIT
// Adapters: the few parameters that tuning trains beside frozen weights.
#include "plan/memory/adapters.h"

#include "plan/memory/parameters.h"

namespace hwa::plan {

using core::Layer;
using core::Model;

namespace {

/// Pairs of low rank beside the matrices of queries and values, as PEFT and LitGPT choose, or
/// beside all: the inputs and outputs of each, times the rank.
double low_rank(const Model &model, const Layer &layer, double rank, bool wide) {
    const double hidden = model.hidden_size;
    const double heads = layer.heads != 0 ? layer.heads : model.heads;
    const double query = heads * (layer.key_size != 0 ? layer.key_size : model.head_size);
    const double value = double(layer.kv_heads) * layer.value_size;
    const double ffn = layer.ffn != 0 ? layer.ffn : model.ffn_size;
    const double rest =
        (hidden + value) + (query + hidden) + (layer.gated ? 3 : 2) * (hidden + ffn);
    return rank * (hidden + query + hidden + value + (wide ? rest : 0));
}

/// Keys and values of so many tokens in front of each sequence.
double prefix(const Layer &layer, double tokens) {
    return tokens * layer.kv_heads * (double(layer.key_size) + layer.value_size);
}

} // namespace

bool has_adapters(Mode mode) {
    return mode == Mode::TuneLora || mode == Mode::TuneQlora || mode == Mode::TunePrefix;
}

double adapter_parameters(const Case &one, const Slice &slice) {
    const Model &model = *one.model;
    const auto layers = static_cast<double>(model.layers.size());
    if (one.run.adapter_parameters)
        return static_cast<double>(*one.run.adapter_parameters) * slice.layer_count / layers;
    const auto rank = static_cast<double>(one.workload.rank);
    const bool wide = one.run.wide_adapters.value_or(false);
    double made = 0;
    for (uint64_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = model.layers[slice.first_layer + i];
        made += one.workload.mode == Mode::TunePrefix ? prefix(layer, rank)
                                                      : low_rank(model, layer, rank, wide);
    }
    return made / Degrees(one.run).tensor;
}

/// PEFT keeps adapters in f32 whatever the model; PyTorch's own recipes in the model's format.
Recipe adapter_recipe(const Case &one) {
    Recipe made = recipe_of(one);
    made.copy = made.master = 0;
    if (one.run.engine.value_or(Engine::Any) == Engine::Torch)
        return made;
    const double moments = made.moments / made.weight;
    made.moments = one.workload.optimizer == Optimizer::AdamW8bit ? made.moments : 4 * moments;
    made.weight = made.gradient = 4;
    return made;
}

/// QLoRA packs into NF4, the scales of whose blocks of 64 are packed again: 4.127 bits.
double frozen_bytes(const Case &one) {
    if (one.workload.mode == Mode::TuneQlora && one.format.own)
        return 4.127 / 8;
    const double bits = core::dtype_bits(one.format.dtype);
    return bits > 0 ? bits / 8 : 2;
}

} // namespace hwa::plan
