// SPDX-License-Identifier: MIT
// Widths of FFNs and experts, as the shapes of the tensors tell them.
#include "plan/model/tally.h"

#include <algorithm>

namespace hwa::plan {

using core::Layer;
using core::Role;

static uint32_t narrow(uint64_t value) {
    return static_cast<uint32_t>(std::min(value, core::width_limit));
}

void fill_widths(core::Model &model) {
    std::vector<bool> gates(model.layers.size()), told(model.layers.size());
    for (size_t i = 0; i < model.layers.size(); ++i)
        told[i] = model.layers[i].ffn != 0 || model.layers[i].expert_ffn != 0;
    for (const core::Tensor &tensor : model.tensors) {
        if (tensor.layer < 0)
            continue;
        const size_t at = static_cast<size_t>(tensor.layer);
        Layer &layer = model.layers[at];
        gates[at] = gates[at] || tensor.role == Role::Gate || tensor.role == Role::GateUp ||
                    tensor.role == Role::ExpertGate || tensor.role == Role::ExpertGateUp;
        if (told[at])
            continue;
        // The matrix that leads out of an FFN has the width in its rows' length.
        if (tensor.role == Role::Down)
            layer.ffn = narrow(tensor.columns);
        else if (tensor.role == Role::ExpertDown)
            layer.expert_ffn = narrow(tensor.columns);
        else if (tensor.role == Role::SharedDown)
            layer.shared_ffn = narrow(tensor.columns);
    }
    for (size_t i = 0; i < model.layers.size(); ++i) {
        Layer &layer = model.layers[i];
        if (told[i])
            continue;
        layer.gated = gates[i];
        if (layer.expert_ffn != 0) {
            layer.experts = model.experts;
            layer.experts_per_token = model.experts_per_token;
        }
    }
}

} // namespace hwa::plan
