// SPDX-License-Identifier: MIT
// The table of engines.
#include "plan/memory/engines.h"

#include "base/units.h"

namespace hwa::plan {

namespace {

using base::MiB;

// vLLM and SGLang: defaults of their arguments; `runtime` and `links` the medians of 18 start-up
// logs (what is neither weights nor the profiled peak). transformers: before 4.36 a step makes all
// keys and values anew, 4.45 makes logits of the last position alone, and 4.46 was seen without
// tables in each layer; the slack is that of Qwen2.5 from 3B to 72B in 16 and 4 bits. The others:
// defaults of their documents, with no run compared.
constexpr EngineProfile profiles[] = {
    {Engine::Vllm, {0}, 16, 0.9, 0, 256, Logits::Last, false, 1, 0, 72 * MiB, 210 * MiB},
    {Engine::Vllm, version(0, 8), 16, 0.9, 8192, 256, Logits::Last, false, 1, 0, 72 * MiB,
     210 * MiB},
    {Engine::Vllm, version(0, 21), 16, 0.9, 8192, 256, Logits::Last, false, 1, 0, 600 * MiB,
     800 * MiB},
    {Engine::Sglang, {0}, 1, 0.88, 8192, 256, Logits::Last, false, 1, 0, 72 * MiB, 210 * MiB},
    {Engine::TensorRtLlm, {0}, 32, 0.9, 8192, 256, Logits::Last, false, 1, 0, 100 * MiB, 392 * MiB},
    {Engine::Transformers, {0}, 0, 0, 0, 0, Logits::All, false, 2, 0.005, 32 * MiB, 0},
    {Engine::Transformers, version(4, 36), 0, 0, 0, 0, Logits::All, true, 1, 0.005, 32 * MiB, 0},
    {Engine::Transformers, version(4, 45), 0, 0, 0, 0, Logits::Last, false, 1, 0.005, 32 * MiB, 0},
    {Engine::LitGpt, {0}, 0, 0, 0, 0, Logits::All, false, 1, 0.005, 32 * MiB, 0},
    {Engine::Torch, {0}, 0, 0, 0, 0, Logits::All, false, 1, 0.005, 32 * MiB, 0},
    {Engine::Mlx, {0}, 256, 0, 2048, 0, Logits::Last, false, 1, 0, 0, 0},
};

} // namespace

const EngineProfile *find_profile(Engine engine, const Choice<Version> &given) {
    const EngineProfile *found = nullptr;
    for (const EngineProfile &profile : profiles)
        if (profile.engine == engine && (!given || profile.since.value <= given->value))
            found = &profile;
    return found;
}

} // namespace hwa::plan
