// SPDX-License-Identifier: MIT
// Activations: what training keeps from the forward pass until the backward pass has used it.
#include "plan/memory/activations.h"

#include "plan/memory/adapters.h"
#include "plan/memory/parameters.h"
#include "plan/memory/recipe.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using core::Layer;
using core::Mixer;
using core::Model;
using core::Role;
using core::Tensor;

namespace {

/// Widths of what a layer makes of each token, those not stated taken from the model.
struct Widths {
    double hidden = 0, heads = 0, query = 0, key = 0, value = 0, attended = 0;
    double ffn = 0;     ///< dense, shared and routed of one token together
    double experts = 0; ///< a token is sent to
    bool gated = true;
};

double or_else(uint32_t stated, uint32_t otherwise) {
    return stated != 0 ? stated : otherwise;
}

/// Rows of the first tensor of that role, or its columns.
double width_of(const Model &model, Role role, uint64_t Tensor::*side) {
    for (const Tensor &tensor : model.tensors)
        if (tensor.role == role)
            return static_cast<double>(tensor.*side);
    return 0;
}

/// Latent attention: the compressed rows before and behind their norms, and whole keys and values.
void add_latent(const Model &model, const Layer &layer, Widths &made) {
    const double position = layer.position_size;
    made.attended = made.value = width_of(model, Role::AttentionOut, &Tensor::columns);
    const double plain = width_of(model, Role::LatentUp, &Tensor::rows) - made.value;
    made.query = made.key = plain + made.heads * position;
    made.query += 2 * double(layer.query_rank);
    made.key += 2 * double(layer.latent_size) + position;
}

/// Recurrent layers keep what their matrices make, and about as much inside.
void add_recurrence(const Model &model, const Layer &layer, Widths &made) {
    const auto outputs =
        static_cast<double>(layer.weights.matrix) / std::max(1U, model.hidden_size);
    made.query = 2 * std::max(0.0, outputs - made.ffn * (made.gated ? 3 : 2));
}

Widths widths_of(const Model &model, const Layer &layer) {
    Widths made;
    made.hidden = model.hidden_size;
    made.heads = or_else(layer.heads, model.heads);
    made.gated = layer.gated;
    const bool mixture = layer.weights.expert != 0 || layer.experts != 0;
    made.experts =
        mixture ? std::max(1.0, or_else(layer.experts_per_token, model.experts_per_token)) : 0;
    const bool stated =
        layer.heads != 0 || layer.ffn != 0 || layer.expert_ffn != 0 || layer.mixer == Mixer::None;
    made.ffn = stated
                   ? double(layer.ffn) + double(layer.shared_ffn) + made.experts * layer.expert_ffn
               : layer.mixer == Mixer::Recurrent ? 0
                                                 : model.ffn_size;
    if (layer.mixer == Mixer::Latent) {
        add_latent(model, layer, made);
    } else if (layer.mixer == Mixer::Recurrent) {
        add_recurrence(model, layer, made);
    } else if (layer.attends()) {
        const double kv = or_else(layer.kv_heads, model.kv_heads);
        made.query = made.heads * or_else(layer.key_size, model.head_size);
        made.key = kv * or_else(layer.key_size, model.head_size);
        made.value = kv * or_else(layer.value_size, model.head_size);
        made.attended = made.heads * or_else(layer.value_size, model.head_size);
    }
    return made;
}

/// Micro-batches that a stage has begun and not ended, in layers of this stage: 1F1B, or
/// interleaved as in Megatron.
double under_way(const Case &one, const Slice &slice) {
    const Degrees by(one.run);
    const double stage = slice.stage;
    const double turns = std::max(1U, one.run.virtual_stages.value_or(1));
    double all = by.pipeline * turns;
    if (one.run.global_batch)
        all = turns * static_cast<double>(*one.run.global_batch) /
              (static_cast<double>(one.workload.micro_batch) * by.data);
    if (by.pipeline == 1)
        return 1;
    const double ahead = turns > 1 ? (by.pipeline - stage - 1) * 2 + (turns - 1) * by.pipeline + 1
                                   : by.pipeline - stage;
    return std::max(1.0, std::min(ahead, all)) / turns;
}

Engine engine_of(const Case &one) {
    return one.run.engine.value_or(Engine::Any);
}

bool is_on(const Choice<bool> &choice, bool otherwise) {
    return choice.value_or(otherwise);
}

/// Megatron drops out by default; models published since seldom do.
bool drops(const Case &one, const Choice<bool> &choice) {
    return is_on(choice, engine_of(one) == Engine::Megatron);
}

/// Runs of the Transformer Engine with its own choice of attention keep the output once more,
/// except on NVIDIA's Hopper, where cuDNN's is chosen.
bool keeps_output_twice(const Case &one, const Slice &slice) {
    if (engine_of(one) != Engine::Megatron || one.run.flash_attention)
        return false;
    const core::Attr *attr =
        slice.device != nullptr ? slice.device->find_attr("cuda.compute_capability") : nullptr;
    return attr != nullptr && !attr->s.starts_with("9.");
}

/// What kernels keep of a layer. Fused ones keep what they are given and what they make; layer by
/// layer, norms of f32 and each step of a gate are kept besides. Weights that are frozen need none
/// of their inputs, unless they are packed.
struct Keeps {
    double norm_inputs = 2, norm_outputs = 2; ///< rows, of two norms together
    double masks = 0;                         ///< bytes of dropouts
    double gated = 3, plain = 2;              ///< rows as wide as the FFN

