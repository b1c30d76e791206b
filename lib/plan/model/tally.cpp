// SPDX-License-Identifier: MIT
// Tensors into the parts of a model.
#include "plan/model/tally.h"

#include "plan/model/tensor_names.h"

#include <algorithm>

namespace hwa::plan {

using core::TypeTotal;

bool Tally::add(const NamedTensor &tensor) {
    const Place place = place_of(tensor.name, tensor.rank);
    if (place.layer >= 0) {
        if (static_cast<uint64_t>(place.layer) >= core::layer_limit)
            return false;
        const size_t count = static_cast<size_t>(place.layer) + 1;
        if (count > model_.layers.size())
            model_.layers.resize(count);
    }
    add_type(tensor);
    const core::Tensor made{place.role, static_cast<int32_t>(place.layer), tensor.columns,
                            tensor.rows, tensor.bytes};
    const auto [at, fresh] =
        places_.try_emplace({made.layer, made.role, made.columns}, model_.tensors.size());
    if (!fresh) {
        core::Tensor &same = model_.tensors[at->second];
        same.rows += made.rows;
        same.bytes += made.bytes;
        return true;
    }
    model_.tensors.push_back(made);
    return true;
}

void Tally::add_type(const NamedTensor &tensor) {
    const auto same = [&](const TypeTotal &total) { return total.name == tensor.type; };
    auto found = std::find_if(model_.types.begin(), model_.types.end(), same);
    if (found == model_.types.end()) {
        model_.types.push_back({std::string(tensor.type), tensor.dtype, 0, 0, 0});
        found = model_.types.end() - 1;
    }
    found->tensors += 1;
    found->parameters += tensor.columns * tensor.rows;
    found->bytes += tensor.bytes;
}

void Tally::drafts_from(size_t layers) {
    if (layers == 0 || model_.layers.size() <= layers)
        return;
    model_.layers.resize(layers);
    for (core::Tensor &tensor : model_.tensors)
        if (tensor.layer >= static_cast<int32_t>(layers)) {
            tensor.layer = -1;
            tensor.role = core::Role::Draft;
        }
}

void Tally::finish() {
    // Without layers everything is one piece, which stays together.
    if (model_.layers.empty()) {
        model_.layers.resize(1);
        for (core::Tensor &tensor : model_.tensors)
            tensor.layer = tensor.role == core::Role::Embedding ? -1 : 0;
        model_.estimated |= core::FieldLayers;
        model_.notes.push_back("the tensors name no layers: the model is taken as one piece");
    }
    std::stable_sort(
        model_.tensors.begin(), model_.tensors.end(),
        [](const core::Tensor &a, const core::Tensor &b) { return a.layer < b.layer; });
    std::sort(model_.types.begin(), model_.types.end(),
              [](const TypeTotal &a, const TypeTotal &b) { return a.name < b.name; });
    const auto most =
        std::max_element(model_.types.begin(), model_.types.end(),
                         [](const TypeTotal &a, const TypeTotal &b) { return a.bytes < b.bytes; });
    if (most != model_.types.end())
        model_.dtype = most->dtype;
    model_.inventory = core::Inventory::Exact;
    core::sum_tensors(model_);
    fill_widths(model_);
    core::count_parameters(model_);
}

} // namespace hwa::plan
