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

/// What a stage lacks of its device's memory, where engines fill a share of it.
static Lack lack_of(const Case &one, const Stage &stage, const EngineProfile *profile,
                    double headroom) {
    const Footprint &use = stage.footprint;
    const uint64_t memory = usable_memory(*stage.device);
    Lack made{stage.device, use.total(), share_of(memory, 1 - std::max(0.0, headroom))};
    if (stage.device->kind == core::Kind::Cpu)
        made.needed += use.offload;
    if (profile == nullptr)
        return made;
    const double share = fill_share(one, *profile, *stage.device);
    if (profile->fill == Fill::Device && one.run.memory_share)
        made.usable = share_of(memory, share);
    else if (profile->fill == Fill::Needed || profile->fill == Fill::Device)
        made.usable = std::min(made.usable, share_of(memory, share));
    if (profile->fill == Fill::Rest && share > 0)
        made.needed += static_cast<uint64_t>(static_cast<double>(use.cache) * (1 / share - 1));
    if (profile->fill == Fill::Static) {
        const Lack fixed{stage.device, use.weights + use.cache, share_of(memory, share)};
        return fixed.bytes() > made.bytes() ? fixed : made;
    }
    return made;
}

/// What the host lacks for what its devices leave to it. Where it has several processors their
/// memory counts together, and one whose memory is not known may have any.
static Lack host_lack(const Case &one, std::span<const Stage> stages) {
    Lack made;
    for (const Stage &stage : stages)
        if (stage.device->kind != core::Kind::Cpu)
            made.needed += stage.footprint.offload;
    for (const Device &device : one.system->devices) {
        if (device.kind != core::Kind::Cpu)
            continue;
        if (usable_memory(device) == 0)
            return {};
        made.usable += usable_memory(device);
        made.device = made.device == nullptr ? &device : made.device;
    }
    return made;
}

base::Done check_room(const Case &one, std::span<const Stage> stages, double headroom) {
    const EngineProfile *profile = one.workload.trains() ? nullptr : find_profile(one.run);
    Lack worst;
    for (const Stage &stage : stages) {
        if (usable_memory(*stage.device) == 0)
            continue;
        const Lack lack = lack_of(one, stage, profile, headroom);
        if (worst.device == nullptr || lack.bytes() > worst.bytes())
            worst = lack;
    }
    if (worst.bytes() == 0 && !one.workload.trains())
        if (const Lack host = host_lack(one, stages); host.device != nullptr)
            worst = host;
    if (worst.bytes() != 0)
        return no_room(one, worst);
    return {};
}

uint64_t pool_tokens(const Case &one, std::span<const Stage> stages) {
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < stages.size(); ++i) {
        // One that holds the same in as much memory has a pool as large.
        const int32_t like = one.slices[i].like;
        if (like >= 0 && usable_memory(*stages[static_cast<size_t>(like)].device) <=
                             usable_memory(*stages[i].device))
            continue;
        least = std::min(least, pool_tokens(one, one.slices[i], stages[i].footprint));
    }
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