    Keeps(const Case &one, bool is_gated) {
        const bool spelled =
            engine_of(one) == Engine::Torch || engine_of(one) == Engine::Transformers;
        const bool fused = !spelled || is_on(one.run.compiled, false);
        if (!fused && is_gated) { // the norms of gated models are RMSNorm, spelled out in f32
            norm_inputs = 4;
            gated = 4;
        }
        masks = drops(one, one.run.hidden_dropout) ? 2 : 0;
        const bool packed = one.workload.mode == Mode::TuneQlora;
        // The input of a pair of low rank is kept once more, dropped out, with what comes of it.
        if (packed || one.workload.mode == Mode::TuneLora)
            masks = 9;
        if (has_adapters(one.workload.mode) && !packed && !is_on(one.run.wide_adapters, false)) {
            norm_outputs = 1;
            gated -= 1;
            plain -= 1;
        }
    }
};

/// Bytes of each logit until its gradient is made, by the copies that engines make: as computed, in
/// f32, and for autocast and for the gradient once more.
double logit_bytes(const Case &one, double element) {
    if (is_on(one.run.fused_loss, false))
        return element;
    // All parts are there before the first is compared, in f32 and with its gradient.
    if (const uint32_t parts = one.run.loss_chunks.value_or(1); parts > 1)
        return element + (element + 8) / parts;
    switch (engine_of(one)) {
    case Engine::Torch:
        if (Degrees(one.run).tensor > 1) // each step of the softmax is a tensor of its own
            return element + 16;
        return has_adapters(one.workload.mode) ? element + 4 : element + 8;
    case Engine::Transformers:
        return one.workload.mode == Mode::TuneQlora ? element + 6 : element + 12;
    default:
        return element + 4;
    }
}

class Counter {
  public:
    Counter(const Case &one, const Slice &slice, uint64_t sequence)
        : one_(one), slice_(slice), by_(one.run), element_(recipe_of(one).element),
          sequence_(static_cast<double>(sequence)),
          tokens_(sequence_ * static_cast<double>(one.workload.micro_batch) / by_.context),
          spread_(is_on(one.run.sequence_parallel, false) ? by_.tensor : 1) {}

    /// Of one copy of the hidden state.
    double row() const { return tokens_ * element_ * one_.model->hidden_size / spread_; }
    /// Of this side's queries and so many keys.
    double scores(const Widths &w, double keys) const;
    double scores(const Widths &w) const { return scores(w, sequence_); }
    double layer(const Widths &w) const;
    /// What a layer of the decoder keeps besides, for the rows of the encoder.
    double cross(const Widths &w, const Counter &encoder) const;
    double logits() const;
    /// The last norm's input and output, and the gradient that comes back; rows that ranks share
    /// are gathered for the logits, and so is their gradient.
    double between() const { return row() * (4 + (spread_ > 1 ? 2 * spread_ : 0) + head()); }

  private:
    /// Rows that a head behind the last layer keeps, as BERT's: in and out of its matrix, its
    /// nonlinearity and its norm.
    double head() const { return one_.run.head_parameters.value_or(0) > 0 ? 4 : 0; }
    double attended(const Widths &w) const;
    double ffn(const Widths &w) const;
    double wide(const Widths &w) const;

