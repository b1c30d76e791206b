// SPDX-License-Identifier: MIT
// Reserve: what engines and drivers take on a device besides the model.
#include "plan/memory/reserve.h"

#include "base/units.h"
#include "plan/memory/parameters.h"
#include "plan/memory/recipe.h"

namespace hwa::plan {

namespace {

constexpr double MiB = static_cast<double>(base::MiB);

/// NVIDIA's devices before Hopper, Hopper, and those after; what nobody told counts as the last.
enum class Age { Before, Hopper, After };

Age age_of(const core::Device *device) {
    const core::Attr *attr =
        device != nullptr ? device->find_attr("cuda.compute_capability") : nullptr;
    if (attr == nullptr || attr->s.size() < 2)
        return Age::After;
    const bool one_digit = attr->s[1] == '.';
    return one_digit && attr->s[0] < '9'    ? Age::Before
           : one_digit && attr->s[0] == '9' ? Age::Hopper
                                            : Age::After;
}

/// Of cuBLAS in the Transformer Engine: 32 MiB from Hopper on.
double layer_workspace(const core::Device *device) {
    return (age_of(device) == Age::Before ? 4 : 32) * MiB;
}

/// Of cuBLAS in PyTorch, of the pass forward and of that backward: what CUBLAS_WORKSPACE_CONFIG
/// says for results that repeat (":4096:8"), else 32 MiB on Hopper and 8.125 on others.
double torch_workspaces(const Case &one, const core::Device *device) {
    const bool large = one.run.repeatable.value_or(false) || age_of(device) == Age::Hopper;
    return 2 * (large ? 32 : 8.125) * MiB;
}

/// Megatron's own, from its logged runs of tiny models: what PyTorch's matrix libraries and the
/// step's buffers leave behind.
double megatron_bytes(const Case &one, const Slice &slice) {
    const double torch = torch_workspaces(one, slice.device);
    if (!one.run.fused_layers.value_or(true)) {
        // Layers of PyTorch alone leave a gradient of the output's table in 16 bits.
        const double table = vocabulary_rows(one) * one.model->hidden_size;
        return 24 * MiB + torch + (slice.output ? 2 * table : 0);
    }
    const double workspaces = one.run.grouped_experts.value_or(false) ? 5 : 1;
    const double summed = sharding_of(one).optimizer ? 0 : 12 * MiB;
    return summed + torch + workspaces * layer_workspace(slice.device);
}

/// Blocks that PyTorch's allocator keeps without using them, and what libraries take of themselves,
/// fitted by bench/accuracy/fit_training.py: to Megatron-DeepSpeed's runs of 2022 a share of what
/// is used, to those of Hugging Face's Trainer an amount.
double unused_bytes(const Case &one, double used) {
    switch (one.run.engine.value_or(Engine::Any)) {
    case Engine::DeepSpeed:
        return 0.29 * used;
    case Engine::Transformers:
        return 1.8e9;
    default:
        return 0;
    }
}

} // namespace

double reserve_bytes(const Case &one, const Slice &slice, double used) {
    const bool megatron = one.run.engine.value_or(Engine::Any) == Engine::Megatron;
    const double own = megatron ? megatron_bytes(one, slice) : 0;
    if (one.run.allocated_only.value_or(false))
        return own;
    const core::Kind kind = slice.device != nullptr ? slice.device->kind : core::Kind::Unknown;
    return own + unused_bytes(one, used) + static_cast<double>(runtime_bytes(kind));
}

} // namespace hwa::plan
