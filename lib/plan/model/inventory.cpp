// SPDX-License-Identifier: MIT
// Attention, FFNs, experts and norms of a layer, after the modelling code of each family in
// Hugging Face transformers.
#include "plan/model/inventory.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Layer;
using core::Mixer;
using core::Model;
using core::Role;

void Inventory::add(Role role, Count columns, Count rows) {
    const Count all = columns * rows;
    if (all.value == 0)
        return;
    overflow_ |= all.value > core::parameter_limit;
    if (!overflow_)
        model.tensors.push_back({role, current, columns.value, rows.value, 0});
}

void Inventory::norm(uint64_t count) {
    for (uint64_t i = 0; i < count && !has(NoNorms); ++i) {
        add(Role::Norm, n.hidden);
        if (has(NormBias) || n.norm_bias)
            add(Role::Norm, n.hidden);
    }
}

static uint32_t narrow(uint64_t value) {
    return static_cast<uint32_t>(std::min(value, core::width_limit));
}

template <class T> static T at(const std::vector<T> &list, uint64_t index, T otherwise) {
    return list.empty() ? otherwise : index < list.size() ? list[index] : list.back();
}

LayerForm Inventory::form(uint64_t index) const {
    LayerForm made;
    const LayerKind kind = index < n.kinds.size() ? n.kinds[index] : LayerKind::Usual;
    const uint64_t period = n.period != 0 ? n.period : family.period;
    const bool odd_one = period == 0 || (index + 1) % period == 0;
    if (kind == LayerKind::Usual) {
        made.recurrent = family.recurrence != Recurrence::None;
        if (n.attention_period != 0)
            made.recurrent = index % n.attention_period != n.attention_offset;
        else if (period != 0)
            made.recurrent = made.recurrent && !odd_one;
        made.window =
            family.recurrence == Recurrence::None && n.window != 0 && !(period != 0 && odd_one);
    } else {
        made.recurrent = kind == LayerKind::Recurrent;
        made.window = kind == LayerKind::Window;
    }
    made.attention = !made.recurrent || has(SideBySide);
    made.recurrent = made.recurrent || has(SideBySide);
    const uint64_t step = std::max<uint64_t>(n.expert_step, 1);
    const bool turn =
        n.attention_period != 0 ? index % step == n.expert_offset : (index + 1) % step == 0;
    made.mixture = n.experts != 0 && at(n.mixtures, index, index >= n.dense_layers && turn);
    if (has(SingleParts)) {
        made.attention = kind == LayerKind::Full;
        made.mixture = kind == LayerKind::Mixture;
        made.dense = kind == LayerKind::Ffn;
    } else {
        made.dense = !made.mixture || has(BothFfns);
    }
    return made;
}

void Inventory::head_norms(const Layer &layer) {
    const bool asked = has(NormAsked) ? n.head_norm == 1 : n.head_norm != 0;
    if (has(HeadNorm) && asked) {
        add(Role::Norm, layer.key_size);
        add(Role::Norm, layer.key_size);
    }
    if (has(WideNorm) && asked) {
        add(Role::Norm, Count(layer.heads) * layer.key_size);
        add(Role::Norm, Count(layer.kv_heads) * layer.key_size);
    }
}

/// Heads of a layer, which can depend on how far it looks back.
static void shape_heads(const Inventory &in, const LayerForm &form, uint64_t index, Layer &made) {
    const ConfigNumbers &n = in.n;
    const uint64_t usual = n.head_dim != 0 ? n.head_dim : n.heads != 0 ? n.hidden / n.heads : 0;
    const auto pick = [&](uint64_t window, uint64_t full, uint64_t otherwise) {
        const uint64_t own = form.window ? window : full;
        return narrow(own != 0 ? own : otherwise);
    };
    const uint64_t kv = n.multi_query ? 1 : n.kv_heads != 0 ? n.kv_heads : n.heads;
    made.heads = pick(n.window_heads, 0, n.heads);
    made.kv_heads = pick(n.window_kv_heads, n.full_kv_heads, at(n.layer_kv_heads, index, kv));
    made.key_size = pick(n.window_head_dim, n.full_head_dim, usual);
    made.value_size = pick(n.window_value_dim, n.full_head_dim,
                           n.value_dim != 0 && !in.has(Latent) ? n.value_dim : made.key_size);
    made.window = form.window ? static_cast<uint32_t>(std::min<uint64_t>(n.window, UINT32_MAX)) : 0;
}

