// SPDX-License-Identifier: MIT
// Names of tensors to parts of a model, and the sums over them.
#include "plan/model/tally.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::plan {

using core::Layer;
using core::TypeTotal;
using core::Weights;

static bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

static bool any_of(std::string_view text, std::initializer_list<std::string_view> parts) {
    return std::any_of(parts.begin(), parts.end(), [&](auto part) { return holds(text, part); });
}

/// The number behind the first of these components: "model.layers.12.mlp" -> 12.
static std::optional<uint64_t> layer_number(std::string_view name) {
    for (const std::string_view mark : {"blk.", "layers.", "h.", "blocks.", "block.", "layer."}) {
        const size_t at = name.find(mark);
        if (at == std::string_view::npos || (at != 0 && name[at - 1] != '.'))
            continue;
        const std::string_view rest = name.substr(at + mark.size());
        const auto number = base::parse_u64(rest.substr(0, rest.find('.')));
        if (number)
            return number;
    }
    return std::nullopt;
}

Place place_of(std::string_view name) {
    Place place;
    place.expert = any_of(name, {"_exps.", ".experts."});
    place.plain = any_of(name, {"norm", "ffn_gate_inp", ".mlp.gate.weight", "router",
                                "position_embd", "wpe.", "block_sparse_moe.gate.", "bias"});
    // Towers for images and sound have layers of their own, which hold no cache.
    if (any_of(name, {"vision", "visual", "audio"}))
        return place;
    if (const auto layer = layer_number(name)) {
        place.part = Place::Part::Layer;
        place.layer = static_cast<uint32_t>(std::min<uint64_t>(*layer, core::layer_limit));
        return place;
    }
    if (!place.plain && any_of(name, {"token_embd.", "embed_tokens.", "wte.", "tok_embeddings.",
                                      "embed_in.", "word_embeddings."}))
        place.part = Place::Part::Embedding;
    else if (!place.plain &&
             (any_of(name, {"lm_head.", "embed_out."}) || name.starts_with("output.weight")))
        place.part = Place::Part::Output;
    return place;
}

static Weights &part_of(core::Model &model, const Place &place) {
    switch (place.part) {
    case Place::Part::Embedding:
        return model.embedding;
    case Place::Part::Output:
        return model.output;
    case Place::Part::Layer:
        return model.layers[place.layer].weights;
    case Place::Part::Other:
        break;
    }
    return model.other;
}

bool Tally::add(const Tensor &tensor) {
    const Place place = place_of(tensor.name);
    if (place.part == Place::Part::Layer) {
        if (place.layer >= core::layer_limit)
            return false;
        if (place.layer >= model_.layers.size())
            model_.layers.resize(place.layer + 1);
    }
    Weights &weights = part_of(model_, place);
    const bool plain = tensor.rank < 2 || place.plain;
    (plain ? weights.plain : weights.matrix) += tensor.parameters;
    weights.bytes += tensor.bytes;
    if (place.expert) {
        weights.expert += plain ? 0 : tensor.parameters;
        weights.expert_bytes += tensor.bytes;
    }
    add_type(tensor);
    return true;
}

void Tally::add_type(const Tensor &tensor) {
    const auto same = [&](const TypeTotal &total) { return total.name == tensor.type; };
    auto found = std::find_if(model_.types.begin(), model_.types.end(), same);
    if (found == model_.types.end()) {
        model_.types.push_back({std::string(tensor.type), tensor.dtype, 0, 0, 0});
        found = model_.types.end() - 1;
    }
    found->tensors += 1;
    found->parameters += tensor.parameters;
    found->bytes += tensor.bytes;
}

void Tally::finish() {
    // Without layers everything is one piece, which stays together.
    if (model_.layers.empty()) {
        model_.layers.resize(1);
        std::swap(model_.layers[0].weights, model_.other);
        model_.estimated |= core::FieldLayers;
        model_.notes.push_back("the tensors name no layers: the model is taken as one piece");
    }
    std::sort(model_.types.begin(), model_.types.end(),
              [](const TypeTotal &a, const TypeTotal &b) { return a.name < b.name; });
    const auto most =
        std::max_element(model_.types.begin(), model_.types.end(),
                         [](const TypeTotal &a, const TypeTotal &b) { return a.bytes < b.bytes; });
    if (most != model_.types.end())
        model_.dtype = most->dtype;
    model_.inventory = core::Inventory::Exact;
    core::count_parameters(model_);
}

} // namespace hwa::plan
