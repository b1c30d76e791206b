// SPDX-License-Identifier: MIT
// Packing: what a config.json says that the weights of a checkpoint are packed into.
#pragma once

#include "base/json.h"
#include "core/dtype.h"
#include "plan/model/mix.h"

namespace hwa::plan {

struct Packing {
    const Mix *mix = nullptr; ///< NULL: they are not packed, or in a way not known
    core::Dtype dtype = core::Dtype::Unknown;
    bool fp4_experts = false; ///< which have a format of their own
    uint32_t bits = 0;        ///< of integers that share a wider one
};

/// By quantization_config, or quantization as MLX writes it.
base::Result<Packing> read_packing(const base::JsonValue &root);

/// Puts the bytes of every tensor as published; what is not packed has the format `base`.
void set_published_bytes(core::Model &model, core::Dtype base, const Packing &packing);

} // namespace hwa::plan
