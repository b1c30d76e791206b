// SPDX-License-Identifier: MIT
// Parts of tensors' names and the roles they stand for.
#include "plan/model/tensor_names.h"

#include "base/text.h"

#include <algorithm>
#include <optional>

namespace hwa::plan {

using core::Role;

static bool holds(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
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

namespace {

struct NamePart {
    std::string_view part;
    Role role;
};

// The first part that a name holds decides. Those of experts and towers come before the plain ones
// that they contain.
constexpr NamePart layer_parts[] = {
    {"norm", Role::Norm},
    {"layer_norm", Role::Norm},
    {".ln_", Role::Norm},
    {".ln1", Role::Norm},
    {".ln2", Role::Norm},
    {".bias", Role::Bias},
    {"sinks", Role::Bias},
    {"dt_bias", Role::Bias},
    {"exp_probs_b", Role::Bias},
    {"_correction_bias", Role::Bias},
    {"A_log", Role::Decay},
    {".ssm_a", Role::Decay},
    {".ssm_d", Role::Decay},
    {"mixer.D", Role::Decay},
    {"mamba.D", Role::Decay},
    {"conv1d", Role::Convolution},
    {"shortconv.conv", Role::Convolution},
    {"conv.conv", Role::Convolution},
    {"ffn_gate_inp", Role::Router},
    {"router", Role::Router},
    {".mlp.gate.weight", Role::Router},
    {"shared_expert_gate", Role::Router},
    {"block_sparse_moe.gate.", Role::Router},
    {"feed_forward.gate.", Role::Router},
    {"ffn_gate_up_exps", Role::ExpertGateUp},
    {"ffn_gate_exps", Role::ExpertGate},
    {"ffn_up_exps", Role::ExpertUp},
    {"ffn_down_exps", Role::ExpertDown},
    {"ffn_gate_shexp", Role::SharedGate},
    {"ffn_up_shexp", Role::SharedUp},
    {"ffn_down_shexp", Role::SharedDown},
    {"experts.gate_up_proj", Role::ExpertGateUp},
    {"experts.down_proj", Role::ExpertDown},
    {"block_sparse_moe.input_linear", Role::ExpertGateUp},
    {"block_sparse_moe.output_linear", Role::ExpertDown},
    {"shared_mlp.input_linear", Role::SharedGateUp},
    {"shared_mlp.output_linear", Role::SharedDown},
    {"in_proj", Role::Recurrent},
    {"out_proj_ssm", Role::Recurrent},
    {"x_proj", Role::Recurrent},
    {"dt_proj", Role::Recurrent},
    {".ssm_", Role::Recurrent},
    {"shortconv.", Role::Recurrent},
    {".mixer.out_proj", Role::Recurrent},
    {".mamba.", Role::Recurrent},
    {"linear_attn.", Role::Recurrent},
    {"attn_gate", Role::Recurrent},
    {"q_a_proj", Role::QueryDown},
    {"attn_q_a", Role::QueryDown},
    {"q_b_proj", Role::QueryUp},
    {"attn_q_b", Role::QueryUp},
    {"kv_a_proj", Role::LatentDown},
    {"attn_kv_a", Role::LatentDown},
    {"kv_b_proj", Role::LatentUp},
    {"attn_kv_b", Role::LatentUp},
    {"attn_k_b", Role::LatentUp},
    {"attn_v_b", Role::LatentUp},
    {"attn_qkv", Role::QueryKeyValue},
    {"qkv_proj", Role::QueryKeyValue},
    {"query_key_value", Role::QueryKeyValue},
    {"c_attn", Role::QueryKeyValue},
    {"Wqkv", Role::QueryKeyValue},
    {"W_pack", Role::QueryKeyValue},
    {"attention.wqkv", Role::QueryKeyValue},
    {"attn_q.", Role::Query},
    {"q_proj", Role::Query},
    {"attention.wq.", Role::Query},
    {".query.", Role::Query},
    {"attn_k.", Role::Key},
    {"k_proj", Role::Key},
    {"attention.wk.", Role::Key},
    {".key.", Role::Key},
    {"attn_v.", Role::Value},
    {"v_proj", Role::Value},
    {"attention.wv.", Role::Value},
    {".value.", Role::Value},
    {"attn_output", Role::AttentionOut},
    {"o_proj", Role::AttentionOut},
    {"attn.c_proj", Role::AttentionOut},
    {"attention.dense", Role::AttentionOut},
    {"attn.dense", Role::AttentionOut},
    {"attention.wo.", Role::AttentionOut},
    {"attn.out_proj", Role::AttentionOut},
    {"attention.output.dense", Role::AttentionOut},
    {"gate_up_proj", Role::GateUp},
    {"gate_proj", Role::Gate},
    {"ffn_gate", Role::Gate},
    {"up_proj", Role::Up},
    {"ffn_up", Role::Up},
    {"down_proj", Role::Down},
    {"ffn_down", Role::Down},
    {"feed_forward.w1", Role::Gate},
    {"feed_forward.w3", Role::Up},
    {"feed_forward.w2", Role::Down},
    {"dense_4h_to_h", Role::Down},
    {"dense_h_to_4h", Role::Up},
    {"intermediate.dense", Role::Up},
    {"output.dense", Role::Down},
    {"mlp.c_fc", Role::Up},
    {"mlp.c_proj", Role::Down},
    {".fc1", Role::Up},
    {".fc2", Role::Down},
    {"ffn.up", Role::Up},
    {"ffn.down", Role::Down},
    {".w1.", Role::Gate},
    {".w3.", Role::Up},
    {".w2.", Role::Down},
};

constexpr NamePart outside_parts[] = {
    {"norm", Role::Norm},
    {"ln_f", Role::Norm},
    {".bias", Role::Bias},
    {"position_embd", Role::Position},
    {"wpe.", Role::Position},
    {"position_embeddings", Role::Position},
    {"embed_positions", Role::Position},
    {"token_type_embeddings", Role::Position},
    {"token_types", Role::Position},
    {"token_embd.", Role::Embedding},
    {"embed_tokens.", Role::Embedding},
    {"wte.", Role::Embedding},
    {"tok_embeddings.", Role::Embedding},
    {"embed_in.", Role::Embedding},
    {"word_embeddings", Role::Embedding},
    {"backbone.embeddings.", Role::Embedding},
    {"lm_head.", Role::Output},
    {"embed_out.", Role::Output},
};

Role in_expert(Role role) {
    if (role >= Role::Gate && role <= Role::Down)
        return static_cast<Role>(static_cast<int>(role) - static_cast<int>(Role::Gate) +
                                 static_cast<int>(Role::ExpertGate));
    return role;
}

Role in_shared(Role role) {
    if (role >= Role::Gate && role <= Role::Down)
        return static_cast<Role>(static_cast<int>(role) - static_cast<int>(Role::Gate) +
                                 static_cast<int>(Role::SharedGate));
    return role;
}

template <size_t count> Role find(const NamePart (&parts)[count], std::string_view name) {
    for (const NamePart &row : parts)
        if (holds(name, row.part))
            return row.role;
    return Role::Other;
}

} // namespace

Place place_of(std::string_view name, uint32_t rank) {
    Place place;
    // Towers for images and sound have layers of their own, which hold no cache.
    for (const std::string_view part :
         {"vision", "visual", "audio", "image_newline", "mm_proj", "multi_modal_projector"})
        if (holds(name, part)) {
            place.role = Role::Tower;
            return place;
        }
    if (name.starts_with("mtp.") || holds(name, ".nextn.") || holds(name, "mtp_layers.")) {
        place.role = Role::Draft;
        return place;
    }
    if (const auto layer = layer_number(name)) {
        place.layer = static_cast<int64_t>(std::min<uint64_t>(*layer, core::layer_limit));
        place.role = find(layer_parts, name);
        if (holds(name, "shared_expert") || holds(name, "shared_mlp"))
            place.role = in_shared(place.role);
        else if (holds(name, ".experts."))
            place.role = in_expert(place.role);
    } else {
        place.role = find(outside_parts, name);
        if (place.role == Role::Other && name.starts_with("output.weight"))
            place.role = Role::Output;
    }
    if (rank < 2 && !core::is_plain(place.role))
        place.role = Role::Bias;
    return place;
}

} // namespace hwa::plan
