// SPDX-License-Identifier: MIT
// Pace: how far engines reach into the peaks of devices, and what each step costs besides. Every
// constant is a default times the factors of the table that match a setting; the table is made by
// bench/accuracy/fit_inference.py and knows engines, chips and formats, never a model.
#pragma once

#include "plan/case.h"
#include "plan/time/chip.h"

#include <cstdint>
#include <span>

namespace hwa::plan {

enum class Pace : uint8_t {
    // Products with weights.
    Memory,        ///< share of the bandwidth at which weights are read
    Compute,       ///< share of the peak rate
    Rows,          ///< tokens that the kernels compute besides those there are
    Vector,        ///< share of the peak rate, of kernels for a few tokens
    Variety,       ///< exponent of the tokens that choose experts as if at random
    ExpertMemory,  ///< the same three of routed experts, as factors of those above
    ExpertCompute, ///<
    ExpertRows,    ///< tokens for each expert
    Skew,          ///< of experts over ranks: what the fullest has beyond its share
    // Attention.
    CacheMemory,     ///< share of the bandwidth at which keys and values are read
    PromptAttention, ///< share of the 16-bit peak rate
    TokenAttention,  ///< likewise, of latent attention
    Scores,          ///< bytes moved for each pair of tokens, without flash attention
    Scan,            ///< times that a prompt's token reads and writes the state
    Copies,          ///< times that the cache is copied for each token
    // Beside the work: seconds.
    Layer,
    Dispatch, ///< of the host for a layer, where it gives out each operation by itself
    ExpertLayer,
    ExpertCall, ///< for each expert, where each is multiplied by a call of its own
    RecurrentLayer,
    LatentLayer,
    IndexLayer, ///< one that picks the tokens to look at
    Step,
    Sequence,   ///< for each sequence of a step
    Hop,        ///< from one stage to the next
    Reduce,     ///< one all-reduce, for each doubling of its ranks
    ReduceLink, ///< share of the link's bandwidth
    Exchange,   ///< one all-to-all
    ExchangeLink,
    Overlap, ///< share of a prompt's stages that run at once
    // Serving.
    Interleave, ///< share of other prompts' time that a token waits for
    Arrival,    ///< seconds until a prompt is begun
    Wait,       ///< steps until then
    Prompt,     ///< times of one prompt until its first token
    Burst,      ///< likewise, for each other sequence
    Queue,      ///< likewise, times the share of time that prompts take
    // Errors: what 80 % of the times stay within.
    TokenError,
    PromptError,
};
inline constexpr size_t pace_count = static_cast<size_t>(Pace::PromptError) + 1;

/// Bits of Setting::traits.
enum Trait : uint32_t {
    TraitPlainAttention = 1 << 0, ///< no flash attention
    TraitNoGraphs = 1 << 1,
    TraitLatent = 1 << 2,
    TraitExperts = 1 << 3,
    TraitUnified = 1 << 4,   ///< memory shared with the processor
    TraitNetwork = 1 << 5,   ///< stages on different machines
    TraitPlainBlas = 1 << 6, ///< not by the vendor's library of tuned products
    TraitAmdvlk = 1 << 7,    ///< AMD's own Vulkan driver
    TraitApart = 1 << 8,     ///< prompts on other devices than tokens
    TraitPacked = 1 << 9,    ///< weights alone are of few bits, and products of 16
};

/// What a constant may depend on.
struct Setting {
    Engine engine = Engine::Any;
    Backend backend = Backend::Any;
    ChipClass chip = ChipClass::Other;
    uint8_t bits = 16; ///< of a weight: 16, 8 or 4
    uint32_t traits = 0;
    Version version; ///< of the engine; 0: not known
};

/// A factor of a constant where everything that it names is so.
struct PaceFactor {
    Pace pace;
    Engine engine;   ///< Any: every one
    Backend backend; ///< likewise
    int8_t chip;     ///< of ChipClass; -1: every one
    uint8_t bits;    ///< 0: every one
    uint32_t traits; ///< all of these
    double factor;
    Version version = {}; ///< 0: every one
};

/// The published table, by pace and engine.
std::span<const PaceFactor> pace_table();

/// `table` is ordered by pace, and then by engine.
double pace_of(Pace pace, const Setting &setting, std::span<const PaceFactor> table);

/// By the name in the table; pace_count for none.
size_t pace_from_name(std::string_view name);

} // namespace hwa::plan
