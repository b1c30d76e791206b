// SPDX-License-Identifier: MIT
// Which tensors a device holds, and how much of each.
#include "plan/memory/shards.h"

#include "plan/memory/weights.h"
#include "plan/shares.h"

#include <algorithm>

namespace hwa::plan {

using core::Role;
using core::Tensor;

namespace {

constexpr uint64_t row_block = 512; ///< CUDA reads packed rows by so many elements
constexpr uint64_t alignment = 128;

/// In llama.cpp's buffers on a GPU each tensor starts at a multiple, and behind packed rows that
/// are no whole blocks there is room for the rest of one.
uint64_t in_gpu_buffer(const Tensor &tensor, uint64_t bytes) {
    const uint64_t rows = std::max<uint64_t>(1, tensor.rows);
    const uint64_t row = bytes / rows;
    const bool packed = tensor.columns != 0 && row % tensor.columns != 0;
    if (packed && tensor.columns % row_block != 0)
        bytes += row * (row_block - tensor.columns % row_block) / tensor.columns;
    return (bytes + alignment - 1) / alignment * alignment;
}

/// llama.cpp looks up the embedding on the host; where it serves as output too, the device of the
/// output has a copy. A processor needs none.
void add_llamacpp(const Case &one, const Slice &slice, const Tensor &tensor, uint64_t bytes,
                  Shard &made) {
    const bool gpu = slice.device->kind != core::Kind::Cpu;
    const uint64_t held = gpu ? in_gpu_buffer(tensor, bytes) : bytes;
    const bool looked_up = tensor.role == Role::Embedding || tensor.role == Role::Position;
    if (looked_up && slice.embedding)
        (gpu ? made.host : made.device) += bytes;
    if (looked_up ? gpu && slice.output && one.model->tied() && tensor.role == Role::Embedding
                  : slice.output)
        made.device += held;
}

/// The share of a tensor that one rank holds. Heads of keys and values are dealt out as far as
/// there are any, and repeated from there on.
double share_of(const Case &one, const Tensor &tensor, const Shares &shares) {
    if (core::is_expert(tensor.role))
        return 1.0 / shares.experts;
    const uint32_t ranks = shares.attention;
    if (ranks == 1)
        return 1;
    const double each = 1.0 / ranks;
    const auto layer = static_cast<size_t>(std::max(0, tensor.layer));
    const core::Layer &in = one.model->layers[layer];
    const double kv = std::max(1U, in.kv_heads), heads = std::max(1U, in.heads);
    const double kept = std::max(1.0, kv / ranks);
    switch (tensor.role) {
    case Role::Key:
    case Role::Value:
        return kept / kv;
    case Role::QueryKeyValue:
        return (heads / ranks + 2 * kept) / (heads + 2 * kv);
    case Role::Position:
    case Role::Norm:
    case Role::Bias:
    case Role::QueryDown:
    case Role::LatentDown:
    case Role::Router:
    case Role::Other:
        return 1;
    default:
        return each;
    }
}

} // namespace

Shard weight_shard(const Case &one, const Slice &slice) {
    const bool known = one.sized != nullptr && !one.sized->tensors.empty();
    const std::vector<uint64_t> own =
        known ? std::vector<uint64_t>() : tensor_bytes(*one.model, one.format);
    const std::vector<uint64_t> &sizes = known ? one.sized->tensors : own;
    const bool llamacpp = one.run.engine == Engine::LlamaCpp;
    const bool gpu = slice.device->kind != core::Kind::Cpu;
    const Shares shares = shares_of(one.run);
    Shard made;
    for (size_t i = 0; i < sizes.size(); ++i) {
        const Tensor &tensor = one.model->tensors[i];
        if (tensor.role == Role::Draft && one.run.drafts.value_or(0) == 0)
            continue; // engines load what predicts further tokens only when asked
        if (tensor.layer >= 0) {
            const uint64_t layer = static_cast<uint64_t>(tensor.layer);
            if (layer < slice.first_layer) {
                // Before the first slice: layers that stay on the host.
                made.host += slice.embedding ? sizes[i] : 0;
            } else if (layer - slice.first_layer < slice.layer_count) {
                made.device += llamacpp && gpu
                                   ? in_gpu_buffer(tensor, sizes[i])
                                   : static_cast<uint64_t>(static_cast<double>(sizes[i]) *
                                                           share_of(one, tensor, shares));
            }
        } else if (llamacpp) {
            add_llamacpp(one, slice, tensor, sizes[i], made);
        } else {
            const bool first = tensor.role == Role::Embedding || tensor.role == Role::Position;
            const bool tied = one.model->tied() && tensor.role == Role::Embedding;
            if (first ? slice.embedding || (tied && slice.output) : slice.output)
                made.device += static_cast<uint64_t>(static_cast<double>(sizes[i]) *
                                                     share_of(one, tensor, shares));
        }
    }
    return made;
}

} // namespace hwa::plan