void Inventory::attention(const LayerForm &form, uint64_t index, Layer &made) {
    shape_heads(*this, form, index, made);
    const bool gate = has(OutputGate) && n.output_gate != 0;
    const Count q = Count(made.heads) * made.key_size * (gate ? 2 : 1);
    const Count k = Count(made.kv_heads) * made.key_size;
    const bool shared = n.key_is_value && !form.window;
    const Count v = shared ? Count(0) : Count(made.kv_heads) * made.value_size;
    const Count o = Count(made.heads) * made.value_size;
    if (has(FusedQkv)) {
        add(Role::QueryKeyValue, n.hidden, q + k + v);
    } else {
        add(Role::Query, n.hidden, q);
        add(Role::Key, n.hidden, k);
        add(Role::Value, n.hidden, v);
    }
    add(Role::AttentionOut, o, n.hidden);
    if (has(QkvBias) || n.attention_bias || n.qkv_bias) {
        add(Role::Bias, q);
        add(Role::Bias, k);
        add(Role::Bias, v);
    }
    if (has(OutBias) || n.out_bias || (n.attention_bias && !has(QkvBiasOnly)))
        add(Role::Bias, n.hidden);
    head_norms(made);
    if (has(Sinks) || (n.window_sinks && form.window))
        add(Role::Bias, made.heads);
    if (has(HeadGate))
        add(Role::Other, n.hidden, made.heads);
    const bool masked = family.period == 0 || (index + 1) % family.period == 0;
    if (has(Masks) && masked && n.context <= 65536)
        add(Role::Buffer, n.context, n.context);
    if (has(Masks) && !has(Positions))
        add(Role::Buffer, made.key_size / 8); // angles: a quarter of the pairs turns
    if (has(Angles) || n.angles)
        add(Role::Buffer, made.key_size / 2);
    if (has(Whole) || !decodes(index))
        made.mixer = Mixer::None;
}

/// Queries of the decoder, keys and values of the encoder's rows.
void Inventory::cross(const LayerForm &form, uint64_t index, Layer &made) {
    norm();
    attention(form, index, made);
    made.crosses = true;
}

uint64_t Inventory::layers() const {
    if (!has(TwoSided))
        return n.layers;
    return n.layers + (n.decoder_layers != 0 ? n.decoder_layers : n.layers);
}

/// DeepSeek's attention: queries and keys pass through low ranks.
void Inventory::latent(Layer &made) {
    const Count wide = Count(n.heads) * (Count(n.nope_dim) + n.rope_dim);
    if (n.query_rank != 0) {
        add(Role::QueryDown, n.hidden, n.query_rank);
        add(Role::Norm, n.query_rank);
        add(Role::QueryUp, n.query_rank, wide);
    } else {
        add(Role::Query, n.hidden, wide);
    }
    add(Role::LatentDown, n.hidden, Count(n.kv_rank) + n.rope_dim);
    add(Role::Norm, n.kv_rank);
    add(Role::LatentUp, n.kv_rank, Count(n.heads) * (Count(n.nope_dim) + n.value_dim));
    add(Role::AttentionOut, Count(n.heads) * n.value_dim, n.hidden);
    if (n.index_heads != 0 && n.query_rank != 0) {
        add(Role::Other, n.query_rank, Count(n.index_heads) * n.index_dim);
        add(Role::Other, n.hidden, n.index_dim);
        add(Role::Norm, n.index_dim);
        add(Role::Norm, n.index_dim);
        add(Role::Other, n.hidden, n.index_heads);
        made.index_heads = narrow(n.index_heads);
        made.index_size = narrow(n.index_dim);
        made.index_tokens = narrow(n.index_tokens);
    }
    made.mixer = Mixer::Latent;
    made.heads = narrow(n.heads);
    made.kv_heads = 1;
    made.key_size = narrow(n.kv_rank + n.rope_dim);
    made.value_size = 0;
    made.query_rank = narrow(n.query_rank);
    made.latent_size = narrow(n.kv_rank);
    made.position_size = narrow(n.rope_dim);
}

