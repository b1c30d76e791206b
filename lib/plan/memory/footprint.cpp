// SPDX-License-Identifier: MIT
// Bytes of weights, cache, activations and runtime; docs/plan.md gives the formulas' sources.
#include "plan/memory/footprint.h"

#include "plan/memory/training.h"

#include "base/units.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using base::Status;
using core::Dtype;
using core::Layer;
using core::Model;
using core::Weights;

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

/// Elements that share scales, and their bytes.
struct Block {
    uint64_t elements = 1;
    uint64_t bytes = 1;
};

Block block_of(Dtype dtype) {
    const core::DtypeRow *row = core::find_dtype(dtype);
    return {row->block_elements, row->block_bytes};
}

/// What llama.cpp's quantiser takes for rows that are no whole blocks of 256: q5_0 for q4_k, q5_1
/// for q5_k, q8_0 for q6_k, q4_0 for q3_k and q2_k.
Block block_for_rows(Dtype dtype, uint64_t row) {
    const Block block = block_of(dtype);
    if (row == 0 || row % block.elements == 0)
        return block;
    switch (dtype) {
    case Dtype::Q6_K:
        return block_of(Dtype::Q8_0);
    case Dtype::Q5_K:
        return {32, 24};
    case Dtype::Q4_K:
        return {32, 22};
    case Dtype::Q3_K:
    case Dtype::Q2_K:
        return block_of(Dtype::Q4_0);
    default:
        return block;
    }
}

uint64_t packed(uint64_t count, Block block) {
    return base::divide_up(count, block.elements) * block.bytes;
}

/// Formats of the parts of a model, given that of the matrices in its layers.
struct Mix {
    Dtype matrix;
    Dtype plain;
    Dtype embedding;
    Dtype output;
};

/// Packed GGUF formats keep norms in f32 and the output finer, as llama.cpp's quantiser does; the
/// others leave norms, embedding and output in 16 bits, as checkpoints for GPU engines do.
Mix mix_of(Dtype dtype) {
    switch (dtype) {
    case Dtype::F32:
    case Dtype::F16:
    case Dtype::Bf16:
        return {dtype, dtype, dtype, dtype};
    case Dtype::Q8_0:
    case Dtype::Q6_K:
        return {dtype, Dtype::F32, dtype, dtype};
    case Dtype::Q5_K:
    case Dtype::Q4_K:
    case Dtype::Q4_0:
    case Dtype::Q3_K:
    case Dtype::Q2_K:
        return {dtype, Dtype::F32, dtype, Dtype::Q6_K};
    default:
        return {dtype, Dtype::Bf16, Dtype::Bf16, Dtype::Bf16};
    }
}

/// Bytes of parts of a model once converted. Rows are as long as the hidden size, but for the
/// matrix that leads out of a dense FFN.
class Converted {
  public:
    Converted(const Model &model, Dtype dtype) : model_(model), mix_(mix_of(dtype)) {}

    uint64_t table(const Weights &weights, bool is_output) const {
        const Dtype dtype = is_output ? mix_.output : mix_.embedding;
        return packed(weights.matrix, block_for_rows(dtype, model_.hidden_size)) + plain(weights);
    }
    uint64_t layer(const Weights &weights) const {
        const uint64_t down =
            model_.experts != 0
                ? 0
                : std::min(weights.matrix, uint64_t{model_.hidden_size} * model_.ffn_size);
        return packed(weights.matrix - down, block_for_rows(mix_.matrix, model_.hidden_size)) +
               packed(down, block_for_rows(mix_.matrix, model_.ffn_size)) + plain(weights);
    }
    uint64_t experts(const Weights &weights) const {
        return packed(weights.expert, block_for_rows(mix_.matrix, model_.hidden_size));
    }

  private:
    uint64_t plain(const Weights &weights) const {
        return packed(weights.plain, block_of(mix_.plain));
    }

    const Model &model_;
    Mix mix_;
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
    // A published mix that has no name of its own is never converted from.
    const Converted converted(model, format.own ? Dtype::F32 : format.dtype);
    const bool own = format.own;
    // An embedding that serves as output too is kept as finely as one.
    const uint64_t table =
        own ? model.embedding.bytes : converted.table(model.embedding, model.tied());
    const uint64_t output = own ? model.output.bytes : converted.table(model.output, true);
    made.first = table;
    made.last = output + (own ? model.other.bytes : converted.layer(model.other));
    made.last_tied = model.tied() ? table : 0;
    made.last_reads = model.tied() ? table : output;
    uint64_t weights = 0, reads = 0;
    for (const Layer &layer : model.layers) {
        made.weights.push_back(weights);
        made.reads.push_back(reads);
        const Weights &part = layer.weights;
        const uint64_t whole = own ? part.bytes : converted.layer(part);
        const uint64_t experts = own ? part.expert_bytes : converted.experts(part);
        weights += whole; // the parameters are bounded, so that their bytes are too
        reads += awake_bytes(whole, std::min(whole, experts), awake);
    }
    made.weights.push_back(weights);
    made.reads.push_back(reads);
}

bool size_cache(const Model &model, const Workload &workload, Sized &made) {
    const core::DtypeRow *row = core::find_dtype(workload.cache_dtype);
    Sum tokens, sum;
    tokens.add_product(workload.context_tokens, workload.batch);
    for (const Layer &layer : model.layers) {
        made.cache.push_back(sum.value);
        Sum one; // row of a token in this layer
        one.add_product(layer.kv_heads, uint64_t{layer.key_size} + layer.value_size);
        const uint64_t bytes =
            base::divide_up(one.value, row->block_elements) * uint64_t{row->block_bytes};
        sum.add_product(bytes, tokens.value);
        sum.overflow |= one.overflow;
    }
    made.cache.push_back(sum.value);
    return !sum.overflow && !tokens.overflow;
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
                                            : "its own formats"};
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
    Format format = own_format(model);
    if (workload.weight_dtype != Dtype::Unknown && workload.weight_dtype != model.dtype)
        format = {workload.weight_dtype, false, core::dtype_name(workload.weight_dtype)};
    if (workload.trains())
        return training_footprint(model, format, workload);
    HWA_TRY(const Sized sized, size_up(model, format, workload));
    return footprint_of(sized, 0, sized.layers(), core::Kind::Unknown);
}

} // namespace hwa::plan
