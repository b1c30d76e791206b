// SPDX-License-Identifier: MIT
// Deployments over equal devices.
#include "plan/search/serving.h"

#include <algorithm>

namespace hwa::plan {

using core::Dtype;

bool is_served(const Format &format, const DeviceClass &where) {
    const std::string &vendor = where.devices[0]->vendor.value;
    return where.kind == core::Kind::Gpu && !where.host_memory &&
           (vendor == "nvidia" || vendor == "amd") && format.dtype != Dtype::Unknown &&
           format.dtype < Dtype::Q8_0;
}

std::vector<Deployment> deployments_of(const core::Model &model, const DeviceClass &where,
                                       const Options &options, const Workload &workload) {
    std::vector<Deployment> made;
    uint32_t widest = 1;
    for (size_t i = 0; i + 1 < where.domains.size(); ++i)
        widest = std::max(widest, where.domains[i + 1] - where.domains[i]);
    const uint64_t most = options.max_devices != 0 ? options.max_devices : UINT32_MAX;
    const auto agrees = [](const Choice<uint32_t> &pin, uint64_t value) {
        return !pin || std::max(1U, *pin) == value;
    };
    for (uint32_t tensor = 1; tensor <= widest; ++tensor) {
        if (!agrees(options.run.tensor, tensor) || model.heads == 0 || model.heads % tensor != 0)
            continue;
        const uint64_t groups = std::min(where.groups(tensor), most / tensor);
        for (uint64_t data = 1; data <= std::min(groups, workload.batch); ++data) {
            if (workload.batch % data != 0 || !agrees(options.run.data, data) || tensor * data == 1)
                continue;
            const uint64_t stages = std::min<uint64_t>(groups / data, model.layers.size());
            for (uint32_t pipeline = 1; pipeline <= stages; ++pipeline)
                if (agrees(options.run.pipeline, pipeline))
                    made.push_back({tensor, pipeline, static_cast<uint32_t>(data)});
        }
    }
    return made;
}

void deploy(const Deployment &deployment, const DeviceClass &where, Case &one) {
    const auto layers = static_cast<uint32_t>(one.model->layers.size());
    const std::vector<uint32_t> groups = where.group_starts(deployment.tensor);
    one.run.tensor = deployment.tensor;
    one.run.pipeline = deployment.pipeline;
    one.run.data = deployment.data;
    one.slices.clear();
    size_t group = 0;
    for (uint32_t replica = 0; replica < deployment.data; ++replica)
        for (uint32_t stage = 0, first = 0; stage < deployment.pipeline; ++stage, ++group) {
            Slice slice;
            slice.first_layer = first;
            slice.layer_count =
                layers / deployment.pipeline + (stage < layers % deployment.pipeline ? 1 : 0);
            slice.stage = stage;
            slice.replica = replica;
            slice.embedding = stage == 0;
            slice.output = stage + 1 == deployment.pipeline;
            first += slice.layer_count;
            for (uint32_t rank = 0; rank < deployment.tensor; ++rank) {
                slice.device = where.devices[groups[group] + rank];
                slice.tensor_rank = rank;
                if (rank > 0 || replica > 0)
                    slice.like = static_cast<int32_t>(stage * deployment.tensor);
                one.slices.push_back(slice);
            }
        }
}

} // namespace hwa::plan