    const Case &one_;
    const Slice &slice_;
    Degrees by_;
    double element_;
    double sequence_;
    double tokens_;
    double spread_; ///< devices that share the rows outside of tensor parallelism
};

/// The matrix of scores where attention is not fused: softmax, dropout's mask and its output.
double Counter::scores(const Widths &w, double keys) const {
    if (is_on(one_.run.flash_attention, true))
        return 0;
    const double each = drops(one_, one_.run.attention_dropout) ? 2 * element_ + 1 : element_;
    return tokens_ * w.heads * keys * each / by_.tensor;
}

/// Queries, what comes of them, and the statistics of each.
double Counter::attended(const Widths &w) const {
    const double twice = keeps_output_twice(one_, slice_) ? 1 : 0;
    return tokens_ * (element_ * (w.query + w.attended * (1 + twice)) + 4 * w.heads) / by_.tensor;
}

/// Tokens sent to experts are kept as sent, as received, and both again on the way back.
double Counter::ffn(const Widths &w) const {
    const Keeps keeps(one_, w.gated);
    const double inner = (w.gated ? keeps.gated : keeps.plain) * w.ffn;
    const double sent = 5 * w.experts * w.hidden;
    return tokens_ * element_ * (inner + sent) / by_.tensor;
}

/// What each matrix makes, once more, where an adapter stands beside every one.
double Counter::wide(const Widths &w) const {
    if (!has_adapters(one_.workload.mode) || !is_on(one_.run.wide_adapters, false))
        return 0;
    const double made = w.query + w.key + w.value + 2 * w.hidden + (w.gated ? 2 : 1) * w.ffn;
    return tokens_ * element_ * made / by_.tensor;
}

double Counter::layer(const Widths &w) const {
    const Keeps keeps(one_, w.gated);
    return row() * (keeps.norm_inputs + keeps.norm_outputs + keeps.masks / element_) + attended(w) +
           tokens_ * element_ * (w.key + w.value) / by_.tensor + scores(w) + ffn(w) + wide(w);
}

double Counter::cross(const Widths &w, const Counter &encoder) const {
    const Keeps keeps(one_, w.gated);
    const double norm = (keeps.norm_inputs + keeps.norm_outputs + keeps.masks / element_) / 2;
    return row() * norm + attended(w) + scores(w, encoder.sequence_) +
           encoder.tokens_ * element_ * (w.key + w.value) / by_.tensor;
}

double Counter::logits() const {
    if (!slice_.output)
        return 0;
    const double rows = tokens_ * vocabulary_rows(one_);
    const double waiting = element_ * one_.run.deferred_gradients.value_or(0);
    return rows * (logit_bytes(one_, element_) + waiting);
}

/// Of one layer until the backward pass. PyTorch's selective recomputation takes each second
/// product of a matrix; that of Megatron the scores.
double kept_of(const Case &one, double whole, double scores, double row) {
    switch (one.workload.recompute) {
    case Recompute::Full:
        return row;
    case Recompute::Selective:
        return engine_of(one) == Engine::Torch ? (whole + row) / 2 : whole - scores;
    default:
        return whole;
    }
}

} // namespace

Activations activations_of(const Case &one, const Slice &slice) {
    const uint64_t sequence = one.workload.sequence_tokens;
    const Counter encoder(one, slice, sequence);
    const Counter decoder(one, slice, one.run.decoder_tokens.value_or(sequence));
    const Recompute recompute = one.workload.recompute;
    Activations made;
    double widest = 0, most = 0;
    bool crosses = false;
    for (uint64_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = one.model->layers[slice.first_layer + i];
        const Widths w = widths_of(*one.model, layer);
        const Counter &side = layer.crosses ? decoder : encoder;
        double whole = side.layer(w), scores = side.scores(w);
        if (layer.crosses) {
            whole += side.cross(w, encoder);
            scores += side.scores(w, static_cast<double>(sequence));
        }
        crosses |= layer.crosses;
        widest = std::max(widest, whole);
        most = std::max(most, scores);
        made.kept += kept_of(one, whole, scores, side.row());
    }
    const Counter &last = crosses ? decoder : encoder;
    made.kept *= under_way(one, slice);
    made.layer = recompute == Recompute::Full        ? widest
                 : recompute == Recompute::Selective ? most
                                                     : 0;
    made.logits = last.logits();
    made.between = slice.output ? last.between() : 0;
    if (is_on(one.run.offload_activations, false)) {
        // Two are here, one on its way.
        const double here = slice.layer_count > 0 ? 2 * made.kept / slice.layer_count : 0;
        made.host = std::max(0.0, made.kept - here);
        made.kept -= made.host;
    }
    return made;
}

} // namespace hwa::plan
