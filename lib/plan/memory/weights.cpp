// SPDX-License-Identifier: MIT
// Sums over tensors, each in the format that its mix gives it.
#include "plan/memory/weights.h"

#include "plan/model/mix.h"

#include <numeric>

namespace hwa::plan {

using core::Model;
using core::Role;
using core::Tensor;

namespace {

/// Calls `take` with each tensor and its bytes. Formats that go by a tensor's neighbours need all
/// of them in order.
template <class Take> void each(const Model &model, const Format &format, Take take) {
    if (format.own || format.mix == nullptr) {
        for (const Tensor &tensor : model.tensors)
            take(tensor, tensor.bytes);
        return;
    }
    Packer packer(model, *format.mix);
    for (const Tensor &tensor : model.tensors)
        take(tensor, packer.bytes(tensor));
}

Held &part_of(HeldWeights &made, const Tensor &tensor) {
    if (tensor.layer >= 0)
        return made.layers[static_cast<size_t>(tensor.layer)];
    switch (tensor.role) {
    case Role::Embedding:
        return made.embedding;
    case Role::Output:
        return made.output;
    case Role::Draft:
        return made.drafts;
    default:
        return made.other;
    }
}

} // namespace

uint64_t HeldWeights::total() const {
    uint64_t sum = embedding.bytes + output.bytes + other.bytes + drafts.bytes;
    for (const Held &layer : layers)
        sum += layer.bytes;
    return sum;
}

std::vector<uint64_t> tensor_bytes(const Model &model, const Format &format) {
    std::vector<uint64_t> made;
    made.reserve(model.tensors.size());
    each(model, format, [&](const Tensor &, uint64_t bytes) { made.push_back(bytes); });
    return made;
}

HeldWeights hold(const Model &model, const Format &format) {
    HeldWeights made;
    made.layers.resize(model.layers.size());
    each(model, format, [&](const Tensor &tensor, uint64_t bytes) {
        Held &part = part_of(made, tensor);
        part.bytes += bytes;
        part.expert_bytes += core::is_expert(tensor.role) ? bytes : 0;
    });
    return made;
}

uint64_t RoleWeights::total() const {
    return std::accumulate(bytes.begin(), bytes.end(), uint64_t{0});
}

RoleWeights hold_roles(const Model &model, const Format &format, uint64_t first, uint64_t count,
                       bool outside) {
    RoleWeights made;
    each(model, format, [&](const Tensor &tensor, uint64_t bytes) {
        const uint64_t layer = static_cast<uint64_t>(tensor.layer);
        if (tensor.layer < 0 ? !outside : layer < first || layer - first >= count)
            return;
        made.bytes[static_cast<size_t>(tensor.role)] += bytes;
        made.parameters[static_cast<size_t>(tensor.role)] += tensor.parameters();
    });
    return made;
}

base::Result<Format> format_of(const Model &model, const Workload &workload) {
    if (!workload.recipe.empty()) {
        const Mix *mix = find_mix(workload.recipe);
        if (mix == nullptr)
            return base::error(base::Status::Unsupported, "workload: recipe is no mix known");
        if (same_mix(model.recipe, mix->name))
            return own_format(model);
        return Format{mix->dtype, false, mix->name, mix};
    }
    const core::Dtype dtype = workload.weight_dtype;
    if (dtype == core::Dtype::Unknown || dtype == model.dtype)
        return own_format(model);
    return Format{dtype, false, core::dtype_name(dtype), mix_of(dtype)};
}

} // namespace hwa::plan
