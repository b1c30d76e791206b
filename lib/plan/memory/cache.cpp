// SPDX-License-Identifier: MIT
// Formats and rows of keys and values.
#include "plan/memory/cache.h"

namespace hwa::plan {

namespace {

// Blocks after ggml-common.h of llama.cpp; eight bits as GPU engines keep them, without scales.
constexpr CacheFormat formats[] = {
    {"f32", 1, 4},     {"f16", 1, 2},    {"bf16", 1, 2},   {"f8_e4m3", 1, 1},
    {"f8_e5m2", 1, 1}, {"i8", 1, 1},     {"q8_0", 32, 34}, {"q5_1", 32, 24},
    {"q5_0", 32, 22},  {"q4_1", 32, 20}, {"q4_0", 32, 18}, {"iq4_nl", 32, 18},
};

} // namespace

const CacheFormat *find_cache_format(std::string_view name) {
    for (const CacheFormat &format : formats)
        if (format.name == name)
            return &format;
    return nullptr;
}

LatentWidths latent_widths(const core::Model &model) {
    LatentWidths made;
    for (const core::Tensor &tensor : model.tensors)
        if (tensor.role == core::Role::QueryUp || tensor.role == core::Role::Query)
            made.queries = tensor.rows;
        else if (tensor.role == core::Role::AttentionOut)
            made.values = tensor.columns;
    return made;
}

CacheRow cache_row(const core::Layer &layer, LatentCache kept, const LatentWidths &widths) {
    const uint64_t heads = layer.kv_heads;
    const CacheRow row{heads * layer.key_size, heads * layer.value_size};
    if (layer.mixer != core::Mixer::Latent || kept == LatentCache::Row)
        return row;
    if (kept == LatentCache::RowTwice)
        return {row.keys, layer.latent_size};
    return {widths.queries, widths.values};
}

} // namespace hwa::plan
