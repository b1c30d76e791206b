// SPDX-License-Identifier: MIT
// Families of networks: what sets the layers of each apart from those of Llama.
#pragma once

#include <cstdint>
#include <string_view>

namespace hwa::plan {

/// What a family has that Llama, with gated FFNs, two norms and no biases, has not.
enum Trait : uint64_t {
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
    Sinks = 1 << 17,            ///< one number for each query head
    HalfFfn = 1 << 18,          ///< the width stated is that of both gate and up together
    NoNorms = 1 << 19,          ///< norms without weights
    QkvBiasOnly = 1 << 20,      ///< attention_bias leaves the matrix that leads out without one
    NormAsked = 1 << 21,        ///< queries and keys have norms only where the file says so
    FusedQkv = 1 << 22,         ///< one matrix for queries, keys and values
    FusedGate = 1 << 23,        ///< one for gate and up
    OutputGate = 1 << 24,       ///< attention: a gate as wide as the queries
    SingleParts = 1 << 25,      ///< a layer is attention, FFN or recurrent, with one norm
    RecurrentFfn = 1 << 26,     ///< recurrent layers have no FFN
    SideBySide = 1 << 27,       ///< attention and recurrence in each layer
    Whole = 1 << 28,            ///< attention looks ahead too, and nothing is kept
    Types = 1 << 29,            ///< embedding of token types
    Pooler = 1 << 30,           ///< a square matrix at the end
    NoOutput = 1ULL << 31,      ///< ends in hidden states
    AttentionNorm = 1ULL << 32, ///< a norm over what leads out of attention
    SharedMlp = 1ULL << 33,     ///< a dense FFN beside the experts, of shared_ffn
    RouterBias = 1ULL << 34,
    Masks = 1ULL << 35,         ///< checkpoints hold the mask of each layer, or of every n-th
    SharedExperts = 1ULL << 36, ///< one shared expert although the file gives no number
    LateExperts = 1ULL << 37,   ///< intermediate_size_mlp is the width of dense layers
    OutputLayers = 1ULL << 38,  ///< a head of a masked language model
    KeyIsValue = 1ULL << 39,    ///< full layers have one matrix for both
    BothFfns = 1ULL << 40,      ///< experts beside a dense FFN, each behind norms of its own
    Compressed = 1ULL << 41,    ///< DeepSeek V4: one row for keys and values, of several tokens
    TwoSided = 1ULL << 42,      ///< an encoder, and a decoder that attends to its rows too
    Buckets = 1ULL << 43,       ///< a number for each head and distance, on each side
    DraftTables = 1ULL << 44,   ///< what predicts further tokens has tables of its own
    DenseDrafts = 1ULL << 45,   ///< and a dense FFN
    HeadGate = 1ULL << 46,      ///< attention: one gate for each query head
    HyperPaths = 1ULL << 47,    ///< several residual streams, mixed before and after each half
    Score = 1ULL << 48,         ///< ends in one number
    BareFirst = 1ULL << 49,     ///< no norm before the attention of the first layer
    Angles = 1ULL << 50,        ///< checkpoints hold the angles by which each layer turns positions
    OneAngles = 1ULL << 51,     ///< or those of all layers, of which half the pairs turn
    Gpt = QkvBias | OutBias | FfnBias | NormBias | Ungated,
    Bert = Gpt | Whole | Positions | Types | EmbeddingNorm | NoOutput,
};

/// How a family's recurrent layers are made.
enum class Recurrence : uint8_t {
    None,
    Mamba,
    Mamba2,
    Delta,
    KimiDelta,
    ShortConvolution,
    Lightning
};

struct Family {
    std::string_view name; ///< model_type
    uint64_t traits = 0;
    Recurrence recurrence = Recurrence::None;
    uint8_t period = 0; ///< every n-th layer is the odd one: full among windows or recurrence
    uint8_t drafts = 0; ///< layers published that predict further tokens
};

/// The row of that name, or NULL.
const Family *find_family(std::string_view name);

} // namespace hwa::plan
