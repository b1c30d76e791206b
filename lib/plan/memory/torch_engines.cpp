// SPDX-License-Identifier: MIT
// Cache and working memory of engines on PyTorch and their like; docs/plan.md has the sources.
#include "plan/memory/torch_engines.h"

#include "base/units.h"
#include "plan/shares.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

using base::Status;
using core::Layer;
using core::Mixer;
using core::Model;

namespace {

constexpr double beyond = 1e18; ///< bytes that nobody has, and that still count in 64 bits
constexpr double half = 2;      ///< bytes of what is computed
constexpr double whole = 4;
constexpr double sampler_copies =
    9.66; ///< of the logits of all sequences, in f32 (vLLM, seven logs)

double real(uint64_t value) {
    return static_cast<double>(value);
}

double attention_ranks(const Case &one) {
    return shares_of(one.run).attention;
}

/// Those beyond the slots of a server wait.
double sequences_of(const Case &one) {
    const uint64_t all = shares_of(one.run).sequences(one.workload);
    return real(std::min<uint64_t>(all, std::max(1U, one.run.sequences.value_or(UINT32_MAX))));
}

double format_bytes(const Choice<const CacheFormat *> &chosen, core::Dtype common) {
    const CacheFormat *format = chosen ? *chosen : find_cache_format(core::dtype_name(common));
    return format == nullptr ? half : real(format->bytes) / real(format->elements);
}

/// Heads are dealt out to the ranks, and repeated where there are fewer of them; a compressed row
/// is kept by all.
double layer_row(const Case &one, const Layer &layer) {
    const double heads = layer.mixer == Mixer::Latent
                             ? real(layer.kv_heads)
                             : std::max(std::min(1.0, real(layer.kv_heads)),
                                        real(layer.kv_heads) / attention_ranks(one));
    return heads *
           (real(layer.key_size) * format_bytes(one.run.key_format, one.workload.cache_dtype) +
            real(layer.value_size) * format_bytes(one.run.value_format, one.workload.cache_dtype));
}

const Layer &layer_of(const Case &one, const Slice &slice, uint32_t i) {
    return one.model->layers[slice.first_layer + i];
}

/// vLLM before 0.8 kept the whole context in layers with a window too.
bool keeps_windows(const Case &one, const EngineProfile &profile) {
    return !one.run.full_window.value_or(profile.engine == Engine::Vllm &&
                                         profile.since.value < version(0, 8).value);
}

double in_blocks(double tokens, uint32_t block) {
    return block == 0 ? tokens : std::ceil(tokens / block) * block;
}

/// What drafts is a layer like the last, however many tokens it is asked for.
double cache_of(const Case &one, const Slice &slice, const EngineProfile &profile) {
    const uint32_t block = one.run.block.value_or(profile.block);
    const double context = real(shares_of(one.run).tokens(one.workload.context_tokens));
    double sum = 0;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = layer_of(one, slice, i);
        const bool slides = layer.window != 0 && keeps_windows(one, profile);
        const double tokens = slides ? std::min(context, real(layer.window)) : context;
        sum += in_blocks(tokens, block) * layer_row(one, layer);
        sum += half * real(layer.state) / attention_ranks(one);
    }
    if (slice.output && one.run.drafts.value_or(0) != 0 && !one.model->layers.empty())
        sum += in_blocks(context, block) * layer_row(one, one.model->layers.back());
    return sum * sequences_of(one);
}

/// The widest moment of a token in the layers of a slice: the residual, what is normed, and inside
/// of the FFN gate, up and their product.
double token_peak(const Case &one, const Slice &slice) {
    double widest = 0;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = layer_of(one, slice, i);
        const double ffn =
            std::max(real(layer.ffn), real(layer.shared_ffn) + real(layer.expert_ffn));
        widest = std::max(widest, (layer.gated ? 3 : 2) * ffn);
    }
    return half * (widest / attention_ranks(one) + 4 * real(one.model->hidden_size));
}

/// Of engines that take whole prompts: while the prompt is read, the cache of what follows it is
/// not there yet.
double eager_peak(const Case &one, const Slice &slice, const EngineProfile &profile, double cache) {
    const double batch = sequences_of(one), prompt = real(one.workload.prompt_tokens);
    const double chunk =
        real(one.run.ubatch.value_or(0)) > 0 ? std::min(prompt, real(*one.run.ubatch)) : prompt;
    const double logits = (half + whole) * real(one.model->vocabulary);
    double token = token_peak(one, slice);
    if (slice.output && profile.logits == Logits::All)
        token = std::max(token, logits + half * real(one.model->hidden_size));
    const double context = std::max(1.0, real(one.workload.context_tokens));
    const double later = cache * std::max(0.0, 1 - prompt / context);
    return std::max(batch * logits, batch * chunk * token - later);
}

