// SPDX-License-Identifier: MIT
// Bytes of weights, cache, activations and runtime; docs/plan.md gives the formulas' sources.
#include "plan/memory/footprint.h"

#include "base/units.h"
#include "plan/memory/training.h"
#include "plan/memory/weights.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using base::Status;
using core::Dtype;
using core::Layer;
using core::Model;

namespace {

/// A sum that remembers if it ever overflowed.
struct Sum {
    uint64_t value = 0;
    bool overflow = false;

    void add(uint64_t more) { overflow |= __builtin_add_overflow(value, more, &value); }
    void add_product(uint64_t a, uint64_t b) {
        uint64_t product = 0;
        overflow |= __builtin_mul_overflow(a, b, &product);
        add(product);
    }
};

/// Share of the routed experts that a batch of tokens wakes, were the router to choose evenly.
double awake_share(const Model &model, uint64_t batch) {
    if (model.experts == 0 || model.experts_per_token == 0)
        return 1;
    const double one = static_cast<double>(model.experts_per_token) / model.experts;
    return 1 - std::pow(1 - one, static_cast<double>(batch));
}

uint64_t awake_bytes(uint64_t bytes, uint64_t expert_bytes, double share) {
    return bytes - expert_bytes + static_cast<uint64_t>(static_cast<double>(expert_bytes) * share);
}

/// Elements of f32 in llama.cpp's compute buffer for one token of a micro-batch, with flash
/// attention: the widest moment of a layer, or the logits.
uint64_t layer_elements(const Model &model, uint64_t context) {
    return 3 * (uint64_t{model.ffn_size} + model.hidden_size) + context / 2 + 6;
}

void size_weights(const Model &model, const Format &format, double awake, Sized &made) {
    made.held = hold(model, format);
    const HeldWeights &held = made.held;
    made.first = held.embedding.bytes;
    made.last = held.output.bytes + held.other.bytes + held.drafts.bytes;
    made.last_tied = model.tied() ? held.embedding.bytes : 0;
    made.last_reads = model.tied() ? held.embedding.bytes : held.output.bytes;
    uint64_t weights = 0, reads = 0;
    for (const Held &layer : held.layers) {
        made.weights.push_back(weights);
        made.reads.push_back(reads);
        weights += layer.bytes; // the parameters are bounded, so that their bytes are too
        reads += awake_bytes(layer.bytes, layer.expert_bytes, awake);
    }
    made.weights.push_back(weights);
    made.reads.push_back(reads);
}

/// Layers with a window keep that and a micro-batch, in whole blocks of 256 cells.
uint64_t tokens_kept(const Layer &layer, uint64_t context) {
    if (layer.window == 0)
        return context;
    return std::min(context, (uint64_t{layer.window} + 512 + 255) / 256 * 256);
}

bool size_cache(const Model &model, const Workload &workload, Sized &made) {
    const core::DtypeRow *row = core::find_dtype(workload.cache_dtype);
    Sum sum;
    for (const Layer &layer : model.layers) {
        made.cache.push_back(sum.value);
        Sum one, tokens; // row of a token in this layer
        one.add_product(layer.kv_heads, uint64_t{layer.key_size} + layer.value_size);
        tokens.add_product(tokens_kept(layer, workload.context_tokens), workload.batch);
        const uint64_t bytes =
            base::divide_up(one.value, row->block_elements) * uint64_t{row->block_bytes};
        sum.add_product(bytes, tokens.value);
        one.add_product(4, layer.state); // in f32
        sum.add_product(4 * layer.state, workload.batch);
        sum.overflow |= one.overflow || tokens.overflow;
    }
    made.cache.push_back(sum.value);
    return !sum.overflow;
}

/// The compute buffer is linear in the tokens of a micro-batch, of which llama.cpp takes 512.
bool size_buffers(const Model &model, const Workload &workload, Sized &made) {
    const auto prompts = base::checked_mul(workload.prompt_tokens, workload.batch);
    const uint64_t micro_batch = std::min<uint64_t>(512, prompts.value_or(512));
    const auto padded = base::checked_add(workload.context_tokens, 255);
    if (!padded)
        return false;
    const uint64_t inner = layer_elements(model, *padded / 256 * 256);
    const uint64_t logits = uint64_t{model.vocabulary} + model.hidden_size;
    Sum buffer, last;
    buffer.add_product(4 * micro_batch, inner);
    last.add_product(4 * micro_batch, std::max(inner, logits));
    made.buffer = buffer.value;
    made.last_buffer = last.value;
    return !buffer.overflow && !last.overflow;
}

} // namespace

Footprint &Footprint::operator+=(const Footprint &more) {
    weights += more.weights;
    gradients += more.gradients;
    optimizer += more.optimizer;
    cache += more.cache;
    activations += more.activations;
    workspace += more.workspace;
    adapters += more.adapters;
    offload += more.offload;
    return *this;
}

// Measured on an RTX 4090 with CUDA (ggml-org/llama.cpp pull 15860: 451 to 456 MiB). Other
// accelerators are taken to need as much; on the CPU there is no driver's context to pay for.
uint64_t runtime_bytes(core::Kind kind) {
    return kind == core::Kind::Cpu ? 0 : 456 * base::MiB;
}

Format own_format(const Model &model) {
    return {model.dtype, true,
            !model.recipe.empty()           ? model.recipe
            : model.dtype != Dtype::Unknown ? core::dtype_name(model.dtype)
                                            : "its own formats",
            nullptr};
}

base::Result<Sized> size_up(const Model &model, const Format &format, const Workload &workload) {
    Sized made;
    made.format = format;
    made.weights.reserve(model.layers.size() + 1);
    made.cache.reserve(model.layers.size() + 1);
    made.reads.reserve(model.layers.size() + 1);
    size_weights(model, format, awake_share(model, workload.batch), made);
    // Sums stay below 2^62, so that adding any four of them cannot wrap.
    constexpr uint64_t bound = uint64_t{1} << 60;
    const bool fits = size_cache(model, workload, made) && size_buffers(model, workload, made) &&
                      made.cache.back() < bound && made.last_buffer < bound &&
                      made.weight_bytes() < bound;
    if (!fits)
        return base::error(Status::Invalid,
                           "overflow: the bytes of %llu sequences of %llu tokens go beyond 64 bits",
                           static_cast<unsigned long long>(workload.batch),
                           static_cast<unsigned long long>(workload.context_tokens));
    if (model.parameters != 0)
        made.bits =
            8.0 * static_cast<double>(made.weight_bytes()) / static_cast<double>(model.parameters);
    return made;
}

Footprint footprint_of(const Sized &sized, uint64_t from, uint64_t count, core::Kind kind) {
    const bool is_first = from == 0;
    const bool is_last = from + count == sized.layers();
    Footprint made;
    made.weights = sized.weights[from + count] - sized.weights[from];
    made.weights += (is_first ? sized.first : 0) + (is_last ? sized.last : 0);
    made.weights += is_last && !is_first ? sized.last_tied : 0;
    made.cache = sized.cache[from + count] - sized.cache[from];
    made.activations = is_last ? sized.last_buffer : sized.buffer;
    made.workspace = runtime_bytes(kind);
    return made;
}

base::Result<Footprint> footprint(const Model &model, const Workload &given) {
    HWA_TRY(const Workload workload, settle(given));
    HWA_TRY(const Format format, format_of(model, workload));
    if (workload.trains())
        return training_footprint(model, format, workload);
    HWA_TRY(const Sized sized, size_up(model, format, workload));
    return footprint_of(sized, 0, sized.layers(), core::Kind::Unknown);
}

} // namespace hwa::plan