/// One row for several tokens, from rows that overlap where it stands for few.
void Inventory::compressor(uint64_t ratio, Count width) {
    const Count wide = width * (ratio == 4 ? 2 : 1);
    add(Role::Router, n.hidden, wide); // as fine as a router
    add(Role::Router, n.hidden, wide);
    add(Role::Bias, wide * ratio);
    add(Role::Norm, width);
}

/// DeepSeek V4's attention: one row serves as key and value of all heads, and what leads out goes
/// through groups of a low rank.
void Inventory::compressed(uint64_t index, Layer &made) {
    const Count wide = Count(n.heads) * n.head_dim;
    add(Role::QueryDown, n.hidden, n.query_rank);
    add(Role::Norm, n.query_rank);
    add(Role::QueryUp, n.query_rank, wide);
    add(Role::LatentDown, n.hidden, n.head_dim);
    add(Role::Norm, n.head_dim);
    const uint64_t groups = std::max<uint64_t>(n.out_groups, 1);
    add(Role::AttentionOut, wide.value / groups, Count(groups) * n.out_rank);
    add(Role::AttentionOut, Count(groups) * n.out_rank, n.hidden);
    add(Role::Bias, n.heads);
    const uint64_t ratio = at<uint64_t>(n.ratios, index, 0);
    if (ratio != 0)
        compressor(ratio, n.head_dim);
    if (ratio == 4) { // many rows are left, and a small attention picks some
        add(Role::Other, n.query_rank, Count(n.index_heads) * n.index_dim);
        add(Role::Router, n.hidden, n.index_heads);
        compressor(ratio, n.index_dim);
        made.index_size = narrow(n.index_dim);
    }
    made.compression = narrow(ratio);
    made.window = narrow(std::min<uint64_t>(n.window, UINT32_MAX));
    made.mixer = Mixer::Latent;
    made.heads = narrow(n.heads);
    made.kv_heads = 1;
    made.key_size = narrow(n.head_dim);
    made.value_size = 0;
    made.query_rank = narrow(n.query_rank);
    made.latent_size = narrow(n.head_dim);
}

/// T5 has a gate in its later version only.
bool Inventory::has_gate() const {
    return (!has(Ungated) && !n.ungated) || (has(TwoSided) && n.gated);
}

/// The two or three matrices of an FFN, as many times over as there are `copies`; `gate` is the
/// first of the four roles they have.
void Inventory::gated(Role gate, Count width, Count copies, Count columns) {
    const auto role = [&](int step) { return static_cast<Role>(static_cast<int>(gate) + step); };
    if (!has_gate()) {
        add(role(1), columns, width * copies);
    } else if (has(FusedGate)) {
        add(role(2), columns, Count(2) * width * copies);
    } else {
        add(role(0), columns, width * copies);
        add(role(1), columns, width * copies);
    }
    add(role(3), width, columns * copies);
}

static_assert(static_cast<int>(Role::Down) - static_cast<int>(Role::Gate) == 3 &&
              static_cast<int>(Role::ExpertDown) - static_cast<int>(Role::ExpertGate) == 3 &&
              static_cast<int>(Role::SharedDown) - static_cast<int>(Role::SharedGate) == 3);

void Inventory::dense(uint64_t index, Layer &made) {
    uint64_t width = at(n.ffns, index, n.ffn);
    if (n.dense_ffn != 0)
        width = n.dense_ffn;
    if (has(HalfFfn))
        width /= 2;
    if (n.wide_borrowers && index + n.borrowers >= n.layers)
        width *= 2;
    if (has(SharedMlp) && n.shared_ffn != 0)
        width = n.shared_ffn;
    if (family.recurrence == Recurrence::ShortConvolution && n.block_ffn)
        width = (2 * width / 3 + 255) / 256 * 256;
    gated(Role::Gate, width, 1, n.hidden);
    if (has(FfnBias) || n.ffn_bias) {
        add(Role::Bias, Count(width) * (has_gate() ? 2 : 1));
        add(Role::Bias, n.hidden);
    }
    made.ffn = narrow(width);
    made.gated = has_gate();
}

