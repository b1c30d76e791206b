// SPDX-License-Identifier: MIT
// Sums of what layers do.
#include "plan/time/work.h"

#include <algorithm>

namespace hwa::plan {

using core::Layer;
using core::Mixer;

namespace {

double real(uint64_t value) {
    return static_cast<double>(value);
}

/// Bytes of one number of keys and values.
double cache_width(const Workload &workload) {
    const core::DtypeRow *row = core::find_dtype(workload.cache_dtype);
    return row == nullptr ? 2 : real(row->block_bytes) / real(row->block_elements);
}

/// All tokens are scored by keys of 8 bits, at twice the rate of 16.
void pick(Work &work, const Layer &layer, double tokens) {
    const double ops = real(layer.index_heads) * real(layer.index_size) * tokens;
    work.index_layers += 1;
    work.cache_bytes += tokens * (4.0 + layer.index_size); // a scale beside the key
    work.prompt_ops += ops;
    work.token_ops += ops;
}

void attend(Work &work, const Layer &layer, const core::Model &model, double tokens, double width) {
    double seen = layer.window != 0 ? std::min(tokens, real(layer.window)) : tokens;
    const double heads = real(layer.heads != 0 ? layer.heads : model.heads);
    if (layer.mixer == Mixer::Latent) {
        const double row = real(layer.latent_size) + real(layer.position_size);
        if (layer.index_tokens != 0) {
            seen = std::min(seen, real(layer.index_tokens));
            pick(work, layer, tokens);
        }
        work.latent_layers += 1;
        work.cache_bytes += seen * row * width;
        work.prompt_ops += 2 * seen * heads * (real(layer.key_size) + real(layer.value_size));
        work.token_ops += 2 * seen * heads * (row + real(layer.latent_size));
        work.pairs += seen * heads;
        work.kv_heads = 1;
        return;
    }
    const double kv_heads =
        std::max(1.0, real(layer.kv_heads != 0 ? layer.kv_heads : model.kv_heads));
    const double key = real(layer.key_size != 0 ? layer.key_size : model.head_size);
    const double value = real(layer.value_size != 0 ? layer.value_size : model.head_size);
    work.cache_bytes += seen * kv_heads * (key + value) * width;
    work.prompt_ops += 2 * seen * heads * (key + value);
    work.pairs += seen * heads;
    work.spread = std::max(1.0, heads / kv_heads);
    work.kv_heads = kv_heads;
}

} // namespace

Work work_of(const Case &one, const HeldWeights &held, const Slice &slice, double tokens) {
    const core::Model &model = *one.model;
    Work work;
    const uint64_t from = slice.first_layer, end = from + slice.layer_count;
    const double width = cache_width(one.workload);
    work.hidden = real(model.hidden_size);
    for (uint64_t i = from; i < end; ++i) {
        const Layer &layer = model.layers[i];
        work.layers += 1;
        work.parameters += real(layer.weights.matrix - layer.weights.expert);
        work.bytes += real(held.layers[i].bytes - held.layers[i].expert_bytes);
        work.expert_parameters += real(layer.weights.expert);
        work.expert_bytes += real(held.layers[i].expert_bytes);
        if (layer.weights.expert != 0) {
            work.expert_layers += 1;
            work.experts = real(layer.experts != 0 ? layer.experts : model.experts);
            work.experts_per_token = real(layer.experts_per_token != 0 ? layer.experts_per_token
                                                                       : model.experts_per_token);
        }
        if (layer.mixer == Mixer::Recurrent) {
            work.recurrent_layers += 1;
            work.state_bytes += 8 * real(layer.state);
        } else if (layer.mixer != Mixer::None) {
            attend(work, layer, model, tokens, width);
        }
    }
    if (slice.output) {
        work.output_bytes = real(model.tied() ? held.embedding.bytes : held.output.bytes);
        work.output_parameters = real(model.tied() ? model.embedding.matrix : model.output.matrix);
    }
    return work;
}

} // namespace hwa::plan