/// Of engines that profile their worst step before they size the cache: the sampler over all
/// sequences, or the widest layer over all tokens of a step.
double profiled_peak(const Case &one, const Slice &slice, const EngineProfile &profile) {
    const double sequences = one.run.sequences ? *one.run.sequences : profile.sequences;
    const uint64_t whole_prompts = std::max<uint64_t>(one.workload.context_tokens, 2048);
    const double tokens =
        real(one.run.ubatch.value_or(profile.at_once != 0 ? profile.at_once : whole_prompts));
    const double layers = token_peak(one, slice) * tokens;
    const double sampler =
        slice.output ? sampler_copies * whole * sequences * real(one.model->vocabulary) : 0;
    return std::max(layers, sampler);
}

/// Angles of every position, a sine and a cosine for each element of a head.
double rotary_tables(const Case &one, const Slice &slice) {
    double widths = 0;
    for (uint32_t i = 0; i < slice.layer_count; ++i)
        widths += real(layer_of(one, slice, i).key_size);
    return 2 * half * widths * real(one.model->context_limit);
}

/// One matrix in 16 bits beside the packed ones: transformers unpacks GPTQ's 4 bits into a buffer
/// for the widest of the layers, LitGPT packs what it has loaded one after the other.
double unpacked(const Case &one, const EngineProfile &profile) {
    const std::string &name = one.format.name;
    const bool layers =
        profile.engine == Engine::Transformers && name.starts_with("gptq") && name != "gptq-8bit";
    const bool all = profile.engine == Engine::LitGpt && name.starts_with("nf4");
    uint64_t widest = 0;
    for (const core::Tensor &tensor : one.model->tensors)
        if (all || (layers && tensor.layer >= 0 && !core::is_expert(tensor.role)))
            widest = std::max(widest, tensor.rows * tensor.columns);
    return half * real(widest);
}

uint64_t memory_of(const core::Device &device) {
    if (device.memories.empty())
        return 0;
    const core::Memory &main = device.memories[0];
    return main.usable_bytes != 0 ? main.usable_bytes : main.size_bytes.value;
}

/// Layers of one kind make groups of as many as the rarest kind has; pages are those of the widest
/// row, and every group takes one for each block of tokens.
double pool_row(const Case &one, const Slice &slice, const EngineProfile &profile) {
    double sum = 0, widest = 0;
    uint64_t full = 0, near = 0, recurrent = 0;
    for (uint32_t i = 0; i < slice.layer_count; ++i) {
        const Layer &layer = layer_of(one, slice, i);
        const double row = layer_row(one, layer);
        sum += row;
        widest = std::max(widest, row);
        (layer.state != 0 ? recurrent : layer.window != 0 ? near : full) += 1;
    }
    const bool grouped = profile.engine == Engine::Vllm && keeps_windows(one, profile);
    if (!grouped || near + recurrent == 0)
        return sum;
    uint64_t size = UINT64_MAX;
    for (const uint64_t count : {full, near, recurrent})
        size = count != 0 ? std::min(size, count) : size;
    uint64_t groups = 0;
    for (const uint64_t count : {full, near, recurrent})
        groups += base::divide_up(count, size);
    return widest * real(size) * real(groups);
}

} // namespace

base::Done torch_bytes(const Case &one, const Slice &slice, const EngineProfile &profile,
                       Footprint &made) {
    const double cache = cache_of(one, slice, profile);
    double peak = profile.share > 0 ? profiled_peak(one, slice, profile)
                                    : eager_peak(one, slice, profile, cache);
    peak += profile.slack * real(made.weights) + (profile.caches - 1) * cache;
    peak += unpacked(one, profile);
    if (profile.rotary_tables)
        peak += rotary_tables(one, slice);
    if (!(cache < beyond) || !(peak < beyond))
        return base::error(Status::Invalid,
                           "overflow: the cache or the buffers of %llu sequences of %llu tokens go "
                           "beyond 64 bits",
                           static_cast<unsigned long long>(one.workload.batch),
                           static_cast<unsigned long long>(one.workload.context_tokens));
    made.cache = static_cast<uint64_t>(cache);
    made.activations = static_cast<uint64_t>(std::max(0.0, peak));
    const bool linked = one.run.tensor.value_or(1) > 1 || shares_of(one.run).context > 1;
    made.workspace = linked ? profile.links : profile.runtime;
    return {};
}

uint64_t pool_tokens(const Case &one, const Slice &slice, const Footprint &need) {
    const EngineProfile *profile =
        find_profile(one.run.engine.value_or(Engine::Any), one.run.engine_version);
    if (profile == nullptr || profile->share <= 0)
        return 0;
    const uint32_t block = std::max(1U, one.run.block.value_or(profile->block));
    double room = 0;
    if (one.run.cache_bytes)
        room = real(*one.run.cache_bytes);
    else
        room = real(memory_of(*slice.device)) * one.run.memory_share.value_or(profile->share) -
               real(need.total() - need.cache);
    const double row = pool_row(one, slice, *profile) / shares_of(one.run).context;
    if (!(room > 0) || !(row > 0) || room / row > beyond)
        return 0;
    return static_cast<uint64_t>(std::floor(room / (row * block))) * block;
}

} // namespace hwa::plan
