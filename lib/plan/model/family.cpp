// SPDX-License-Identifier: MIT
// Tensors of each family of decoders, after their modelling code in Hugging Face transformers.
#include "plan/model/family.h"

#include <algorithm>
#include <string_view>

namespace hwa::plan {

using base::Status;
using core::Layer;
using core::Model;
using core::Weights;

namespace {

/// What sets a family apart from Llama, whose layers have no biases, gated FFNs and two norms.
enum Trait : uint32_t {
    QkvBias = 1 << 0,
    OutBias = 1 << 1,
    FfnBias = 1 << 2,
    NormBias = 1 << 3,
    Ungated = 1 << 4,   ///< two FFN matrices, not three
    OneNorm = 1 << 5,   ///< attention and FFN side by side behind one norm
    FourNorms = 1 << 6, ///< before and after each half
    HeadNorm = 1 << 7,  ///< of queries and keys, shared by the heads
    WideNorm = 1 << 8,  ///< the same over all heads
    Tied = 1 << 9,      ///< embedding and output are one unless the file says otherwise
    Positions = 1 << 10,
    LateStart = 1 << 11, ///< two positions more than the context
    OutputBias = 1 << 12,
    EmbeddingNorm = 1 << 13,
    Latent = 1 << 14,     ///< multi-head latent attention
    SharedGate = 1 << 15, ///< the shared expert is weighted
    ExpertBias = 1 << 16,
    Sinks = 1 << 17,   ///< one number for each query head
    HalfFfn = 1 << 18, ///< the width stated is that of both gate and up together
    Gpt = QkvBias | OutBias | FfnBias | NormBias | Ungated,
};

struct Family {
    std::string_view name;
    uint32_t traits;
};

constexpr Family families[] = {
    {"bloom", Gpt | Tied | EmbeddingNorm},
    {"deepseek_v2", Latent},
    {"deepseek_v3", Latent},
    {"falcon", Ungated | NormBias},
    {"RefinedWeb", Ungated | NormBias},
    {"RefinedWebModel", Ungated | NormBias},
    {"gemma", Tied},
    {"gemma2", Tied | FourNorms},
    {"gemma3", Tied | FourNorms | HeadNorm},
    {"gemma3_text", Tied | FourNorms | HeadNorm},
    {"gpt2", Gpt | Tied | Positions},
    {"gpt_neox", Gpt},
    {"gpt_oss", QkvBias | OutBias | ExpertBias | Sinks},
    {"granite", 0},
    {"internlm2", 0},
    {"kimi_k2", Latent},
    {"llama", 0},
    {"minicpm", 0},
    {"minimax_m2", WideNorm},
    {"ministral", 0},
    {"mistral", 0},
    {"mixtral", 0},
    {"mpt", Ungated | Tied},
    {"olmoe", WideNorm},
    {"opt", Gpt | Tied | Positions | LateStart},
    {"phi", Gpt | OneNorm | OutputBias},
    {"phi3", 0},
    {"qwen", QkvBias | HalfFfn},
    {"qwen2", QkvBias},
    {"qwen2_moe", QkvBias | SharedGate},
    {"qwen3", HeadNorm},
    {"qwen3_moe", HeadNorm},
};

/// A count that sticks at its highest value in place of wrapping around.
struct Count {
    uint64_t value = 0;

    Count() = default;
    Count(uint64_t given) : value(given) {}
    friend Count operator+(Count a, Count b) {
        uint64_t sum = 0;
        return __builtin_add_overflow(a.value, b.value, &sum) ? UINT64_MAX : sum;
    }
    friend Count operator*(Count a, Count b) {
        uint64_t product = 0;
        return __builtin_mul_overflow(a.value, b.value, &product) ? UINT64_MAX : product;
    }
};

/// Counts of one part of a model.
struct Parts {
    Count matrix, expert, plain;

