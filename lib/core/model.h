// SPDX-License-Identifier: MIT
// Model: the shape of a network and the bytes of its weights, without the weights.
#pragma once

#include "base/status.h"
#include "core/dtype.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::core {

/// Bounds on what a description may claim; anything beyond them is a mistake or an attack.
inline constexpr uint64_t parameter_limit = 1000000000000000; ///< 10^15
inline constexpr uint64_t layer_limit = 4096;
inline constexpr uint64_t width_limit = uint64_t{1} << 30; ///< of any row, vocabulary or head count

/// Weights of one part of a model. Formats pack `matrix`; `plain` stays as it is.
struct Weights {
    uint64_t matrix = 0; ///< parameters in matrices, experts included
    uint64_t expert = 0; ///< of those, in routed experts
    uint64_t plain = 0;  ///< parameters of norms, biases and routers
    uint64_t bytes = 0;  ///< as published
    uint64_t expert_bytes = 0;

    uint64_t parameters() const { return matrix + plain; }
};

/// One layer: its weights and what it keeps of each token.
struct Layer {
    Weights weights;
    uint32_t kv_heads = 0;
    uint32_t key_size = 0;   ///< width of a head's key
    uint32_t value_size = 0; ///< and of its value
};

/// Published weights of one format, under the name the file gives it.
struct TypeTotal {
    std::string name; ///< "q4_k", "iq2_xs", "bf16"
    Dtype dtype = Dtype::Unknown;
    uint64_t tensors = 0;
    uint64_t parameters = 0;
    uint64_t bytes = 0;
};

/// Bits of Model::estimated: the fields that nobody stated.
enum ModelField : uint32_t {
    FieldDtype = 1 << 0,
    FieldLayers = 1 << 1,
    FieldHidden = 1 << 2,
    FieldFfn = 1 << 3,
    FieldHeads = 1 << 4,
    FieldKvHeads = 1 << 5,
    FieldHeadSize = 1 << 6,
    FieldVocabulary = 1 << 7,
    FieldContext = 1 << 8,
    FieldParameters = 1 << 9,
    FieldActive = 1 << 10,
    FieldLayerWeights = 1 << 11, ///< how the parameters spread over the layers
};

/// How far the weight bytes can be trusted.
enum class Inventory { Estimated, Formula, Exact };

/// A network. Numbers that are 0 and text that is empty are not known.
struct Model {
    std::string name;
    std::string architecture;     ///< "llama", "qwen2"
    std::string recipe;           ///< name of the published mix of formats, such as "Q4_K_M"
    Dtype dtype = Dtype::Unknown; ///< that most of the weight bytes have
    uint64_t parameters = 0;
    uint64_t active_parameters = 0; ///< per token
    uint32_t hidden_size = 0;
    uint32_t ffn_size = 0; ///< the widest, all experts of one token together
    uint32_t heads = 0;
    uint32_t kv_heads = 0;
    uint32_t head_size = 0;
    uint32_t vocabulary = 0;
    uint32_t context_limit = 0;
    uint32_t experts = 0;
    uint32_t experts_per_token = 0;

    std::vector<Layer> layers;
    Weights embedding;
    Weights output; ///< empty when the embedding serves as output too
    Weights other;
    std::vector<TypeTotal> types; ///< by name, ascending; empty without a tensor inventory
    Inventory inventory = Inventory::Estimated;
    uint32_t estimated = 0; ///< ModelField
    std::vector<std::string> notes;

    bool tied() const { return output.parameters() == 0; }
    uint64_t weight_bytes() const;
};

/// What a caller may say of a model; 0 means not said.
struct ModelNumbers {
    std::string name;
    std::string architecture;
    Dtype dtype = Dtype::Unknown;
    uint64_t parameters = 0;
    uint64_t active_parameters = 0;
    uint32_t layers = 0;
    uint32_t hidden_size = 0;
    uint32_t ffn_size = 0;
    uint32_t heads = 0;
    uint32_t kv_heads = 0;
    uint32_t head_size = 0;
    uint32_t vocabulary = 0;
    uint32_t context_limit = 0;
    uint32_t experts = 0;
    uint32_t experts_per_token = 0;
};

/// A model from numbers, those not said taken from the usual shape of that size.
base::Result<Model> model_from_numbers(const ModelNumbers &numbers);

/// Sums the weights into `parameters` and `active_parameters` where these are 0.
void count_parameters(Model &model);

} // namespace hwa::core
