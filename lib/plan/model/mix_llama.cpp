// SPDX-License-Identifier: MIT
// The rules of llama.cpp's quantiser (src/llama-quant.cpp, 2025): a type for each kind of tensor.
#include "plan/model/mix.h"

#include <algorithm>

namespace hwa::plan {

using core::Role;
using core::Tensor;
using Id = GgmlId;

static bool is_value(Role role) {
    return role == Role::Value || role == Role::QueryKeyValue;
}

static bool any_of(Ftype ftype, std::initializer_list<Ftype> list) {
    return std::find(list.begin(), list.end(), ftype) != list.end();
}

Packer::Packer(const core::Model &model, const Mix &mix)
    : model_(model), mix_(mix), layers_(static_cast<uint32_t>(model.layers.size())) {
    for (const Tensor &tensor : model.tensors)
        values_ += is_value(tensor.role) && tensor.layer >= 0;
    const uint32_t keys = std::max(1u, model.kv_heads);
    shares_four_ = model.heads / keys >= 4;
    eight_experts_ = model.experts == 8;
    mixture_ = model.experts > 1;
    falcon_ = model.architecture == "falcon" || model.architecture.starts_with("RefinedWeb");
    seventy_ = layers_ == 80 && model.heads != model.kv_heads;
    drafts_ = model.architecture.starts_with("glm4");
}

/// A quarter of the layers at the ends, and every third between them.
bool Packer::more(uint32_t index, uint32_t count) const {
    return index < count / 8 || index >= 7 * count / 8 || (index - count / 8) % 3 == 2;
}

/// The output, an embedding that serves as one, or an embedding.
Id Packer::edge(const Tensor &tensor, Id type) const {
    if (mix_.edges != 0)
        return static_cast<Id>(mix_.edges);
    if (type == Id::F32 || type == Id::F16 || type == Id::BF16)
        return type;
    using enum Ftype;
    const bool small = any_of(mix_.ftype, {IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS});
    if (tensor.role == Role::Output || model_.tied()) {
        if (falcon_ || tensor.columns % mix_.block.elements != 0)
            return Id::Q8_0;
        if (small || any_of(mix_.ftype, {IQ2_S, IQ2_M, IQ3_XXS}))
            return Id::Q5_K;
        return type == Id::Q8_0 ? type : Id::Q6_K;
    }
    if (mix_.ftype == Mxfp4)
        return Id::Q8_0;
    if (small)
        return Id::Q2_K;
    if (any_of(mix_.ftype, {IQ2_S, IQ2_M, IQ3_XXS}))
        return Id::IQ3_S;
    return mix_.ftype == Ternary ? Id::Q4_K : type;
}

/// Mixes of about two bits and fewer.
Id Packer::low(const Tensor &tensor, Id type) {
    const bool finer = mix_.ftype == Ftype::IQ2_S || mix_.ftype == Ftype::IQ2_M;
    switch (tensor.role) {
    case Role::Value:
        if (shares_four_ || model_.experts >= 4)
            return Id::Q4_K;
        return finer ? Id::IQ3_S : Id::Q2_K;
    case Role::Key:
        return eight_experts_ ? Id::Q4_K : type;
    case Role::Down:
    case Role::ExpertDown:
    case Role::SharedDown:
        if (static_cast<uint32_t>(tensor.layer) < layers_ / 8)
            return finer ? Id::IQ3_S : Id::Q2_K;
        return type;
    case Role::AttentionOut:
        if (eight_experts_)
            return Id::Q5_K;
        if (mix_.ftype == Ftype::IQ1_S || mix_.ftype == Ftype::IQ1_M)
            return Id::IQ2_XXS;
        return finer ? Id::IQ3_S : type;
    default:
        return type;
    }
}

Id Packer::value(Id type) {
    const uint32_t index = met_++;
    using enum Ftype;
    switch (mix_.ftype) {
    case Q2_K:
        type = shares_four_ ? Id::Q4_K : Id::Q3_K;
        break;
    case Q2_K_S:
    case IQ3_XS:
    case IQ3_S:
        type = shares_four_ ? Id::Q4_K : type;
        break;
    case IQ3_XXS:
        type = shares_four_ ? Id::Q4_K : mix_.weighed ? Id::IQ3_XXS : Id::IQ3_S;
        break;
    case IQ3_M:
        type = Id::Q4_K;
        break;
    case Q3_K_M:
        type = index < 2 ? Id::Q5_K : Id::Q4_K;
        break;
    case Q3_K_L:
        type = Id::Q5_K;
        break;
    case IQ4_NL:
    case IQ4_XS:
        type = shares_four_ ? Id::Q5_K : type;
        break;
    case Q4_K_M:
    case Q5_K_M:
        type = more(index, values_) ? Id::Q6_K : type;
        break;
    case Q4_K_S:
        type = index < 4 ? Id::Q5_K : type;
        break;
    default:
        break;
    }
    // Values are small in models of this class, and it pays to keep them finer.
    if (seventy_ && (type == Id::Q3_K || type == Id::Q4_K))
        type = Id::Q5_K;
    return eight_experts_ ? Id::Q8_0 : type;
}

Id Packer::down(Id type, uint32_t layer) const {
    const bool first = layer < layers_ / 8;
    using enum Ftype;
    switch (mix_.ftype) {
    case Q2_K:
        return Id::Q3_K;
    case Q2_K_S:
        return first ? Id::Q4_K : type;
    case IQ3_XXS:
        return mix_.weighed ? type : first ? Id::Q4_K : Id::Q3_K;
    case Q3_K_M:
        return layer < layers_ / 16               ? Id::Q5_K
               : !falcon_ || more(layer, layers_) ? Id::Q4_K
                                                  : Id::Q3_K;
    case IQ3_M:
        return first || (eight_experts_ && more(layer, layers_)) ? Id::Q4_K : type;
    case Q3_K_L:
        return falcon_ ? Id::Q4_K : Id::Q5_K;
    case Q4_K_M:
        if (falcon_)
            return layer < layers_ / 16 ? Id::Q6_K : more(layer, layers_) ? Id::Q5_K : Id::Q4_K;
        return more(layer, layers_) ? Id::Q6_K : type;
    case IQ4_NL:
    case IQ4_XS:
        return first && !mix_.weighed ? Id::Q5_K : type;
    case Q5_K_M:
        return more(layer, layers_) ? Id::Q6_K : type;
    case Q4_K_S:
        return first && !falcon_ ? Id::Q5_K : type;
    case Q4_0:
        return first && mix_.weighed ? Id::Q4_1 : type;
    case Q5_0:
        return first && mix_.weighed ? Id::Q5_1 : type;
    default:
        return type;
    }
}

Id Packer::out(Id type) const {
    using enum Ftype;
    if (falcon_)
        return mix_.ftype == Q3_K_L ? Id::Q4_K : type;
    if (eight_experts_)
        return any_of(mix_.ftype, {Q2_K, IQ3_XS, IQ3_XXS, Q3_K_S, Q3_K_M, IQ4_NL, Q4_K_S, Q4_K_M,
                                   IQ3_S, IQ3_M, IQ4_XS})
                   ? Id::Q5_K
                   : type;
    switch (mix_.ftype) {
    case Q2_K:
        return Id::Q3_K;
    case IQ3_XXS:
        return Id::IQ3_S;
    case Q3_K_M:
    case IQ3_M:
        return Id::Q4_K;
    case Q3_K_L:
        return Id::Q5_K;
    default:
        return type;
    }
}

/// The type by the rules, before rows that are no whole blocks of it are looked at.
Id Packer::llama(const Tensor &tensor) {
    const Id base = static_cast<Id>(mix_.base);
    using enum Ftype;
    if (core::is_plain(tensor.role))
        return Id::F32;
    if (base == Id::F32 || base == Id::F16 || base == Id::BF16)
        return base; // the rules are those of the quantiser
    if (tensor.role == Role::Embedding || tensor.role == Role::Output)
        return edge(tensor, base);
    if (mix_.ftype == Mxfp4)
        return core::is_expert(tensor.role) ? base : Id::Q8_0;
    if (any_of(mix_.ftype, {IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ2_M}))
        return low(tensor, base);
    const uint32_t layer = static_cast<uint32_t>(std::max(tensor.layer, 0));
    const bool middle = layer >= layers_ / 8 && layer < 7 * layers_ / 8;
    switch (tensor.role) {
    case Role::Value:
    case Role::QueryKeyValue:
        return value(base);
    case Role::Key:
        if (eight_experts_)
            return Id::Q8_0;
        [[fallthrough]];
    case Role::Query:
        return mix_.ftype == IQ3_XS ? Id::IQ3_XXS : mix_.ftype == IQ3_XXS ? Id::IQ2_S : base;
    case Role::Down:
    case Role::ExpertDown:
    case Role::SharedDown:
        return down(base, layer);
    case Role::AttentionOut:
        return out(base);
    case Role::Gate:
    case Role::Up:
    case Role::GateUp:
    case Role::ExpertGate:
    case Role::ExpertUp:
    case Role::SharedGate:
    case Role::SharedUp:
        return mix_.ftype == IQ3_XS && middle ? Id::IQ3_XXS : base;
    default:
        return base;
    }
}

/// What is taken for rows that are no whole blocks.
static Id fallback(Id type) {
    switch (type) {
    case Id::TQ1_0:
    case Id::TQ2_0:
        return Id::Q4_0;
    case Id::Q4_K:
        return Id::Q5_0;
    case Id::Q5_K:
        return Id::Q5_1;
    case Id::Q6_K:
        return Id::Q8_0;
    default:
        return Id::IQ4_NL;
    }
}

static uint64_t rows_of(const GgmlType &type, const Tensor &tensor) {
    return tensor.columns / type.block_elements * type.block_bytes * tensor.rows;
}

static uint64_t bytes_as(Id wanted, const Tensor &tensor) {
    const GgmlType *type = find_ggml_type(static_cast<uint32_t>(wanted));
    if (tensor.columns % type->block_elements != 0)
        type = find_ggml_type(static_cast<uint32_t>(fallback(wanted)));
    if (tensor.columns % type->block_elements != 0)
        type = find_ggml_type(static_cast<uint32_t>(Id::F16));
    return rows_of(*type, tensor);
}

/// What the converter makes of it: the part for keys on its side, and that for values.
uint64_t Packer::halves(const Tensor &up, Id wanted) const {
    const core::Layer &layer = model_.layers[static_cast<size_t>(up.layer)];
    const uint64_t heads = layer.heads;
    const uint64_t key = heads != 0 ? queries_ / heads : 0;
    if (key <= layer.position_size || heads * (key - layer.position_size) >= up.rows)
        return bytes_as(wanted, up);
    Tensor keys = up, values = up;
    keys.columns = key - layer.position_size;
    keys.rows = heads * up.columns;
    values.rows = up.rows - heads * keys.columns;
    return bytes_as(wanted, keys) + bytes_as(wanted, values);
}

uint64_t Packer::bytes(const Tensor &tensor) {
    if (mix_.kind == MixKind::Mlx)
        return mlx(tensor);
    if (mix_.kind == MixKind::Packed)
        return packed(tensor);
    if (tensor.role == Role::Tower || tensor.role == Role::Buffer ||
        (tensor.role == Role::Draft && !drafts_))
        return 0; // files of their own
    // Experts published in this format stay in it.
    const uint64_t published = mxfp4_bytes(tensor);
    if (core::is_expert(tensor.role) && model_.dtype == core::Dtype::Mxfp4 &&
        tensor.bytes == published)
        return published;
    if (tensor.role == Role::Query || tensor.role == Role::QueryUp)
        queries_ = tensor.rows;
    const Id wanted = llama(tensor);
    return tensor.role == Role::LatentUp && tensor.layer >= 0 ? halves(tensor, wanted)
                                                              : bytes_as(wanted, tensor);
}

} // namespace hwa::plan