    Parts &operator+=(const Parts &more) {
        matrix = matrix + more.matrix;
        expert = expert + more.expert;
        plain = plain + more.plain;
        return *this;
    }
};

struct Builder {
    const ConfigNumbers &n;
    uint32_t traits;
    uint64_t head_dim;
    uint64_t kv_heads;

    bool has(uint32_t trait) const { return (traits & trait) != 0; }
    Count d() const { return n.hidden; }
    Count norm() const { return d() * (has(NormBias) ? 2 : 1); }

    Parts attention() const;
    Parts latent() const;
    Parts norms() const;
    Parts ffn(Count width) const;
    Parts mixture() const;
    Parts layer(uint64_t index) const;
    bool is_mixture(uint64_t index) const {
        return n.experts != 0 && index >= n.dense_layers &&
               (index + 1) % std::max<uint64_t>(n.expert_step, 1) == 0;
    }
};

Parts Builder::attention() const {
    const Count q = Count(n.heads) * head_dim;
    const Count kv = Count(kv_heads) * head_dim;
    Parts made;
    made.matrix = d() * q + Count(2) * d() * kv + q * d();
    if (has(QkvBias) || n.attention_bias)
        made.plain = made.plain + q + kv + kv;
    if (has(OutBias) || n.attention_bias)
        made.plain = made.plain + d();
    if (has(HeadNorm))
        made.plain = made.plain + Count(2) * head_dim;
    if (has(WideNorm))
        made.plain = made.plain + q + kv;
    if (has(Sinks))
        made.plain = made.plain + n.heads;
    return made;
}

/// DeepSeek's attention: queries and keys pass through low ranks.
Parts Builder::latent() const {
    const Count wide = Count(n.heads) * (Count(n.nope_dim) + n.rope_dim);
    Parts made;
    made.matrix = n.query_rank != 0 ? d() * n.query_rank + Count(n.query_rank) * wide : d() * wide;
    made.matrix = made.matrix + d() * (Count(n.kv_rank) + n.rope_dim);
    made.matrix = made.matrix + Count(n.kv_rank) * n.heads * (Count(n.nope_dim) + n.value_dim);
    made.matrix = made.matrix + Count(n.heads) * n.value_dim * n.hidden;
    made.plain = Count(n.query_rank) + n.kv_rank;
    return made;
}

Parts Builder::norms() const {
    const uint64_t count = has(FourNorms) ? 4 : has(OneNorm) ? 1 : 2;
    const bool falcon = n.family == "falcon" || n.family.starts_with("RefinedWeb");
    return {{}, {}, norm() * (falcon && !n.two_norms ? 1 : count)};
}

Parts Builder::ffn(Count width) const {
    Parts made;
    made.matrix = d() * width * (has(Ungated) ? 2 : 3);
    if (has(FfnBias) || n.ffn_bias)
        made.plain = width * (has(Ungated) ? 1 : 2) + d();
    return made;
}

Parts Builder::mixture() const {
    const Count width = n.expert_ffn != 0 ? n.expert_ffn : n.ffn;
    Parts made;
    made.expert = Count(n.experts) * 3 * d() * width;
    made.matrix = made.expert;
    made.plain = d() * n.experts;
    if (n.router_bias || has(ExpertBias))
        made.plain = made.plain + n.experts;
    if (has(ExpertBias))
        made.plain = made.plain + Count(n.experts) * (Count(2) * width + d());
    const Count shared = n.shared_ffn != 0 ? Count(n.shared_ffn) : Count(n.shared_experts) * width;
    made += {d() * shared * 3, {}, has(SharedGate) ? d() : Count()};
    return made;
}

Parts Builder::layer(uint64_t index) const {
    Parts made = has(Latent) ? latent() : attention();
    made += norms();
    made += is_mixture(index) ? mixture() : ffn(has(HalfFfn) ? n.ffn / 2 : n.ffn);
    return made;
}

base::Result<Weights> settle(const Parts &parts, const char *what) {
    if ((parts.matrix + parts.plain).value > core::parameter_limit)
        return base::error(Status::Parse, "%s has more parameters than are taken seriously", what);
    return Weights{parts.matrix.value, parts.expert.value, parts.plain.value, 0, 0};
}

void fill_shape(const ConfigNumbers &n, const Builder &builder, Model &model) {
    model.architecture = n.family;
    model.hidden_size = static_cast<uint32_t>(n.hidden);
    const uint64_t expert = n.expert_ffn != 0 ? n.expert_ffn : n.ffn;
    const Count shared = n.shared_ffn != 0 ? Count(n.shared_ffn) : Count(n.shared_experts) * expert;
    const Count together = Count(expert) * n.experts_per_token + shared;
    const uint64_t alone = builder.has(HalfFfn) ? n.ffn / 2 : n.ffn;
    const uint64_t widest = n.experts != 0 ? together.value : alone;
    model.ffn_size = static_cast<uint32_t>(std::min(widest, core::width_limit));
    model.heads = static_cast<uint32_t>(n.heads);
    model.kv_heads = static_cast<uint32_t>(builder.kv_heads);
    model.head_size = static_cast<uint32_t>(builder.head_dim);
    model.vocabulary = static_cast<uint32_t>(n.vocabulary);
    model.context_limit = static_cast<uint32_t>(std::min<uint64_t>(n.context, UINT32_MAX));
    model.experts = static_cast<uint32_t>(n.experts);
    model.experts_per_token = static_cast<uint32_t>(n.experts_per_token);
}

/// Rows of what a layer keeps of a token; a latent one keeps a single row and no value.
void fill_cache(const ConfigNumbers &n, const Builder &builder, Layer &layer) {
    const bool latent = builder.has(Latent) && n.kv_rank != 0;
    layer.kv_heads = latent ? 1 : static_cast<uint32_t>(builder.kv_heads);
    layer.key_size = static_cast<uint32_t>(latent ? n.kv_rank + n.rope_dim : builder.head_dim);
    layer.value_size = latent ? 0 : static_cast<uint32_t>(builder.head_dim);
}

} // namespace

base::Result<bool> fill_family(const ConfigNumbers &n, Model &model) {
    const Family *family = nullptr;
    for (const Family &row : families)
        if (row.name == n.family)
            family = &row;
    const uint64_t head_dim = n.head_dim != 0 ? n.head_dim : n.heads != 0 ? n.hidden / n.heads : 0;
    const uint64_t kv_heads = n.multi_query ? 1 : n.kv_heads != 0 ? n.kv_heads : n.heads;
    const Builder builder{n, family != nullptr ? family->traits : 0, head_dim, kv_heads};
    fill_shape(n, builder, model);

    model.layers.resize(n.layers);
    for (uint64_t i = 0; i < n.layers; ++i) {
        HWA_TRY(model.layers[i].weights, settle(builder.layer(i), "one layer"));
        fill_cache(n, builder, model.layers[i]);
    }
    const Count table = Count(n.vocabulary) * n.hidden;
    HWA_TRY(model.embedding, settle({table, {}, {}}, "the embedding"));
    const bool tied = n.tied == 1 || (n.tied == -1 && builder.has(Tied));
    if (!tied) {
        const Count bias = builder.has(OutputBias) ? n.vocabulary : 0;
        HWA_TRY(model.output, settle({table, {}, bias}, "the output"));
    }
    Count rest = builder.norm(); // in front of the output
    if (builder.has(Positions))
        rest = rest + Count(n.context + (builder.has(LateStart) ? 2 : 0)) * n.hidden;
    if (builder.has(EmbeddingNorm))
        rest = rest + builder.norm();
    HWA_TRY(model.other, settle({{}, {}, rest}, "the norms"));
    core::count_parameters(model);
    if (model.parameters > core::parameter_limit)
        return base::error(Status::Parse, "the model has more parameters than are taken seriously");
    return family != nullptr;
}

} // namespace hwa::plan
