// SPDX-License-Identifier: MIT
// The names that families give their numbers.
#include "plan/model/config_numbers.h"

#include "base/text.h"
#include "core/model.h"

#include <algorithm>

namespace hwa::plan {

using base::JsonValue;
using base::Status;
using ull = unsigned long long;

namespace {

enum Demand : uint32_t { Optional = 0, Positive = 1, Required = 2 };

/// A number and the names that families give it, first come first served.
struct NumberField {
    uint64_t ConfigNumbers::*field;
    uint64_t limit;
    Demand demand; ///< Positive: may be absent, but not 0
    const char *names[6];
};

using N = ConfigNumbers;
constexpr uint64_t width = core::width_limit;
constexpr uint64_t ranks = uint64_t{1} << 20;
constexpr uint64_t depth = core::layer_limit;

constexpr NumberField fields[] = {
    {&N::layers,
     depth,
     Positive,
     {"num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers"}},
    {&N::decoder_layers, depth, Optional, {"num_decoder_layers", "decoder_layers"}},
    {&N::hidden,
     width,
     Required,
     {"hidden_size", "n_embd", "n_embed", "d_model", "dim", "model_dim"}},
    {&N::heads,
     width,
     Positive,
     {"num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads"}},
    {&N::kv_heads,
     width,
     Positive,
     {"num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num",
      "num_attention_groups"}},
    {&N::head_dim, width, Positive, {"head_dim", "kv_channels", "d_kv", "attention_head_dim"}},
    {&N::ffn,
     width,
     Optional,
     {"intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", "d_ff", "encoder_ffn_dim"}},
    {&N::dense_ffn, width, Optional, {"intermediate_size_mlp", "dense_intermediate_size"}},
    {&N::vocabulary, width, Positive, {"padded_vocab_size", "vocab_size"}},
    {&N::context,
     uint64_t{1} << 40,
     Optional,
     {"max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "n_ctx"}},
    {&N::types, width, Optional, {"type_vocab_size"}},
    {&N::experts,
     width,
     Optional,
     {"num_local_experts", "n_routed_experts", "num_experts", "moe_num_experts"}},
    {&N::experts_per_token,
     width,
     Optional,
     {"num_experts_per_tok", "experts_per_token", "moe_topk", "moe_k", "num_experts_per_token",
      "top_k_experts"}},
    {&N::expert_ffn,
     width,
     Optional,
     {"moe_intermediate_size", "expert_ffn_hidden_size", "expert_intermediate_size"}},
    {&N::shared_experts,
     width,
     Optional,
     {"n_shared_experts", "num_shared_experts", "moe_num_shared_experts", "num_shared_expert"}},
    {&N::shared_ffn,
     width,
     Optional,
     {"shared_expert_intermediate_size", "shared_intermediate_size",
      "moe_shared_expert_intermediate_size", "share_expert_dim"}},
    {&N::expert_latent, width, Optional, {"moe_latent_size"}},
    {&N::dense_layers,
     depth,
     Optional,
     {"first_k_dense_replace", "num_dense_layers", "moe_layer_start_index",
      "moe_num_first_k_dense_layers"}},
    {&N::expert_step,
     depth,
     Positive,
     {"decoder_sparse_step", "interleave_moe_layer_step", "expert_layer_period",
      "moe_layer_interval"}},
    {&N::expert_offset, depth, Optional, {"expert_layer_offset"}},
    {&N::query_rank, ranks, Optional, {"q_lora_rank"}},
    {&N::kv_rank, ranks, Optional, {"kv_lora_rank"}},
    {&N::nope_dim, ranks, Optional, {"qk_nope_head_dim"}},
    {&N::rope_dim, ranks, Optional, {"qk_rope_head_dim"}},
    {&N::value_dim, ranks, Optional, {"v_head_dim"}},
    {&N::index_heads, ranks, Optional, {"index_n_heads"}},
    {&N::index_dim, ranks, Optional, {"index_head_dim"}},
    {&N::index_tokens, ranks, Optional, {"index_topk"}},
    {&N::window, uint64_t{1} << 40, Optional, {"sliding_window", "sliding_window_size"}},
    {&N::attention_offset, depth, Optional, {"attn_layer_offset"}},
    {&N::attention_period, depth, Positive, {"attn_layer_period"}},
    {&N::window_heads, width, Optional, {"swa_num_attention_heads", "num_sliding_attention_heads"}},
    {&N::window_kv_heads, width, Optional, {"swa_num_key_value_heads"}},
    {&N::window_head_dim, width, Optional, {"swa_head_dim"}},
    {&N::window_value_dim, width, Optional, {"swa_v_head_dim"}},
    {&N::full_head_dim, width, Optional, {"global_head_dim"}},
    {&N::full_kv_heads, width, Optional, {"num_global_key_value_heads"}},
    {&N::linear_key_heads, ranks, Optional, {"linear_num_key_heads"}},
    {&N::linear_value_heads, ranks, Optional, {"linear_num_value_heads"}},
    {&N::linear_key_dim, ranks, Optional, {"linear_key_head_dim"}},
    {&N::linear_value_dim, ranks, Optional, {"linear_value_head_dim"}},
    {&N::convolution,
     ranks,
     Optional,
     {"linear_conv_kernel_dim", "conv_kernel", "mamba_d_conv", "conv_L_cache", "d_conv"}},
    {&N::state_heads, ranks, Optional, {"mamba_num_heads", "mamba_n_heads", "n_mamba_heads"}},
    {&N::state_head_dim, ranks, Optional, {"mamba_head_dim", "mamba_d_head", "mamba_headdim"}},
    {&N::state_inner, width, Optional, {"mamba_d_ssm"}},
    {&N::state_size, ranks, Optional, {"ssm_state_size", "mamba_d_state", "state_size"}},
    {&N::state_groups, ranks, Optional, {"mamba_n_groups", "n_groups", "mamba_ngroups"}},
    {&N::state_expand, ranks, Optional, {"mamba_expand", "expand"}},
    {&N::state_rank, ranks, Optional, {"mamba_dt_rank", "time_step_rank"}},
    {&N::out_groups, ranks, Optional, {"o_groups"}},
    {&N::out_rank, ranks, Optional, {"o_lora_rank"}},
    {&N::drafts,
     depth,
     Optional,
     {"num_nextn_predict_layers", "mtp_num_hidden_layers", "mtp_num_layers", "num_mtp_modules"}},
    {&N::paths, ranks, Optional, {"hc_mult"}},
    {&N::hash_layers, depth, Optional, {"num_hash_layers"}},
    {&N::borrowers, depth, Optional, {"num_kv_shared_layers"}},
    {&N::layer_embedding, ranks, Optional, {"hidden_size_per_layer_input"}},
    {&N::layer_vocabulary, width, Optional, {"vocab_size_per_layer_input"}},
    {&N::embedding_width, width, Optional, {"word_embed_proj_dim", "embedding_size"}},
};

base::Result<uint64_t> bounded(const JsonValue &value, uint64_t limit) {
    HWA_TRY(const uint64_t number, value.u64());
    if (number > limit)
        return base::error(Status::Parse, "%s: is %llu, more than the %llu taken seriously",
                           value.place().c_str(), static_cast<ull>(number),
                           static_cast<ull>(limit));
    return number;
}

/// Lists of one number for each layer.
struct ListField {
    const char *name;
    std::vector<uint64_t> ConfigNumbers::*field;
};

constexpr ListField lists[] = {{"intermediate_size", &N::ffns},
                               {"ffn_dim", &N::ffns},
                               {"num_key_value_heads", &N::layer_kv_heads}};

base::Result<uint64_t> read_list(const JsonValue &value, const NumberField &row, const char *name,
                                 ConfigNumbers &numbers) {
    uint64_t widest = 0;
    std::vector<uint64_t> all;
    for (const JsonValue &element : value.children()) {
        HWA_TRY(const uint64_t number, bounded(element, row.limit));
        if (all.size() < depth)
            all.push_back(number);
        widest = std::max(widest, number);
    }
    for (const ListField &list : lists)
        if (std::string_view(list.name) == name && !all.empty()) {
            numbers.*list.field = std::move(all);
            return widest;
        }
    if (row.demand == Required || all.empty())
        return base::error(Status::Parse, "%s: a number is wanted here", value.place().c_str());
    return widest;
}

base::Result<bool> read_number(const JsonValue &root, const NumberField &row,
                               ConfigNumbers &numbers) {
    for (const char *name : row.names) {
        const auto value = name != nullptr ? root.find(name) : std::nullopt;
        // "auto" and the like are as good as nothing, but for numbers that must be there.
        if (!value || (row.demand != Required && (value->is_text() || value->is_bool())))
            continue;
        uint64_t number = 0;
        if (value->is_array()) {
            HWA_TRY(number, read_list(*value, row, name, numbers));
        } else {
            HWA_TRY(number, bounded(*value, row.limit));
        }
        if (number == 0 && row.demand != Optional)
            return base::error(Status::Parse, "%s: is 0", value->place().c_str());
        numbers.*row.field = number;
        return true;
    }
    return false;
}

/// True where a file says that it has no such number, which is not the same as silence.
bool denies(const JsonValue &root, const NumberField &row) {
    for (const JsonValue &member : root.children())
        for (const char *name : row.names)
            if (member.is_null() && name != nullptr && member.key() == name)
                return true;
    return false;
}

/// From the file, or from what is usual where that is silent.
base::Done read_number(const JsonValue &root, const JsonValue *usual, const NumberField &row,
                       ConfigNumbers &numbers) {
    HWA_TRY(bool found, read_number(root, row, numbers));
    if (!found && usual != nullptr && !denies(root, row)) {
        HWA_TRY(found, read_number(*usual, row, numbers));
    }
    if (!found && row.demand == Required)
        return base::error(Status::Parse, "%s.%s: is missing", root.place().c_str(), row.names[0]);
    return {};
}

/// A flag that counts only where it is a boolean.
int flag(const JsonValue &root, std::initializer_list<const char *> names) {
    for (const char *name : names)
        if (const auto value = root.find(name); value && value->is_bool())
            return *value->boolean() ? 1 : 0;
    return -1;
}

std::string word(const JsonValue &root, const char *name) {
    const auto value = root.find(name);
    if (!value || !value->is_text())
        return {};
    const auto text = value->text();
    return text ? *text : std::string();
}

LayerKind kind_of(std::string_view word) {
    const auto holds = [&](const char *part) { return word.find(part) != word.npos; };
    if (holds("sliding") || holds("chunked") || holds("window"))
        return LayerKind::Window;
    if (holds("linear") || holds("mamba") || holds("conv") || holds("recurrent"))
        return LayerKind::Recurrent;
    if (holds("moe"))
        return LayerKind::Mixture;
    if (holds("attention") || holds("hybrid"))
        return LayerKind::Full;
    if (holds("moe"))
        return LayerKind::Mixture;
    if (holds("mlp"))
        return LayerKind::Ffn;
    return LayerKind::Usual;
}

/// One letter a layer: of Nemotron's hybrids.
LayerKind kind_of(char letter) {
    switch (letter) {
    case 'M':
        return LayerKind::Recurrent;
    case '*':
        return LayerKind::Full;
    case '-':
        return LayerKind::Ffn;
    case 'E':
        return LayerKind::Mixture;
    default:
        return LayerKind::Usual;
    }
}

void read_kinds(const JsonValue &root, ConfigNumbers &n) {
    for (const char *name : {"layer_types", "layers_block_type", "block_types"})
        if (const auto list = root.find(name); list && list->is_array() && n.kinds.empty())
            for (const JsonValue &element : list->children())
                if (element.is_text() && n.kinds.size() < n.layers)
                    n.kinds.push_back(kind_of(*element.text()));
    for (const char letter : word(root, "hybrid_override_pattern"))
        if (n.kinds.size() < n.layers)
            n.kinds.push_back(kind_of(letter));
    const struct {
        const char *name;
        LayerKind zero, one;
    } marked[] = {{"attn_type_list", LayerKind::Recurrent, LayerKind::Full},
                  {"hybrid_layer_pattern", LayerKind::Full, LayerKind::Window}};
    for (const auto &[name, zero, one] : marked)
        if (const auto list = root.find(name); list && list->is_array() && n.kinds.empty())
            for (const JsonValue &element : list->children())
                if (const auto bit = element.u64(); bit && n.kinds.size() < n.layers)
                    n.kinds.push_back(*bit != 0 ? one : zero);
}

/// Marks the layers of a list by number, `first` the one that counts as the first.
void mark(const JsonValue &list, uint64_t first, LayerKind kind, LayerKind others,
          ConfigNumbers &n) {
    if (!list.is_array())
        return;
    n.kinds.assign(n.layers, others);
    for (const JsonValue &element : list.children())
        if (const auto index = element.u64(); index && *index >= first && *index - first < n.layers)
            n.kinds[*index - first] = kind;
}

void read_marked(const JsonValue &root, ConfigNumbers &n) {
    if (const auto list = root.find("full_attn_idxs"))
        mark(*list, 0, LayerKind::Full, LayerKind::Recurrent, n);
    if (const auto list = root.find("attn_layer_indices"))
        mark(*list, 0, LayerKind::Full, LayerKind::Recurrent, n);
    if (const auto linear = root.find("linear_attn_config"))
        if (const auto list = linear->find("full_attn_layers"))
            mark(*list, 1, LayerKind::Full, LayerKind::Recurrent, n);
    if (const auto list = root.find("moe_layer_freq"); list && list->is_array())
        for (const JsonValue &element : list->children())
            if (const auto bit = element.u64(); bit && n.mixtures.size() < n.layers)
                n.mixtures.push_back(*bit != 0);
    if (const auto others = root.find("attention_other_setting")) // of layers with a window
        if (const auto heads = others->find("num_attention_heads"); heads && heads->is_number())
            if (const auto count = heads->u64(); count && *count <= width)
                n.window_heads = *count;
    if (const auto list = root.find("compress_ratios"))
        for (const JsonValue &element : list->children())
            if (const auto ratio = element.u64();
                ratio && *ratio <= ranks && n.ratios.size() < n.layers)
                n.ratios.push_back(*ratio);
    if (const auto list = root.find("mlp_only_layers"); list && !list->children().empty()) {
        n.mixtures.assign(n.layers, true);
        for (const JsonValue &element : list->children())
            if (const auto index = element.u64(); index && *index < n.layers)
                n.mixtures[*index] = false;
    }
}

/// The period of layers that see everything, as a number or a pattern such as "LLLG".
base::Done read_period(const JsonValue &root, ConfigNumbers &n) {
    for (const char *name : {"full_attention_interval", "sliding_window_pattern",
                             "_sliding_window_pattern", "global_attn_every_n_layers"}) {
        const auto value = root.find(name);
        if (!value)
            continue;
        if (value->is_text())
            n.period = std::min<uint64_t>(value->text()->size(), depth);
        if (!value->is_number())
            continue;
        HWA_TRY(n.period, bounded(*value, depth));
    }
    return {};
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

void read_flags(const JsonValue &root, ConfigNumbers &n) {
    const auto said = [&](std::initializer_list<const char *> names, auto &into) {
        if (const int found = flag(root, names); found != -1)
            into = static_cast<std::remove_reference_t<decltype(into)>>(found);
    };
    said({"tie_word_embeddings"}, n.tied);
    said({"use_qk_norm", "qk_norm", "qk_layernorm"}, n.head_norm);
    said({"attn_output_gate"}, n.output_gate);
    said({"attention_bias", "use_bias", "bias"}, n.attention_bias);
    n.qkv_bias = flag(root, {"add_qkv_bias", "use_qkv_bias", "qkv_bias"}) == 1;
    n.out_bias = flag(root, {"attention_out_bias"}) == 1;
    n.ffn_bias = flag(root, {"mlp_bias", "use_bias"}) == 1;
    n.router_bias = word(root, "topk_method") == "noaux_tc" ||
                    flag(root, {"use_routing_bias", "use_moe_router_bias",
                                "moe_router_enable_expert_bias", "use_expert_bias"}) == 1;
    n.norm_bias = flag(root, {"no_bias"}) == 0;
    n.attention_bias |= n.norm_bias;
    n.ffn_bias |= n.norm_bias;
    n.two_norms = flag(root, {"new_decoder_architecture"}) == 1;
    n.multi_query = flag(root, {"multi_query"}) == 1 && !n.two_norms && n.kv_heads == 0;
    said({"attention_k_eq_v"}, n.key_is_value);
    said({"use_double_wide_mlp"}, n.wide_borrowers);
    said({"add_swa_attention_sink_bias"}, n.window_sinks);
    const auto attention = root.find("attn_config");
    n.learned_positions = flag(root, {"learned_pos_emb"}) == 1 &&
                          !(attention && flag(*attention, {"alibi", "rope"}) == 1);
    n.block_ffn = flag(root, {"block_auto_adjust_ff_dim"}) == 1;
    n.gated =
        flag(root, {"is_gated_act"}) == 1 || word(root, "feed_forward_proj").starts_with("gated");
    n.ungated = word(root, "hidden_act") == "relu2" || word(root, "mlp_hidden_act") == "relu2";
    if (flag(root, {"use_sliding_window"}) == 0)
        n.window = 0;
}

/// True of files by transformers before 4.32, which stored what Llama turns positions by.
bool stores_angles(const JsonValue &root) {
    const std::string version = word(root, "transformers_version");
    const auto parts = base::split(version, '.');
    if (parts.size() < 2 || parts[0] != "4")
        return false;
    const auto minor = base::parse_u64(parts[1]);
    return minor && *minor < 32;
}

} // namespace

base::Result<ConfigNumbers> read_config_numbers(const JsonValue &root, const JsonValue *usual) {
    ConfigNumbers n;
    n.family = base::sanitise(word(root, "model_type"), 128);
    for (const NumberField &row : fields)
        HWA_CHECK(read_number(root, usual, row, n));
    if (n.layers == 0) // Nemotron's hybrids list their layers only
        if (const auto list = root.find("layers_block_type"))
            n.layers = std::min<uint64_t>(list->children().size(), depth);
    if (n.layers == 0)
        return base::error(Status::Parse, "%s.num_hidden_layers: is missing", root.place().c_str());
    HWA_CHECK(check(root, n));
    if (usual != nullptr)
        read_flags(*usual, n);
    read_flags(root, n);
    n.angles = n.family == "llama" && stores_angles(root);
    read_kinds(root, n);
    read_marked(root, n);
    if (usual != nullptr && n.mixtures.empty())
        read_marked(*usual, n);
    HWA_CHECK(read_period(root, n));
    if (n.family.starts_with("qwen") && flag(root, {"use_sliding_window"}) != 1)
        n.window = 0; // Qwen's files tell a window that only this turns on
    // Families of GPT-2's time leave the width at four times the hidden size.
    if (n.ffn == 0 && n.expert_ffn == 0)
        n.ffn = std::min(4 * n.hidden, width);
    return n;
}

} // namespace hwa::plan
