// SPDX-License-Identifier: MIT
// Activations: what training keeps from the forward pass until the backward pass has used it.
#include "plan/memory/activations.h"

#include "plan/memory/parameters.h"
#include "plan/memory/recipe.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using core::Layer;
using core::Mixer;
using core::Model;

namespace {

/// Widths of what a layer makes of each token, those not stated taken from the model.
struct Widths {
    double hidden, heads, query, key, value, attended, dense, routed, experts;
    double matrices; ///< of an FFN: kept outputs of each
    double outputs;  ///< of all matrices together, where no closer shape is known
};

Widths widths_of(const Model &model, const Layer &layer) {
    Widths made{};
    const double heads = layer.heads != 0 ? layer.heads : model.heads;
    const double head = model.head_size;
    made.hidden = model.hidden_size;
    made.heads = heads;
    made.matrices = layer.gated ? 3 : 2;
    if (layer.mixer == Mixer::Latent || (layer.value_size == 0 && layer.key_size != 0)) {
        // The compressed rows, before and behind their norms, and whole keys and values.
        const double wide = head + layer.position_size;
        made.query = heads * wide + 2 * double(layer.query_rank);
        made.key = heads * wide + 2 * (double(layer.latent_size) + layer.position_size);
        made.value = heads * head;
        made.attended = heads * head;
    } else {
        const double key = layer.key_size != 0 ? layer.key_size : head;
        const double value = layer.value_size != 0 ? layer.value_size : head;
        const double kv = layer.kv_heads != 0 ? layer.kv_heads : model.kv_heads;
        made.query = heads * key;
        made.key = kv * key;
        made.value = kv * value;
        made.attended = heads * value;
    }
    const bool mixture = layer.weights.expert != 0 || layer.experts != 0;
    made.experts = mixture ? std::max(1U, model.experts_per_token) : 0;
    if (mixture && layer.expert_ffn != 0) {
        made.routed = made.experts * layer.expert_ffn;
        made.dense = layer.shared_ffn;
    } else if (mixture) {
        made.routed = model.ffn_size;
    } else {
        made.dense = layer.ffn != 0 ? layer.ffn : model.ffn_size;
    }
    made.outputs = static_cast<double>(layer.weights.matrix) / std::max(1.0, made.hidden);
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

bool is_on(const Choice<bool> &choice, bool otherwise) {
    return choice.value_or(otherwise);
}

/// Megatron drops out by default; models published since seldom do.
bool drops(const Case &one, const Choice<bool> &choice) {
    return is_on(choice, one.run.engine.value_or(Engine::Any) == Engine::Megatron);
}

/// Runs of the Transformer Engine with its own choice of attention keep the output once more,
/// except on NVIDIA's Hopper, where cuDNN's is chosen.
bool keeps_output_twice(const Case &one, const Slice &slice) {
    if (one.run.engine.value_or(Engine::Any) != Engine::Megatron || one.run.flash_attention)
        return false;
    const core::Attr *attr =
        slice.device != nullptr ? slice.device->find_attr("cuda.compute_capability") : nullptr;
    return attr != nullptr && !attr->s.starts_with("9.");
}

class Counter {
  public:
    Counter(const Case &one, const Slice &slice)
        : one_(one), slice_(slice), by_(one.run), element_(recipe_of(one).element),
          tokens_(sequence() * static_cast<double>(one.workload.micro_batch) / by_.context),
          spread_(is_on(one.run.sequence_parallel, false) ? by_.tensor : 1) {}

    double sequence() const { return static_cast<double>(one_.workload.sequence_tokens); }
    double tokens() const { return tokens_; }
    /// Of one copy of the hidden state.
    double row() const { return tokens_ * element_ * one_.model->hidden_size / spread_; }
    double scores(const Widths &w) const;
    double layer(const Widths &w) const;
    double logits() const;

  private:
    double attention(const Widths &w) const;
    double ffn(const Widths &w) const;

    const Case &one_;
    const Slice &slice_;
    Degrees by_;
    double element_;
    double tokens_;
    double spread_; ///< devices that share the rows outside of tensor parallelism
};

/// The matrix of scores where attention is not fused: softmax, dropout's mask and its output.
double Counter::scores(const Widths &w) const {
    if (is_on(one_.run.flash_attention, true))
        return 0;
    const double each = drops(one_, one_.run.attention_dropout) ? 2 * element_ + 1 : element_;
    return tokens_ * w.heads * sequence() * each / by_.tensor;
}

double Counter::attention(const Widths &w) const {
    const double twice = keeps_output_twice(one_, slice_) ? 1 : 0;
    const double rows = w.query + w.key + w.value + w.attended * (1 + twice);
    const double statistics = 4 * w.heads;
    return tokens_ * (element_ * rows + statistics) / by_.tensor + scores(w);
}

/// Tokens sent to experts are kept as sent, as received, and both again on the way back.
double Counter::ffn(const Widths &w) const {
    const double inner = w.matrices * (w.dense + w.routed);
    const double sent = 5 * w.experts * w.hidden;
    return tokens_ * element_ * (inner + sent) / by_.tensor;
}

/// Two norms keep their input and their output; each dropout a byte of mask.
double Counter::layer(const Widths &w) const {
    const double masks = drops(one_, one_.run.hidden_dropout) ? 2 / element_ : 0;
    return row() * (4 + masks) + attention(w) + ffn(w);
}

double Counter::logits() const {
    if (!slice_.output)
        return 0;
    const double rows = tokens_ * vocabulary_rows(one_);
    const double chunks = std::max(1U, one_.run.loss_chunks.value_or(1));
    const double wide = is_on(one_.run.fused_loss, false) ? 0 : 4;
    return rows * (element_ + wide) / chunks;
}

} // namespace

Activations activations_of(const Case &one, const Slice &slice) {
    const Counter counter(one, slice);
    Recompute recompute = one.workload.recompute;
    Activations made;
    double widest = 0, scores = 0;
    for (uint64_t i = 0; i < slice.layer_count; ++i) {
        const Widths w = widths_of(*one.model, one.model->layers[slice.first_layer + i]);
        const double whole = counter.layer(w);
        widest = std::max(widest, whole);
        scores = std::max(scores, counter.scores(w));
        made.kept += recompute == Recompute::Full        ? counter.row()
                     : recompute == Recompute::Selective ? whole - counter.scores(w)
                                                         : whole;
    }
    made.kept *= under_way(one, slice);
    made.layer = recompute == Recompute::Full        ? widest
                 : recompute == Recompute::Selective ? scores
                                                     : 0;
    made.logits = counter.logits();
    // The last norm's input and output, and the gradient that comes back.
    made.between = slice.output ? 4 * counter.row() : 0;
    return made;
}

} // namespace hwa::plan
