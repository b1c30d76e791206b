// SPDX-License-Identifier: MIT
// How engines deal layers out to devices.
#include "plan/cut.h"

#include "base/units.h"
#include "plan/search/candidates.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Device;

namespace {

uint32_t degree(const Choice<uint32_t> &choice) {
    return std::max(1U, choice.value_or(1));
}

uint64_t memory_of(const Device &device) {
    if (device.memories.empty())
        return 0;
    const core::Memory &main = device.memories[0];
    return main.usable_bytes != 0 ? main.usable_bytes : main.size_bytes.value;
}

/// How many layers each stage holds, and how many before the first stay on the host.
struct Deal {
    std::vector<uint64_t> counts;
    uint64_t host = 0;
};

/// As many layers for each stage, the first ones taking what is left over; the pins may say other
/// counts for the first and the last.
base::Result<Deal> deal_evenly(const Run &run, uint64_t layers, uint64_t stages) {
    Deal made;
    made.counts.assign(stages, 0);
    const uint64_t ends =
        uint64_t{run.first_stage_layers.value_or(0)} + run.last_stage_layers.value_or(0);
    const bool first = run.first_stage_layers.value_or(0) != 0;
    const bool last = run.last_stage_layers.value_or(0) != 0;
    const uint64_t open = stages - std::min(stages, uint64_t{first} + last);
    if (ends > layers || (stages == 1 && ends != 0) || (open == 0 && ends != layers))
        return base::error(Status::Invalid,
                           "pins: first_stage_layers and last_stage_layers leave %llu stages no "
                           "share of %llu layers",
                           static_cast<unsigned long long>(stages),
                           static_cast<unsigned long long>(layers));
    uint64_t turn = 0;
    for (uint64_t stage = 0; stage < stages; ++stage) {
        if (first && stage == 0)
            made.counts[stage] = *run.first_stage_layers;
        else if (last && stage + 1 == stages)
            made.counts[stage] = *run.last_stage_layers;
        else
            made.counts[stage] = (layers - ends) / open + (turn++ < (layers - ends) % open ? 1 : 0);
    }
    return made;
}

/// llama.cpp deals the layers and the output by the share of each device in the memory of all; what
/// gpu_layers leaves out stays on the host.
Deal deal_by_memory(const Case &one, const std::vector<const Device *> &devices) {
    const uint64_t layers = one.model->layers.size();
    const uint64_t dealt = std::min<uint64_t>(one.run.gpu_layers.value_or(UINT32_MAX), layers + 1);
    std::vector<double> shares;
    double sum = 0;
    const bool known = std::all_of(devices.begin(), devices.end(),
                                   [](const Device *device) { return memory_of(*device) != 0; });
    for (const Device *device : devices) {
        sum += known ? static_cast<double>(memory_of(*device)) : 1.0;
        shares.push_back(sum);
    }
    Deal made;
    made.host = layers + 1 - dealt;
    made.counts.assign(devices.size(), 0);
    for (uint64_t i = 0; i + 1 < dealt; ++i) {
        const double place = static_cast<double>(i) / static_cast<double>(dealt) * sum;
        const auto found = std::upper_bound(shares.begin(), shares.end(), place);
        ++made.counts[static_cast<size_t>(std::min<std::ptrdiff_t>(
            found - shares.begin(), static_cast<std::ptrdiff_t>(devices.size()) - 1))];
    }
    return made;
}

base::Result<std::vector<const Device *>> take_devices(const Options &options, const Case &one,
                                                       uint64_t count) {
    if (!options.devices.empty()) {
        if (options.devices.size() != count)
            return base::error(Status::Invalid,
                               "pins: they ask for %llu devices, and the options name %zu",
                               static_cast<unsigned long long>(count), options.devices.size());
        return options.devices;
    }
    const Links links(*one.system);
    std::vector<const Device *> made;
    for (const DeviceClass &some :
         find_candidates(*one.system, links, options, options.headroom).classes)
        for (const Device *device : some.devices)
            if (made.size() < count)
                made.push_back(device);
    if (made.size() < count)
        return base::error(Status::NoFit,
                           "pins: they ask for %llu devices of known memory, and the "
                           "system has %zu",
                           static_cast<unsigned long long>(count), made.size());
    return made;
}

} // namespace

base::Done cut(const Options &options, Case &one) {
    const uint64_t stages = degree(one.run.pipeline);
    const uint64_t ranks = uint64_t{degree(one.run.tensor)} * degree(one.run.context);
    const uint64_t replicas = degree(one.run.data);
    const uint64_t layers = one.model->layers.size();
    if (one.run.gpu_layers == 0U)
        return base::error(Status::Invalid, "pins: gpu_layers is 0, which leaves the devices "
                                            "nothing; name a processor as the device");
    if (stages > layers)
        return base::error(
            Status::Invalid, "pins: pipeline_parallel is %llu, and the model has %llu layers",
            static_cast<unsigned long long>(stages), static_cast<unsigned long long>(layers));
    const auto across = base::checked_mul(stages * ranks, replicas); // below 2^12 · 2^48
    if (!across)
        return base::error(Status::Invalid, "pins: they ask for more devices than can be counted");
    HWA_TRY(const std::vector<const Device *> devices, take_devices(options, one, *across));
    const bool by_memory = one.run.engine == Engine::LlamaCpp && ranks == 1 && replicas == 1;
    HWA_TRY(const Deal deal, by_memory ? base::Result<Deal>(deal_by_memory(one, devices))
                                       : deal_evenly(one.run, layers, stages));
    size_t device = 0;
    for (uint64_t replica = 0; replica < replicas; ++replica) {
        uint64_t first = deal.host;
        for (uint64_t stage = 0; stage < stages; ++stage) {
            for (uint64_t rank = 0; rank < ranks; ++rank) {
                Slice slice;
                slice.device = devices[device++];
                slice.first_layer = static_cast<uint32_t>(first);
                slice.layer_count = static_cast<uint32_t>(deal.counts[stage]);
                slice.stage = static_cast<uint32_t>(stage);
                slice.tensor_rank = static_cast<uint32_t>(rank % degree(one.run.tensor));
                slice.context_rank = static_cast<uint32_t>(rank / degree(one.run.tensor));
                slice.replica = static_cast<uint32_t>(replica);
                slice.embedding = stage == 0;
                slice.output = stage + 1 == stages;
                one.slices.push_back(slice);
            }
            first += deal.counts[stage];
        }
    }
    return {};
}

} // namespace hwa::plan
