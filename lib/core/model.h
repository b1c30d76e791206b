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
    uint64_t buffer = 0; ///< numbers that checkpoints count and nobody computes with or trains

    uint64_t parameters() const { return matrix + plain + buffer; }
};

/// How a layer mixes tokens.
enum class Mixer : uint8_t {
    None,      ///< it does not
    Attention, ///< keys and values of each token
    Latent,    ///< attention over one compressed row for each token
    Recurrent, ///< a state of fixed size for each sequence
};

/// One layer: its weights, what it keeps of each token, and the widths of what it computes. A width
/// of 0 is one the layer does not have, or nobody stated.
struct Layer {
    Weights weights;
    Mixer mixer = Mixer::Attention;
    uint32_t heads = 0; ///< of queries
    uint32_t kv_heads = 0;
    uint32_t key_size = 0;      ///< width of a head's key
    uint32_t value_size = 0;    ///< and of its value
    uint32_t window = 0;        ///< tokens it looks back on; 0: all
    uint32_t query_rank = 0;    ///< Latent: of the compressed query; 0: not compressed
    uint32_t latent_size = 0;   ///< Latent: of the compressed row, without the part for positions
    uint32_t position_size = 0; ///< Latent: of that part, shared by the heads
    uint32_t compression = 0;   ///< tokens that one row stands for, beside those of the window
    uint32_t index_heads = 0;   ///< of a small attention that picks rows
    uint32_t index_size = 0;    ///< of the key that it picks them by
    uint32_t index_tokens = 0;  ///< that it picks; 0: all
    uint64_t state = 0;         ///< Recurrent: numbers kept of each sequence
    uint64_t convolution = 0;   ///< of these, the last inputs of a convolution
    uint32_t ffn = 0;           ///< of the dense FFN
    uint32_t experts = 0;
    uint32_t experts_per_token = 0;
    uint32_t expert_ffn = 0; ///< of one routed expert
    uint32_t shared_ffn = 0; ///< of all shared experts together
    bool gated = true;       ///< the FFN has a gate beside its two matrices
    bool crosses = false;    ///< it attends to the rows of an encoder besides its own

    /// Encoders attend too, though they keep nothing of it.
    bool attends() const {
        return mixer == Mixer::Attention || mixer == Mixer::Latent ||
               (mixer == Mixer::None && heads != 0);
    }
};

/// What a tensor is for. Formats, splits over devices and recipes go by it.
enum class Role : uint8_t {
    Embedding,
    Output,
    Position, ///< embedding of positions or token types
    Norm,
    Bias,
    Query,
    Key,
    Value,
    QueryKeyValue,
    AttentionOut,
    QueryDown, ///< Latent: to the compressed query
    QueryUp,
    LatentDown, ///< Latent: to the compressed row
    LatentUp,
    Gate,
    Up,
    GateUp,
    Down,
    Router,
    ExpertGate,
    ExpertUp,
    ExpertGateUp,
    ExpertDown,
    SharedGate,
    SharedUp,
    SharedGateUp,
    SharedDown,
    Recurrent,   ///< matrices of recurrent layers
    Convolution, ///< of a few tokens in recurrent layers
    Decay,       ///< numbers of recurrent layers that stay as fine as norms
    Tower,       ///< of images or sound: engines keep it whole
    Draft,       ///< of layers that predict further tokens: loaded only where these are used
    Buffer,      ///< what checkpoints hold although engines compute it
    Other,
};

inline constexpr size_t role_count = static_cast<size_t>(Role::Other) + 1;

/// True of what stays as it is whatever the format: norms, biases, routers, positions.
bool is_plain(Role role);
/// True of the matrices of routed experts.
bool is_expert(Role role);

/// One tensor, or as many of one shape as there are experts.
struct Tensor {
    Role role = Role::Other;
    int32_t layer = -1;   ///< -1: outside of the layers
    uint64_t columns = 0; ///< length of a row: what packing goes by
    uint64_t rows = 0;    ///< of all matrices together
    uint64_t bytes = 0;   ///< as published

    uint64_t parameters() const { return columns * rows; }
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
    std::string source;           ///< path that it was read from
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
    std::vector<Tensor>
        tensors; ///< by layer, those outside first; empty where only totals are known
    Weights embedding;
    Weights output;               ///< empty when the embedding serves as output too
    Weights other;                ///< towers and drafts among them
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

/// Sums the tensors into the weights of each part.
void sum_tensors(Model &model);

/// Sums the weights into `parameters` and `active_parameters` where these are 0.
void count_parameters(Model &model);

} // namespace hwa::core
