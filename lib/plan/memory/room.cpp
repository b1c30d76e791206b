// SPDX-License-Identifier: MIT
// What a case needs against what its devices have.
#include "plan/memory/room.h"

#include "base/text.h"
#include "plan/memory/torch_engines.h"
#include "plan/words.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Device;

namespace {

uint64_t memory_of(const Device &device) {
    if (device.memories.empty())
        return 0;
    const core::Memory &main = device.memories[0];
    return main.usable_bytes != 0 ? main.usable_bytes : main.size_bytes.value;
}

uint64_t share_of(uint64_t bytes, double share) {
    return share >= 1 ? bytes : static_cast<uint64_t>(static_cast<double>(bytes) * share);
}

struct Lack {
    const Device *device = nullptr;
    uint64_t needed = 0;
    uint64_t usable = 0;

    uint64_t bytes() const { return needed > usable ? needed - usable : 0; }
};

base::Error no_room(const Case &one, const Lack &lack) {
    const Device &device = *lack.device;
    const std::string name = device.name.value.empty() ? device.id : device.name.value;
    return base::error(
        Status::NoFit, "%s needs %s at %s on %s, %s usable: %s short",
        one.model->name.empty() ? "the model" : base::sanitise(one.model->name, 64).c_str(),
        bytes_text(lack.needed).c_str(), one.format.name.c_str(), base::sanitise(name, 48).c_str(),
        bytes_text(lack.usable).c_str(), bytes_text(lack.bytes()).c_str());
}

} // namespace

base::Done check_room(const Case &one, std::span<const Stage> stages, double headroom) {
    const EngineProfile *profile =
        find_profile(one.run.engine.value_or(Engine::Any), one.run.engine_version);
    const bool shares = profile != nullptr && profile->share > 0 && !one.workload.trains();
    const double share =
        shares ? one.run.memory_share.value_or(profile->share) : 1 - std::max(0.0, headroom);
    Lack worst;
    for (const Stage &stage : stages) {
        const uint64_t memory = memory_of(*stage.device);
        Lack lack{stage.device, stage.footprint.total(), share_of(memory, share)};
        if (stage.device->kind == core::Kind::Cpu)
            lack.needed += stage.footprint.offload;
        if (memory != 0 && (worst.device == nullptr || lack.bytes() > worst.bytes()))
            worst = lack;
    }
    if (worst.bytes() != 0)
        return no_room(one, worst);
    return {};
}

uint64_t pool_tokens(const Case &one, std::span<const Stage> stages) {
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < stages.size(); ++i)
        least = std::min(least, pool_tokens(one, one.slices[i], stages[i].footprint));
    return stages.empty() ? 0 : least;
}

// The residuals of bench/accuracy, by engine; llama.cpp's leave nothing but single tensors'
// formats.
double memory_error(const Case &one) {
    if (one.model->inventory == core::Inventory::Estimated)
        return 1.25;
    switch (one.run.engine.value_or(Engine::Any)) {
    case Engine::LlamaCpp:
        return 1.001;
    case Engine::Transformers:
        return 1.013;
    case Engine::Vllm:
    case Engine::Sglang:
        return 1.04;
    case Engine::LitGpt:
        return 1.05;
    default:
        return 1.1;
    }
}

} // namespace hwa::plan
