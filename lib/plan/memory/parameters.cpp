// SPDX-License-Identifier: MIT
// Parameters of a model that one device holds, and by what they are split.
#include "plan/memory/parameters.h"

#include <cmath>

namespace hwa::plan {

static double degree(const Choice<uint32_t> &choice) {
    return choice.value_or(1) > 1 ? *choice : 1;
}

Degrees::Degrees(const Run &run)
    : tensor(degree(run.tensor)), pipeline(degree(run.pipeline)), data(degree(run.data)),
      context(degree(run.context)), expert(degree(run.expert)),
      expert_tensor(run.expert_tensor ? degree(run.expert_tensor) : tensor) {}

double vocabulary_rows(const Case &one) {
    // Megatron fills the vocabulary up so that it splits evenly in multiples of 128.
    const bool fills = one.run.engine.value_or(Engine::Any) == Engine::Megatron;
    const auto multiple =
        static_cast<double>(one.run.vocabulary_multiple.value_or(fills ? 128 : 1));
    const double step = (multiple > 1 ? multiple : 1) * Degrees(one.run).tensor;
    const double rows = one.model->vocabulary;
    return std::ceil(rows / step) * step / Degrees(one.run).tensor;
}

Parameters parameters_of(const Case &one, const Slice &slice) {
    const core::Model &model = *one.model;
    const Degrees by(one.run);
    Parameters made;
    for (uint64_t i = 0; i < slice.layer_count; ++i) {
        const core::Weights &part = model.layers[slice.first_layer + i].weights;
        made.matrix += static_cast<double>(part.matrix - part.expert);
        made.expert += static_cast<double>(part.expert);
        made.plain += static_cast<double>(part.plain);
    }
    made.matrix /= by.tensor;
    made.expert /= by.expert * by.expert_tensor;
    // How much longer the tables are for being filled up.
    const double rows =
        model.vocabulary != 0 ? vocabulary_rows(one) * by.tensor / double(model.vocabulary) : 1;
    const auto table = [&](const core::Weights &weights) {
        return static_cast<double>(weights.matrix) / by.tensor * rows +
               static_cast<double>(weights.plain);
    };
    if (slice.embedding) {
        made.table += table(model.embedding);
        made.position = static_cast<double>(model.other.matrix + model.other.plain);
    }
    if (slice.output)
        made.plain += static_cast<double>(one.run.head_parameters.value_or(0));
    // Layers that predict further tokens look these up, and join each with the state before it.
    const double drafts = slice.output ? one.run.draft_layers.value_or(0) : 0;
    made.matrix += drafts * 2 * double(model.hidden_size) * model.hidden_size / by.tensor;
    if (drafts > 0 && !slice.embedding && !model.tied())
        made.table += table(model.embedding);
    if (slice.output && !(model.tied() && slice.embedding))
        made.table += table(model.tied() ? model.embedding : model.output);
    return made;
}

} // namespace hwa::plan
