// SPDX-License-Identifier: MIT
// Keys of each layer, by the names of llama.cpp's src/llama-arch.cpp.
#include "plan/model/gguf_layers.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Layer;
using core::Mixer;
using core::Model;
using ull = unsigned long long;

base::Error GgufShape::fault(const GgufKey &key, const char *what) const {
    return base::error(Status::Parse, "%s: byte %llu: key %s %s", name_.c_str(),
                       static_cast<ull>(key.byte), base::sanitise(key.name, 64).c_str(), what);
}

base::Result<uint32_t> GgufShape::number(const char *name, uint64_t limit, bool may_be_zero) const {
    const GgufKey *key = find(name);
    if (key == nullptr)
        return 0u;
    if (!key->whole || key->numbers.empty())
        return fault(*key, "is no whole number from 0 up");
    const uint64_t value = *std::max_element(key->numbers.begin(), key->numbers.end());
    if (value > limit)
        return fault(*key, base::format("is %llu, more than the %llu taken seriously",
                                        static_cast<ull>(value), static_cast<ull>(limit))
                               .c_str());
    if (value == 0 && !may_be_zero)
        return fault(*key, "is 0");
    return static_cast<uint32_t>(value);
}

uint32_t GgufShape::of_layer(const char *name, size_t layer, uint32_t otherwise) const {
    const GgufKey *key = find(name);
    if (key == nullptr)
        return otherwise;
    if (!key->array)
        return static_cast<uint32_t>(key->numbers[0]);
    return layer < key->numbers.size() ? static_cast<uint32_t>(key->numbers[layer]) : 0;
}

namespace {

/// Every n-th layer of these sees everything, the others look back through the window.
constexpr struct {
    std::string_view architecture;
    size_t period;
} periods[] = {
    {"gemma2", 2}, {"gemma3", 6}, {"gemma3n", 5}, {"gpt-oss", 2}, {"cohere2", 4}, {"exaone4", 4},
    {"olmo2", 4},  {"llama4", 4}, {"plamo3", 8},  {"afmoe", 4},   {"phi3", 1},
};

struct Windows {
    const GgufShape &shape;
    uint32_t tokens = 0;
    size_t period = 0; ///< 0: all layers have the window

    bool at(size_t layer) const {
        const GgufKey *pattern = shape.find("attention.sliding_window_pattern");
        if (pattern != nullptr && pattern->array)
            return layer < pattern->numbers.size() && pattern->numbers[layer] != 0;
        return period == 0 || (layer + 1) % period != 0;
    }
};

base::Result<Windows> read_windows(const GgufShape &shape) {
    Windows made{shape};
    HWA_TRY(made.tokens, shape.number("attention.sliding_window", UINT32_MAX));
    for (const auto &[architecture, period] : periods)
        if (architecture == shape.architecture())
            made.period = period;
    const GgufKey *pattern = shape.find("attention.sliding_window_pattern");
    if (pattern != nullptr && !pattern->array) {
        HWA_TRY(made.period, shape.number("attention.sliding_window_pattern", core::layer_limit));
    }
    return made;
}

/// Numbers that a recurrent layer keeps of each sequence; 0 without keys about it.
base::Result<uint64_t> read_state(const GgufShape &shape, uint64_t hidden) {
    constexpr uint64_t limit = uint64_t{1} << 20;
    HWA_TRY(const uint64_t size, shape.number("ssm.state_size", limit));
    HWA_TRY(const uint64_t inner, shape.number("ssm.inner_size", limit));
    HWA_TRY(const uint64_t groups, shape.number("ssm.group_count", limit));
    HWA_TRY(const uint64_t taps, shape.number("ssm.conv_kernel", limit));
    HWA_TRY(const uint64_t cached, shape.number("shortconv.l_cache", limit));
    HWA_TRY(const uint64_t head, shape.number("wkv.head_size", limit));
    if (cached > 0)
        return (cached - 1) * hidden;
    if (head > 0)
        return hidden * (head + 2);
    const auto channels = base::checked_mul(2 * groups, size);
    const auto kept = base::checked_mul(channels.value_or(0) + inner, taps > 0 ? taps - 1 : 0);
    const auto state = base::checked_mul(size, inner);
    return kept && state ? *kept + *state : 0;
}

/// What tensors tell of a layer: which mixers it has.
struct Seen {
    bool attention = false, recurrent = false;
};

std::vector<Seen> look(const Model &model) {
    std::vector<Seen> seen(model.layers.size());
    for (const core::Tensor &tensor : model.tensors) {
        if (tensor.layer < 0 || static_cast<size_t>(tensor.layer) >= seen.size())
            continue;
        Seen &layer = seen[static_cast<size_t>(tensor.layer)];
        layer.recurrent |= tensor.role == core::Role::Recurrent;
        layer.attention |= tensor.role >= core::Role::Query && tensor.role <= core::Role::LatentUp;
    }
    return seen;
}

base::Done read_latent(const GgufShape &shape, Model &model) {
    constexpr uint64_t limit = core::width_limit;
    HWA_TRY(const uint32_t rank, shape.number("attention.kv_lora_rank", limit));
    HWA_TRY(const uint32_t query, shape.number("attention.q_lora_rank", limit));
    HWA_TRY(const uint32_t positions, shape.number("rope.dimension_count", limit));
    // One compressed row serves as key and value.
    if (shape.find("attention.key_length_mla") == nullptr)
        return {};
    for (Layer &layer : model.layers) {
        layer.value_size = 0;
        if (rank == 0 || layer.mixer != Mixer::Attention)
            continue;
        layer.mixer = Mixer::Latent;
        layer.latent_size = rank;
        layer.query_rank = query;
        layer.position_size = positions;
    }
    return {};
}

} // namespace

base::Done read_gguf_layers(const GgufShape &shape, Model &model) {
    constexpr uint64_t limit = core::width_limit;
    HWA_TRY(uint32_t value_size, shape.number("attention.value_length", limit, false));
    HWA_TRY(const uint32_t key_window, shape.number("attention.key_length_swa", limit));
    HWA_TRY(const uint32_t value_window, shape.number("attention.value_length_swa", limit));
    HWA_TRY(const Windows windows, read_windows(shape));
    HWA_TRY(const uint64_t state, read_state(shape, model.hidden_size));
    if (value_size == 0)
        value_size = model.head_size;
    const std::vector<Seen> seen = look(model);
    for (size_t i = 0; i < model.layers.size(); ++i) {
        Layer &layer = model.layers[i];
        layer.heads = shape.of_layer("attention.head_count", i, model.heads);
        layer.kv_heads = shape.of_layer("attention.head_count_kv", i, layer.heads);
        layer.window = windows.tokens != 0 && windows.at(i) ? windows.tokens : 0;
        const bool narrow = layer.window != 0;
        layer.key_size = narrow && key_window != 0 ? key_window : model.head_size;
        layer.value_size = narrow && value_window != 0 ? value_window : value_size;
        layer.state = seen[i].recurrent ? state : 0;
        const bool attends = seen[i].attention || !seen[i].recurrent;
        layer.mixer = attends ? Mixer::Attention : Mixer::Recurrent;
        if (!attends)
            layer.kv_heads = 0;
    }
    return read_latent(shape, model);
}

} // namespace hwa::plan
