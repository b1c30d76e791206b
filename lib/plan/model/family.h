// SPDX-License-Identifier: MIT
// Families of decoders: which tensors a layer has, so that a config.json gives exact counts.
#pragma once

#include "base/status.h"
#include "core/model.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::plan {

/// Numbers of a config.json, 0 where it is silent.
struct ConfigNumbers {
    std::string family; ///< model_type
    uint64_t layers = 0;
    uint64_t hidden = 0;
    uint64_t heads = 0;
    uint64_t kv_heads = 0;
    uint64_t head_dim = 0;
    uint64_t ffn = 0;
    uint64_t vocabulary = 0;
    uint64_t context = 0;
    uint64_t experts = 0;
    uint64_t experts_per_token = 0;
    uint64_t expert_ffn = 0;
    uint64_t shared_experts = 0;
    uint64_t shared_ffn = 0;   ///< of all shared experts together
    uint64_t dense_layers = 0; ///< the first ones of a mixture, which have no experts
    uint64_t expert_step = 1;  ///< every n-th layer has experts
    uint64_t query_rank = 0;   ///< latent attention
    uint64_t kv_rank = 0;
    uint64_t nope_dim = 0;
    uint64_t rope_dim = 0;
    uint64_t value_dim = 0;
    int tied = -1; ///< 1, 0, or -1 when not said
    bool attention_bias = false;
    bool ffn_bias = false;
    bool router_bias = false;
    bool multi_query = false;
    bool two_norms = false; ///< Falcon's newer layers
};

/// Fills the shape and the weight counts of `model`. False if the family is not known and plain
/// decoder layers were assumed. Fails where the counts overflow.
base::Result<bool> fill_family(const ConfigNumbers &numbers, core::Model &model);

} // namespace hwa::plan
