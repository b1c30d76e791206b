// SPDX-License-Identifier: MIT
// Mixes: which number format each tensor of a model gets when its weights are converted.
#pragma once

#include "core/model.h"
#include "plan/model/ggml_types.h"

#include <cstdint>
#include <string_view>

namespace hwa::plan {

/// Elements of a row that share scales, and their bytes.
struct Block {
    uint32_t elements = 1;
    uint32_t bytes = 1;
};

/// Who converts, and by which rules.
enum class MixKind : uint8_t {
    Llama,  ///< llama.cpp's quantiser: a format for each kind of tensor, by `ftype`
    Mlx,    ///< MLX: linear layers and embeddings, in groups along the rows
    Packed, ///< checkpoints for GPU engines: linear layers inside of the layers, the rest 16 bit
};

/// llama.cpp's mixes, as far as their rules differ from "everything in the base format".
enum class Ftype : uint8_t {
    Plain,
    Q2_K,
    Q2_K_S,
    Q3_K_S,
    Q3_K_M,
    Q3_K_L,
    Q4_K_S,
    Q4_K_M,
    Q5_K_M,
    IQ1_S,
    IQ1_M,
    IQ2_XXS,
    IQ2_XS,
    IQ2_S,
    IQ2_M,
    IQ3_XXS,
    IQ3_XS,
    IQ3_S,
    IQ3_M,
    IQ4_XS,
    IQ4_NL,
    Q4_0,
    Q5_0,
    Ternary,
    Mxfp4,
};

/// One mix by name.
struct Mix {
    const char *name;
    MixKind kind = MixKind::Packed;
    core::Dtype dtype = core::Dtype::Unknown; ///< of most weights, where it has a name
    Block block;                              ///< of the matrices
    Ftype ftype = Ftype::Plain;
    uint8_t base = 0;        ///< Llama: id of the GGUF type
    uint8_t edges = 0;       ///< Llama: type of embedding and output; 0: by the rules
    bool weighed = false;    ///< Llama: by an importance matrix
    uint32_t per_row = 0;    ///< bytes of each row besides
    uint32_t per_column = 0; ///< and of each column
    uint32_t square = 0;     ///< side of the squares that share an f32 scale
    bool experts_only = false;
};

/// The mix of that name whatever its case, or NULL.
const Mix *find_mix(std::string_view name);

/// True of names that differ in case at most.
bool same_mix(std::string_view a, std::string_view b);

/// The mix with matrices in that format, or NULL.
const Mix *mix_of(core::Dtype dtype);

/// In blocks of 32 with a scale of one byte, as experts are published that stay so.
inline uint64_t mxfp4_bytes(const core::Tensor &tensor) {
    return tensor.parameters() / 32 * 17;
}

/// Bytes of a model's tensors in a mix, which is asked for them in order, layer by layer.
class Packer {
  public:
    Packer(const core::Model &model, const Mix &mix);
    uint64_t bytes(const core::Tensor &tensor);

  private:
    GgmlId llama(const core::Tensor &tensor);
    GgmlId low(const core::Tensor &tensor, GgmlId type);
    GgmlId value(GgmlId type);
    GgmlId down(GgmlId type, uint32_t layer) const;
    GgmlId out(GgmlId type) const;
    GgmlId edge(const core::Tensor &tensor, GgmlId type) const;
    uint64_t mlx(const core::Tensor &tensor) const;
    uint64_t packed(const core::Tensor &tensor) const;
    bool stays_whole(const core::Tensor &draft) const;
    bool more(uint32_t index, uint32_t count) const;
    uint64_t halves(const core::Tensor &up, GgmlId wanted) const;

    const core::Model &model_;
    const Mix &mix_;
    uint32_t layers_;
    uint32_t values_ = 0;      ///< tensors that make values, one for each layer with attention
    uint32_t met_ = 0;         ///< of these
    uint64_t queries_ = 0;     ///< rows of the matrix that made queries last
    bool shares_four_ = false; ///< four query heads or more to a key
    bool eight_experts_ = false;
    bool mixture_ = false;
    bool falcon_ = false;
    bool seventy_ = false; ///< the class that llama.cpp calls 70B
    bool drafts_ = false;  ///< are converted too
};

} // namespace hwa::plan