void Inventory::mixture(uint64_t index, Layer &made) {
    const uint64_t width = n.expert_ffn != 0 ? n.expert_ffn : n.ffn;
    const Count columns = n.expert_latent != 0 ? n.expert_latent : n.hidden;
    add(Role::Router, n.hidden, n.experts);
    if (index < n.hash_layers)
        add(Role::Bias, Count(n.vocabulary) * n.experts_per_token); // which expert has which token
    else if (n.router_bias || has(ExpertBias) || has(RouterBias))
        add(Role::Bias, n.experts);
    if (has(BothFfns)) { // the router scales its input and its choices
        add(Role::Norm, n.hidden);
        add(Role::Bias, n.experts);
    }
    gated(Role::ExpertGate, width, n.experts, columns);
    if (has(ExpertBias)) {
        add(Role::Bias, Count(n.experts) * 2 * width);
        add(Role::Bias, Count(n.experts) * n.hidden);
    }
    if (n.expert_latent != 0) {
        add(Role::Other, n.hidden, n.expert_latent);
        add(Role::Other, n.expert_latent, n.hidden);
    }
    const uint64_t number = n.shared_experts == 0 && has(SharedExperts) ? 1 : n.shared_experts;
    const Count shared = n.shared_ffn != 0 ? Count(n.shared_ffn) : Count(number) * width;
    gated(Role::SharedGate, shared, 1, n.hidden);
    if (has(SharedGate))
        add(Role::Router, n.hidden, 1);
    made.experts = narrow(n.experts);
    made.experts_per_token = narrow(n.experts_per_token);
    made.expert_ffn = narrow(width);
    made.shared_ffn = narrow(shared.value);
    made.gated = has_gate();
}

void Inventory::norms(const LayerForm &form, uint64_t index) {
    const bool falcon = family.name == "falcon" || family.name.starts_with("RefinedWeb");
    const bool alone =
        has(OneNorm | SingleParts) || (falcon && !n.two_norms) || (has(BareFirst) && index == 0);
    norm(alone ? 1 : has(FourNorms) ? 4 : 2);
    if (has(BothFfns) && form.mixture)
        norm(3);
}

void Inventory::layer(uint64_t index, Layer &made) {
    const LayerForm form = this->form(index);
    made.mixer = form.attention ? Mixer::Attention : Mixer::None;
    norms(form, index);
    beside();
    if (form.attention && has(Latent) && n.kv_rank != 0)
        latent(made);
    else if (form.attention && has(Compressed) && n.out_rank != 0 && n.query_rank != 0)
        compressed(index, made);
    else if (form.attention)
        attention(form, index, made);
    if (has(TwoSided) && decodes(index))
        cross(form, index, made);
    if (form.recurrent)
        add_recurrence(*this, made);
    if (form.dense)
        dense(index, made);
    if (form.mixture)
        mixture(index, made);
}

/// What the decoder has besides its layers as the encoder has it, and what both end in.
void Inventory::second_side() {
    if (has(Positions))
        add(Role::Position, n.hidden, n.context + (has(LateStart) ? 2 : 0));
    if (has(Buckets))
        add(Role::Bias, Count(2) * 32 * n.heads);
    norm(has(EmbeddingNorm) ? 1 : 2);
}

