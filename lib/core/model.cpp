// SPDX-License-Identifier: MIT
// Sums over the tensors and the parts of a model.
#include "core/model.h"

#include <algorithm>

namespace hwa::core {

uint64_t Model::weight_bytes() const {
    uint64_t sum = embedding.bytes + output.bytes + other.bytes;
    for (const Layer &layer : layers)
        sum += layer.weights.bytes;
    return sum;
}

bool is_plain(Role role) {
    switch (role) {
    case Role::Position:
    case Role::Norm:
    case Role::Bias:
    case Role::Router:
    case Role::Convolution:
    case Role::Decay:
    case Role::Buffer:
        return true;
    default:
        return false;
    }
}

bool is_expert(Role role) {
    return role >= Role::ExpertGate && role <= Role::ExpertDown;
}

static Weights &part_of(Model &model, const Tensor &tensor) {
    if (tensor.layer >= 0)
        return model.layers[static_cast<size_t>(tensor.layer)].weights;
    if (tensor.role == Role::Embedding)
        return model.embedding;
    return tensor.role == Role::Output ? model.output : model.other;
}

void sum_tensors(Model &model) {
    model.embedding = model.output = model.other = {};
    for (Layer &layer : model.layers)
        layer.weights = {};
    for (const Tensor &tensor : model.tensors) {
        Weights &part = part_of(model, tensor);
        (tensor.role == Role::Buffer ? part.buffer
         : is_plain(tensor.role)     ? part.plain
                                     : part.matrix) += tensor.parameters();
        part.bytes += tensor.bytes;
        if (!is_expert(tensor.role))
            continue;
        part.expert += tensor.parameters();
        part.expert_bytes += tensor.bytes;
    }
}

void count_parameters(Model &model) {
    uint64_t all =
        model.embedding.parameters() + model.output.parameters() + model.other.parameters();
    uint64_t experts = 0;
    for (const Layer &layer : model.layers) {
        all += layer.weights.parameters();
        experts += layer.weights.expert;
    }
    if (model.parameters == 0)
        model.parameters = all;
    if (model.active_parameters != 0)
        return;
    model.active_parameters = model.parameters;
    for (const Tensor &tensor : model.tensors)
        if (tensor.role == Role::Draft)
            model.active_parameters -= std::min(model.active_parameters, tensor.parameters());
    if (model.experts > model.experts_per_token && model.experts_per_token > 0) {
        const double idle = 1.0 - static_cast<double>(model.experts_per_token) / model.experts;
        model.active_parameters -= static_cast<uint64_t>(idle * static_cast<double>(experts));
    }
}

} // namespace hwa::core
