// SPDX-License-Identifier: MIT
// What each kind of layer keeps of a token. Sources: kv_cache_interface.py and flashmla_sparse.py
// of vLLM, whose formats SGLang shares.
#include "plan/memory/rows.h"

#include "plan/shares.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using core::Layer;
using core::Mixer;

namespace {

constexpr double half = 2; ///< bytes of an input of a convolution
constexpr double whole = 4;
constexpr double scaled = 128; ///< elements of a key that share a scale in f32
constexpr double turned = 64;  ///< elements of a sparse row that stay in 16 bits
constexpr double row_scales = 16;
constexpr double compressed_scales = 8;

double real(uint64_t value) {
    return static_cast<double>(value);
}

double format_bytes(const Choice<const CacheFormat *> &chosen, core::Dtype common) {
    const CacheFormat *format = chosen ? *chosen : find_cache_format(core::dtype_name(common));
    return format == nullptr ? half : real(format->bytes) / real(format->elements);
}

double in_blocks(double tokens, uint32_t block) {
    return block == 0 ? tokens : std::ceil(tokens / block) * block;
}

double layer_bytes(const Case &one, const Layer &layer, bool windows, double tokens,
                   uint32_t block) {
    const double row = row_bytes(one, layer), index = index_bytes(layer);
    const double near = std::min(tokens, real(layer.window));
    if (layer.compression != 0)
        return in_blocks(near, block) * row + std::ceil(tokens / layer.compression) * (row + index);
    const bool slides = layer.window != 0 && windows;
    return in_blocks(slides ? near : tokens, block) * (row + index);
}

} // namespace

/// Heads are dealt out to the ranks, and repeated where there are fewer of them; a compressed row
/// is kept by all. Rows that a small attention picks have their own format in eight bits: the part
/// for positions in 16, and scales.
double row_bytes(const Case &one, const Layer &layer) {
    const double kv = real(layer.kv_heads);
    const double key = format_bytes(one.run.key_format, one.workload.cache_dtype);
    const double value = format_bytes(one.run.value_format, one.workload.cache_dtype);
    const bool joint = layer.latent_size == layer.key_size; // with the part for positions
    if (layer.mixer == Mixer::Latent && key == 1 && joint)
        return real(layer.key_size) + turned + compressed_scales;
    if (layer.mixer == Mixer::Latent && key == 1 && layer.index_size != 0)
        return real(layer.key_size) + turned + row_scales;
    const double heads = layer.mixer == Mixer::Latent
                             ? kv
                             : std::max(std::min(1.0, kv), kv / shares_of(one.run).attention);
    return heads * (real(layer.key_size) * key + real(layer.value_size) * value);
}

double index_bytes(const Layer &layer) {
    return real(layer.index_size) + whole * std::ceil(real(layer.index_size) / scaled);
}

double state_bytes(const Case &one, const Layer &layer) {
    const double inputs = real(std::min(layer.convolution, layer.state));
    return (half * inputs + whole * (real(layer.state) - inputs)) / shares_of(one.run).attention;
}

/// vLLM before 0.8 kept the whole context in layers with a window too.
bool keeps_windows(const Case &one, const EngineProfile &profile) {
    return !one.run.full_window.value_or(profile.engine == Engine::Vllm &&
                                         profile.since.value < version(0, 8).value);
}

/// What drafts is a layer like the last, however many tokens it is asked for.
double sequence_bytes(const Case &one, const Slice &slice, const EngineProfile &profile,
                      double tokens) {
    const uint32_t block = one.run.block.value_or(profile.block);
    const bool windows = keeps_windows(one, profile);
    double sum = 0;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = one.model->layers[slice.first_layer + i];
        sum += layer_bytes(one, layer, windows, tokens, block) + state_bytes(one, layer);
    }
    if (slice.output && one.run.drafts.value_or(0) != 0 && !one.model->layers.empty())
        sum += layer_bytes(one, one.model->layers.back(), false, tokens, block);
    return sum;
}

} // namespace hwa::plan
