// SPDX-License-Identifier: MIT
// The table of engines.
#include "plan/memory/engines.h"

#include "base/units.h"

#include <algorithm>
#include <string>

namespace hwa::plan {

namespace {

using base::GiB;
using base::MiB;

// vLLM: `runtime` and `links` are the medians of 18 start-up logs, what is neither weights nor the
// profiled peak. Its sampler: before 0.8 fitted to seven logs; then logits in 16 bits and in f32,
// and a sort with its numbers and its copy; without the sort logits twice and probabilities.
constexpr EngineProfile vllm = {.engine = Engine::Vllm,
                                .since = {0},
                                .fill = Fill::Device,
                                .share = 0.9,
                                .block = 16,
                                .sequences = 256,
                                .sampler = 9.66 * 4,
                                .runtime = 72 * MiB,
                                .links = 210 * MiB};

constexpr EngineProfile vllm_since(Version since, double sampler) {
    EngineProfile made = vllm;
    made.since = since;
    made.at_once = 2048;
    made.larger = true;
    made.sampler = sampler;
    made.close_kinds = 1.25;
    return made;
}

constexpr EngineProfile vllm_now(Version since, uint64_t runtime, uint64_t links) {
    EngineProfile made = vllm_since(since, 10);
    made.share = 0.92;
    made.close_kinds = 1.5;
    made.in_flight = 2;
    made.by_request = true;
    made.runtime = runtime;
    made.links = links;
    return made;
}

// transformers: before 4.36 a step makes all keys and values anew, 4.45 makes logits of the last
// position alone, and 4.46 was seen without tables in each layer; the slack is that of Qwen2.5 from
// 3B to 72B in 16 and 4 bits.
constexpr EngineProfile eager(Engine engine, Version since = {0}, Logits logits = Logits::All,
                              bool rotary_tables = false, uint8_t caches = 1) {
    return {.engine = engine,
            .since = since,
            .logits = logits,
            .rotary_tables = rotary_tables,
            .caches = caches,
            .slack = 0.005,
            .runtime = 32 * MiB};
}

constexpr EngineProfile sglang(Version since, double share) {
    return {.engine = Engine::Sglang,
            .since = since,
            .fill = Fill::Static,
            .share = share,
            .block = 1,
            .at_once = 8192,
            .sequences = 256,
            .sampler = 10,
            .runtime = 72 * MiB,
            .links = 210 * MiB};
}

constexpr EngineProfile profiles[] = {
    vllm,
    vllm_since(version(0, 8), 30),
    vllm_since(version(0, 15), 10),
    vllm_now(version(0, 20), 72 * MiB, 210 * MiB),
    vllm_now(version(0, 21), 600 * MiB, 800 * MiB), // graphs are counted
    sglang({0}, 0.88),
    sglang(version(0, 5, 4), 0),
    // kv_cache_config.free_gpu_memory_fraction and max_num_tokens, of its LLM API.
    {.engine = Engine::TensorRtLlm,
     .fill = Fill::Rest,
     .share = 0.9,
     .block = 32,
     .at_once = 8192,
     .sequences = 256,
     .sampler = 10,
     .runtime = 100 * MiB,
     .links = 392 * MiB},
    eager(Engine::Transformers, {0}, Logits::All, false, 2),
    eager(Engine::Transformers, version(4, 36), Logits::All, true),
    eager(Engine::Transformers, version(4, 45), Logits::Last),
    eager(Engine::LitGpt),
    eager(Engine::Torch),
    {.engine = Engine::Mlx, .block = 256, .at_once = 2048},
};

// What SGLang's server_args.py keeps free by the memory of a device: prompts are read in chunks of
// `tokens`, and steps are recorded for up to `steps` sequences, `wide_steps` from four ranks on.
struct Reserve {
    uint64_t below;
    uint64_t tokens, steps, wide_steps;
};

constexpr Reserve reserves[] = {
    {20 * GiB, 2048, 8, 8},      {35 * GiB, 2048, 24, 80},      {60 * GiB, 4096, 32, 160},
    {160 * GiB, 8192, 256, 512}, {UINT64_MAX, 16384, 512, 512},
};
constexpr uint64_t large_device = 60 * GiB, least_of_large = 10 * GiB;

const Reserve &reserve_of(uint64_t memory) {
    return *std::find_if(std::begin(reserves), std::end(reserves),
                         [&](const Reserve &one) { return memory < one.below; });
}

double sglang_share(const Run &run, uint64_t memory) {
    const Reserve &one = reserve_of(memory);
    const uint64_t ranks = std::max(1U, run.tensor.value_or(1));
    const uint64_t devices = ranks * std::max(1U, run.pipeline.value_or(1));
    uint64_t kept = 512 * MiB + one.tokens * 3 / 2 * MiB +
                    (ranks < 4 ? one.steps : one.wide_steps) * 2 * MiB + devices * GiB / 8;
    if (memory > large_device)
        kept = std::max(kept, least_of_large);
    return kept < memory ? 1 - static_cast<double>(kept) / static_cast<double>(memory) : 0;
}

/// What macOS lets a GPU keep of the memory that it shares, where nothing lower is known.
double metal_share(const core::Device &device) {
    const uint64_t size = device.memories.empty() ? 0 : device.memories[0].size_bytes.value;
    if (device.vendor.value != "apple" || usable_memory(device) < size)
        return 1;
    return size < 36 * GiB ? 2.0 / 3 : 0.75;
}

/// vLLM takes larger steps on devices of 70 GiB and more, but for the A100.
bool is_larger(const core::Device &device) {
    const std::string &name = device.name.value;
    const bool small = name.find("A100") != name.npos || name.find("a100") != name.npos;
    return usable_memory(device) >= 70 * GiB && !small;
}

} // namespace

const EngineProfile *find_profile(Engine engine, const Choice<Version> &given) {
    const EngineProfile *found = nullptr;
    for (const EngineProfile &profile : profiles)
        if (profile.engine == engine && (!given || profile.since.value <= given->value))
            found = &profile;
    return found;
}

const EngineProfile *find_profile(const Run &run) {
    return find_profile(run.engine.value_or(Engine::Any), run.engine_version);
}

StepLimits limits_of(const Case &one, const EngineProfile &profile, const core::Device *device) {
    const uint64_t times = profile.larger && device != nullptr && is_larger(*device) ? 4 : 1;
    uint64_t tokens = times * profile.at_once;
    if (profile.engine == Engine::Sglang && device != nullptr && usable_memory(*device) != 0)
        tokens = reserve_of(usable_memory(*device)).tokens;
    if (tokens == 0)
        tokens = std::max<uint64_t>(one.workload.context_tokens, 2048);
    StepLimits made{one.run.ubatch.value_or(tokens), times * profile.sequences};
    if (one.run.sequences)
        made.sequences = *one.run.sequences;
    if (profile.at_once != 0)
        made.sequences = std::min(made.sequences, made.tokens);
    return made;
}

double fill_share(const Case &one, const EngineProfile &profile, const core::Device &device) {
    if (one.run.memory_share)
        return *one.run.memory_share;
    if (profile.engine == Engine::Mlx)
        return metal_share(device);
    if (profile.fill == Fill::Needed)
        return 1;
    return profile.share > 0 ? profile.share : sglang_share(one.run, usable_memory(device));
}

uint64_t usable_memory(const core::Device &device) {
    if (device.memories.empty())
        return 0;
    const core::Memory &main = device.memories[0];
    return main.usable_bytes != 0 ? main.usable_bytes : main.size_bytes.value;
}

} // namespace hwa::plan
