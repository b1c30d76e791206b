// SPDX-License-Identifier: MIT
// The numbers of a config.json under one set of names.
#pragma once

#include "base/json.h"
#include "base/status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::plan {

/// What a file says of one layer.
enum class LayerKind : uint8_t { Usual, Full, Window, Recurrent, Ffn, Mixture };

/// Numbers of a config.json, 0 where it is silent.
struct ConfigNumbers {
    std::string family;          ///< model_type
    uint64_t layers = 0;         ///< of two sides, those of the encoder
    uint64_t decoder_layers = 0; ///< of a network of two sides; 0: as many as the encoder's
    uint64_t hidden = 0;
    uint64_t heads = 0;
    uint64_t kv_heads = 0;
    uint64_t head_dim = 0;
    uint64_t ffn = 0;
    uint64_t dense_ffn = 0; ///< of dense layers among mixtures, where it has a name of its own
    uint64_t vocabulary = 0;
    uint64_t context = 0;
    uint64_t types = 0; ///< of tokens
    uint64_t experts = 0;
    uint64_t experts_per_token = 0;
    uint64_t expert_ffn = 0;
    uint64_t shared_experts = 0;
    uint64_t shared_ffn = 0;    ///< of all shared experts together
    uint64_t expert_latent = 0; ///< width that experts work in, where it is not the hidden size
    uint64_t dense_layers = 0;  ///< the first ones of a mixture, which have no experts
    uint64_t expert_step = 1;   ///< every n-th layer has experts
    uint64_t expert_offset = 0;
    uint64_t query_rank = 0; ///< latent attention
    uint64_t kv_rank = 0;
    uint64_t nope_dim = 0;
    uint64_t rope_dim = 0;
    uint64_t value_dim = 0;
    uint64_t index_heads = 0; ///< of the small attention that picks tokens
    uint64_t index_dim = 0;
    uint64_t index_tokens = 0;
    uint64_t window = 0;
    uint64_t period = 0; ///< every n-th layer is full or attention
    uint64_t attention_offset = 0;
    uint64_t attention_period = 0; ///< the one at attention_offset is attention
    uint64_t window_heads = 0;     ///< where layers with a window have shapes of their own
    uint64_t window_kv_heads = 0;
    uint64_t window_head_dim = 0;
    uint64_t window_value_dim = 0;
    uint64_t full_head_dim = 0; ///< or those without
    uint64_t full_kv_heads = 0;
    uint64_t linear_key_heads = 0;
    uint64_t linear_value_heads = 0;
    uint64_t linear_key_dim = 0;
    uint64_t linear_value_dim = 0;
    uint64_t convolution = 0; ///< taps
    uint64_t state_heads = 0;
    uint64_t state_head_dim = 0;
    uint64_t state_inner = 0; ///< width; 0: expand times the hidden size
    uint64_t state_size = 0;
    uint64_t state_groups = 0;
    uint64_t state_expand = 0;
    uint64_t state_rank = 0; ///< of the time step
    uint64_t out_groups = 0; ///< what leads out of attention, in groups of a low rank
    uint64_t out_rank = 0;
    uint64_t drafts = 0;
    uint64_t paths = 0;            ///< residual streams
    uint64_t hash_layers = 0;      ///< the first ones choose experts by the token alone
    uint64_t borrowers = 0;        ///< the last ones, which use keys and values of others
    uint64_t layer_embedding = 0;  ///< width of an embedding that each layer has
    uint64_t layer_vocabulary = 0; ///< and its rows
    uint64_t embedding_width = 0;  ///< where it is not the hidden size
    int tied = -1;                 ///< 1, 0, or -1 when not said; so are the next
    int head_norm = -1;
    int output_gate = -1;
    bool attention_bias = false;
    bool qkv_bias = false;
    bool angles = false; ///< stored with each layer
    bool out_bias = false;
    bool ffn_bias = false;
    bool norm_bias = false;
    bool router_bias = false;
    bool multi_query = false;
    bool two_norms = false; ///< Falcon's newer layers
    bool ungated = false;
    bool gated = false;
    bool every_window = false; ///< all layers have it
    bool key_is_value = false;
    bool learned_positions = false;
    bool wide_borrowers = false; ///< and have FFNs of twice the width
    bool window_sinks = false;
    bool block_ffn = false;       ///< the FFN is two thirds of its width, in whole blocks
    std::vector<LayerKind> kinds; ///< as listed; empty: by the periods
    std::vector<uint64_t> ffns;   ///< of each layer; empty: all the same
    std::vector<uint64_t> layer_kv_heads;
    std::vector<uint64_t> ratios; ///< of tokens to what is kept of them; 0: all are kept
    std::vector<bool> mixtures;
};

/// Refuses numbers beyond what is taken seriously. `usual` is what the family has where the file is
/// silent, or NULL.
base::Result<ConfigNumbers> read_config_numbers(const base::JsonValue &root,
                                                const base::JsonValue *usual);

} // namespace hwa::plan
