// SPDX-License-Identifier: MIT
// config.json of Hugging Face checkpoints to a Model.
#include "plan/model/read.h"

#include "base/json.h"
#include "base/text.h"
#include "os/file.h"
#include "plan/model/family.h"

#include <algorithm>

namespace hwa::plan {

using base::JsonValue;
using base::Status;
using core::Dtype;
using core::Model;
using core::Weights;
using ull = unsigned long long;

namespace {

enum Demand : uint32_t { Optional = 0, Positive = 1, Required = 2 };

/// A number and the names that families give it, first come first served.
struct NumberField {
    uint64_t ConfigNumbers::*field;
    uint64_t limit;
    Demand demand; ///< Positive: may be absent, but not 0
    const char *names[5];
};

constexpr uint64_t width = core::width_limit;
constexpr uint64_t ranks = uint64_t{1} << 20;

constexpr NumberField fields[] = {
    {&ConfigNumbers::layers,
     core::layer_limit,
     Required,
     {"num_hidden_layers", "n_layer", "n_layers", "num_layers"}},
    {&ConfigNumbers::hidden, width, Required, {"hidden_size", "n_embd", "d_model"}},
    {&ConfigNumbers::heads, width, Positive, {"num_attention_heads", "n_head", "n_heads"}},
    {&ConfigNumbers::kv_heads,
     width,
     Positive,
     {"num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num"}},
    {&ConfigNumbers::head_dim, width, Positive, {"head_dim", "kv_channels"}},
    {&ConfigNumbers::ffn,
     width,
     Optional,
     {"intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size"}},
    {&ConfigNumbers::vocabulary, width, Positive, {"padded_vocab_size", "vocab_size"}},
    {&ConfigNumbers::context,
     uint64_t{1} << 40,
     Optional,
     {"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"}},
    {&ConfigNumbers::experts,
     width,
     Optional,
     {"num_local_experts", "n_routed_experts", "num_experts"}},
    {&ConfigNumbers::experts_per_token,
     width,
     Optional,
     {"num_experts_per_tok", "experts_per_token", "moe_topk"}},
    {&ConfigNumbers::expert_ffn, width, Optional, {"moe_intermediate_size"}},
    {&ConfigNumbers::shared_experts, width, Optional, {"n_shared_experts"}},
    {&ConfigNumbers::shared_ffn,
     width,
     Optional,
     {"shared_expert_intermediate_size", "shared_intermediate_size"}},
    {&ConfigNumbers::dense_layers, core::layer_limit, Optional, {"first_k_dense_replace"}},
    {&ConfigNumbers::expert_step,
     core::layer_limit,
     Positive,
     {"decoder_sparse_step", "interleave_moe_layer_step"}},
    {&ConfigNumbers::query_rank, ranks, Optional, {"q_lora_rank"}},
    {&ConfigNumbers::kv_rank, ranks, Optional, {"kv_lora_rank"}},
    {&ConfigNumbers::nope_dim, ranks, Optional, {"qk_nope_head_dim"}},
    {&ConfigNumbers::rope_dim, ranks, Optional, {"qk_rope_head_dim"}},
    {&ConfigNumbers::value_dim, ranks, Optional, {"v_head_dim"}},
};

base::Done read_number(const JsonValue &root, const NumberField &row, ConfigNumbers &numbers) {
    for (const char *name : row.names) {
        const auto value = name != nullptr ? root.find(name) : std::nullopt;
        if (!value)
            continue;
        HWA_TRY(const uint64_t number, value->u64());
        if (number > row.limit)
            return base::error(Status::Parse, "%s: is %llu, more than the %llu taken seriously",
                               value->place().c_str(), static_cast<ull>(number),
                               static_cast<ull>(row.limit));
        if (number == 0 && row.demand != Optional)
            return base::error(Status::Parse, "%s: is 0", value->place().c_str());
        numbers.*row.field = number;
        return {};
    }
    if (row.demand == Required)
        return base::error(Status::Parse, "%s.%s: is missing", root.place().c_str(), row.names[0]);
    return {};
}

/// A flag that counts only where it is a boolean.
bool flag(const JsonValue &root, const char *name, bool otherwise = false) {
    const auto value = root.find(name);
    const auto said = value ? value->boolean() : base::Result<bool>(otherwise);
    return said ? *said : otherwise;
}

std::string word(const JsonValue &root, const char *name) {
    const auto value = root.find(name);
    if (!value || !value->is_text())
        return {};
    const auto text = value->text();
    return text ? base::sanitise(*text, 128) : std::string();
}

base::Done check(const JsonValue &root, const ConfigNumbers &n) {
    if (n.heads != 0 && n.kv_heads > n.heads)
        return base::error(Status::Parse, "%s: %llu key-value heads for %llu heads",
                           root.place().c_str(), static_cast<ull>(n.kv_heads),
                           static_cast<ull>(n.heads));
    if (n.experts_per_token > n.experts)
        return base::error(Status::Parse, "%s: %llu experts per token of %llu",
                           root.place().c_str(), static_cast<ull>(n.experts_per_token),
                           static_cast<ull>(n.experts));
    return {};
}

base::Result<ConfigNumbers> read_numbers(const JsonValue &root) {
    ConfigNumbers n;
    n.family = word(root, "model_type");
    for (const NumberField &row : fields)
        HWA_CHECK(read_number(root, row, n));
    HWA_CHECK(check(root, n));
    if (root.find("tie_word_embeddings"))
        n.tied = flag(root, "tie_word_embeddings") ? 1 : 0;
    n.attention_bias = flag(root, "attention_bias");
    n.ffn_bias = flag(root, "mlp_bias");
    n.router_bias = word(root, "topk_method") == "noaux_tc" || flag(root, "use_routing_bias");
    n.two_norms = flag(root, "new_decoder_architecture");
    n.multi_query = flag(root, "multi_query") && !n.two_norms && n.kv_heads == 0;
    // Families of GPT-2's time leave the width at four times the hidden size.
    if (n.ffn == 0 && n.expert_ffn == 0)
        n.ffn = std::min(4 * n.hidden, width);
    return n;
}

Dtype dtype_of(std::string_view torch) {
    constexpr struct {
        std::string_view name;
        Dtype dtype;
    } names[] = {{"bfloat16", Dtype::Bf16},
                 {"float16", Dtype::F16},
                 {"half", Dtype::F16},
                 {"float32", Dtype::F32},
                 {"float8_e4m3fn", Dtype::F8E4M3},
                 {"float8_e5m2", Dtype::F8E5M2}};
    if (torch.starts_with("torch."))
        torch.remove_prefix(6);
    for (const auto &[name, dtype] : names)
        if (name == torch)
            return dtype;
    return Dtype::Unknown;
}

/// What a checkpoint's weights are packed into.
struct Packing {
    Dtype dtype = Dtype::Unknown;
    uint32_t bits = 0; ///< of integers that share a wider one
    bool experts_only = false;
};

base::Result<Packing> read_packing(const JsonValue &root) {
    Packing packing;
    auto quantized = root.find("quantization_config");
    if (!quantized)
        quantized = root.find("quantization");
    if (!quantized)
        return packing;
    const std::string method = word(*quantized, "quant_method");
    uint64_t bits = 0;
    if (const auto said = quantized->find("bits")) {
        HWA_TRY(bits, said->u64());
        if (bits == 0 || bits > 16)
            return base::error(Status::Parse, "%s: is %llu", said->place().c_str(),
                               static_cast<ull>(bits));
    }
    if (method == "fp8")
        packing.dtype = Dtype::F8E4M3;
    else if (method == "mxfp4")
        packing = {Dtype::Mxfp4, 0, true};
    else if (bits == 4 || flag(*quantized, "load_in_4bit"))
        packing = {Dtype::I4G128, 4, false};
    else if (bits != 0)
        packing = {bits == 8 ? Dtype::I8 : Dtype::Unknown, static_cast<uint32_t>(bits), false};
    return packing;
}

uint64_t bytes_of(uint64_t parameters, Dtype dtype) {
    return static_cast<uint64_t>(static_cast<double>(parameters) * core::dtype_bits(dtype) / 8);
}

/// Bytes of one part as published; norms, embedding and output keep the format of the model.
void set_bytes(Weights &weights, Dtype base, Dtype packed, bool experts_only) {
    const Dtype rest = experts_only ? base : packed;
    weights.expert_bytes = bytes_of(weights.expert, packed);
    weights.bytes = weights.expert_bytes + bytes_of(weights.matrix - weights.expert, rest) +
                    bytes_of(weights.plain, base);
}

void set_all_bytes(Model &model, Dtype base, const Packing &packing) {
    const Dtype packed = packing.dtype != Dtype::Unknown ? packing.dtype : base;
    for (core::Layer &layer : model.layers)
        set_bytes(layer.weights, base, packed, packing.experts_only);
    set_bytes(model.embedding, base, base, false);
    set_bytes(model.output, base, base, false);
    set_bytes(model.other, base, base, false);
    model.dtype = packed;
}

/// The part of a document that describes the decoder: of a model that also sees, its text part.
JsonValue decoder(const JsonValue &root) {
    for (const char *name : {"text_config", "llm_config", "language_config"})
        if (const auto part = root.find(name); part && part->find("hidden_size"))
            return *part;
    return root;
}

base::Done note_rest(const JsonValue &root, Config &made) {
    Model &model = made.model;
    if (const auto window = root.find("sliding_window"))
        if (flag(root, "use_sliding_window", true) && window->is_number()) {
            HWA_TRY(made.window, window->u64());
            model.notes.push_back(base::format(
                "attention slides over %llu tokens in some layers; the cache is counted whole for "
                "every layer",
                static_cast<ull>(made.window)));
        }
    if (!made.known_family)
        model.notes.push_back(
            base::format("%s is no family known here: layers like those of Llama are assumed",
                         model.architecture.empty() ? "the model" : model.architecture.c_str()));
    if (model.heads == 0)
        model.notes.push_back("the file gives no number of heads: no cache is counted");
    return {};
}

} // namespace

base::Result<Config> read_config_text(const std::string &name, std::string_view text) {
    HWA_TRY(const base::JsonDocument document, base::JsonDocument::parse(name, text));
    const JsonValue top = document.root();
    if (!top.is_object())
        return base::error(Status::Parse, "%s: is not an object", top.place().c_str());
    const JsonValue root = decoder(top);
    Config made;
    HWA_TRY(const Packing packing, read_packing(top));
    HWA_TRY(const ConfigNumbers numbers, read_numbers(root));
    auto known = fill_family(numbers, made.model);
    if (!known)
        return base::error(known.error().status, "%s: %s", root.place().c_str(),
                           known.error().message.c_str());
    made.known_family = *known;
    made.model.inventory =
        made.known_family ? core::Inventory::Formula : core::Inventory::Estimated;

    made.packed_bits = packing.bits;
    Dtype base = Dtype::Unknown;
    for (const JsonValue &place : {root, top})
        for (const char *key : {"torch_dtype", "dtype"})
            if (base == Dtype::Unknown)
                base = dtype_of(word(place, key));
    if (base == Dtype::Unknown) {
        base = Dtype::Bf16;
        made.model.estimated |= core::FieldDtype;
        made.model.notes.push_back("the file names no format of the weights: bf16 is assumed");
    }
    set_all_bytes(made.model, base, packing);
    HWA_CHECK(note_rest(root, made));
    return made;
}

base::Result<Model> read_config(const std::string &path) {
    HWA_TRY(const std::string text, os::read_whole(path, base::JsonLimits{}.bytes));
    HWA_TRY(Config config, read_config_text(path, text));
    return std::move(config.model);
}

} // namespace hwa::plan