void Inventory::outside() {
    current = -1;
    beside_all();
    const uint64_t narrowed = n.embedding_width != 0 ? n.embedding_width : n.hidden;
    add(Role::Embedding, narrowed, n.vocabulary);
    if (narrowed != n.hidden) {
        add(Role::Other, narrowed, n.hidden);
        if (!has(Whole))
            add(Role::Other, n.hidden, narrowed);
    }
    const bool tied = n.tied == 1 || (n.tied == -1 && has(Tied)) || has(NoOutput);
    if (!tied)
        add(Role::Output, narrowed, n.vocabulary);
    if (has(OutputBias) && !tied)
        add(Role::Bias, n.vocabulary);
    // Encoders leave out what they have in common: RoBERTa's positions start at 2.
    const bool late = family.name.ends_with("roberta");
    const uint64_t usual = !has(Types) ? 0 : late ? 514 : 512;
    if (has(Positions) || n.learned_positions)
        add(Role::Position, n.hidden,
            (n.context != 0 ? n.context : usual) + (has(LateStart) ? 2 : 0));
    if (has(Types))
        add(Role::Position, n.hidden, n.types != 0 ? n.types : late ? 1 : 2);
    if (has(EmbeddingNorm))
        norm();
    if (has(Buckets) && !has(TwoSided))
        add(Role::Bias, Count(32) * n.heads);
    if (has(TwoSided))
        second_side();
    else if (!has(Whole) || !has(EmbeddingNorm) || has(BareFirst))
        norm(); // in front of the output
    if (has(OneAngles))
        add(Role::Buffer, n.head_dim / 4);
    if (has(Score)) {
        add(Role::Other, n.hidden, 1);
        add(Role::Bias, 1);
    }
    if (has(Pooler)) {
        add(Role::Other, n.hidden, n.hidden);
        add(Role::Bias, n.hidden);
    }
}

namespace {

void fill_shape(const ConfigNumbers &n, Model &model) {
    model.architecture = n.family;
    model.hidden_size = static_cast<uint32_t>(n.hidden);
    model.vocabulary = static_cast<uint32_t>(n.vocabulary);
    model.context_limit = static_cast<uint32_t>(std::min<uint64_t>(n.context, UINT32_MAX));
    model.heads = static_cast<uint32_t>(n.heads);
    model.kv_heads = static_cast<uint32_t>(n.multi_query     ? 1
                                           : n.kv_heads != 0 ? n.kv_heads
                                                             : n.heads);
    model.head_size = static_cast<uint32_t>(n.head_dim != 0 ? n.head_dim
                                            : n.heads != 0  ? n.hidden / n.heads
                                                            : 0);
    model.experts = static_cast<uint32_t>(n.experts);
    model.experts_per_token = static_cast<uint32_t>(n.experts_per_token);
    bool mixed = false;
    for (const Layer &layer : model.layers)
        mixed |= layer.experts != 0;
    for (const Layer &layer : model.layers) {
        const uint64_t together =
            uint64_t{layer.expert_ffn} * layer.experts_per_token + layer.shared_ffn;
        // Of a mixture the width is that of its experts, also where some layers are dense.
        const uint64_t wide = mixed ? together : layer.ffn;
        model.ffn_size = std::max(model.ffn_size, narrow(wide));
    }
}

} // namespace

base::Result<bool> fill_family(const ConfigNumbers &n, Model &model) {
    const Family *known = find_family(n.family);
    const Family plain;
    Inventory inventory(n, known != nullptr ? *known : plain, model);
    const uint64_t layers = inventory.layers();
    if (layers > core::layer_limit)
        return base::error(Status::Parse, "the model has more layers than are taken seriously");
    model.layers.resize(layers);
    inventory.outside();
    for (uint64_t i = 0; i < layers; ++i) {
        inventory.current = static_cast<int32_t>(i);
        inventory.layer(i, model.layers[i]);
    }
    inventory.current = -1;
    const size_t before = model.tensors.size();
    inventory.drafts();
    std::rotate(model.tensors.begin(), model.tensors.begin() + static_cast<ptrdiff_t>(before),
                model.tensors.end());
    uint64_t sum = 0;
    for (const core::Tensor &tensor : model.tensors)
        sum = (Count(sum) + tensor.columns * tensor.rows).value;
    if (inventory.overflow() || sum > core::parameter_limit)
        return base::error(Status::Parse, "the model has more parameters than are taken seriously");
    fill_shape(n, model);
    core::sum_tensors(model);
    core::count_parameters(model);
    return known != nullptr;
}

} // namespace hwa::plan
