// SPDX-License-Identifier: MIT
// Cache and working memory of engines on PyTorch and their like; docs/plan.md has the sources.
#include "plan/memory/torch_engines.h"

#include "plan/memory/pool.h"
#include "plan/memory/rows.h"
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

const Layer &layer_of(const Case &one, const Slice &slice, uint32_t i) {
    return one.model->layers[slice.first_layer + i];
}

double cache_of(const Case &one, const Slice &slice, const EngineProfile &profile) {
    const double context = real(shares_of(one.run).tokens(one.workload.context_tokens));
    return sequence_bytes(one, slice, profile, context) * sequences_of(one);
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
    const double most = real(one.run.ubatch.value_or(profile.at_once));
    const double chunk = most > 0 ? std::min(prompt, most) : prompt;
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
    const StepLimits limits = limits_of(one, profile, slice.device);
    const double layers = token_peak(one, slice) * real(limits.tokens);
    const double sampler =
        slice.output ? profile.sampler * real(limits.sequences) * real(one.model->vocabulary) : 0;
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

/// Bytes that are left for the pool of a device.
double pool_room(const Case &one, const Slice &slice, const EngineProfile &profile,
                 const Footprint &need) {
    if (one.run.cache_bytes)
        return real(*one.run.cache_bytes);
    const double memory = real(usable_memory(*slice.device));
    const double share = fill_share(one, profile, *slice.device);
    const double others = real(need.total() - need.cache);
    switch (profile.fill) {
    case Fill::Device:
        return memory * share - others;
    case Fill::Static:
        return memory * share - real(need.weights);
    case Fill::Rest:
        return share * (memory - others);
    case Fill::Needed:
        break;
    }
    return 0;
}

} // namespace

base::Done torch_bytes(const Case &one, const Slice &slice, const EngineProfile &profile,
                       Footprint &made) {
    const double cache = cache_of(one, slice, profile);
    double peak = profile.fill != Fill::Needed ? profiled_peak(one, slice, profile)
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
    const EngineProfile *profile = find_profile(one.run);
    if (profile == nullptr || profile->fill == Fill::Needed)
        return 0;
    const double room = pool_room(one, slice, *profile, need);
    if (!(room > 0))
        return 0;
    const double tokens = tokens_in(one, slice, *profile, room) * shares_of(one.run).context;
    return tokens > 0 && tokens < beyond ? static_cast<uint64_t>(tokens) : 0;
}

} // namespace hwa::plan
