// SPDX-License-Identifier: MIT
// Reserve: what engines and drivers take on a device besides the model.
#include "plan/memory/reserve.h"

#include "base/units.h"
#include "plan/memory/parameters.h"

namespace hwa::plan {

namespace {

constexpr double MiB = static_cast<double>(base::MiB);

/// Bytes of one workspace of cuBLAS in the Transformer Engine: 32 MiB from Hopper on.
double matrix_workspace(const core::Device *device) {
    const core::Attr *attr =
        device != nullptr ? device->find_attr("cuda.compute_capability") : nullptr;
    const bool old = attr != nullptr && attr->s.size() > 1 && attr->s[0] < '9' && attr->s[1] == '.';
    return (old ? 4 : 32) * MiB;
}

/// Megatron's own, from its logged runs of tiny models: what PyTorch's matrix libraries and the
/// step's buffers leave behind.
double megatron_bytes(const Case &one, const Slice &slice) {
    const bool fused = one.run.fused_layers.value_or(true);
    if (!fused) {
        // Layers of PyTorch alone leave a gradient of the output's table in 16 bits.
        const double table = vocabulary_rows(one) * one.model->hidden_size;
        return 88 * MiB + (slice.output ? 2 * table : 0);
    }
    const double workspaces = one.run.grouped_experts.value_or(false) ? 5 : 1;
    return 74 * MiB + workspaces * matrix_workspace(slice.device);
}

} // namespace

double reserve_bytes(const Case &one, const Slice &slice) {
    const core::Kind kind = slice.device != nullptr ? slice.device->kind : core::Kind::Unknown;
    const double driver = static_cast<double>(one.run.driver_bytes.value_or(runtime_bytes(kind)));
    if (one.run.engine.value_or(Engine::Any) == Engine::Megatron)
        return driver + megatron_bytes(one, slice);
    return driver;
}

} // namespace hwa::plan
