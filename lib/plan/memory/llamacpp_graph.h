// SPDX-License-Identifier: MIT
// The tensors of a step of llama.cpp, layer by layer.
#pragma once

#include "core/model.h"
#include "plan/memory/graph.h"

#include <cstdint>

namespace hwa::plan {

/// What a step is computed with, besides the widths of layers.
struct LlamacppStep {
    uint64_t tokens = 0; ///< of a micro-batch
    uint64_t cells = 0;  ///< of one stream of the cache, that attention looks at
    uint64_t window_cells = 0;
    uint64_t streams = 1; ///< pools of the cache, one for each sequence, or one for all
    bool flash = true;
    bool packed_cache = false; ///< keys and values are rotated before they are packed
    bool windows = false;      ///< some layers look at a window
    uint64_t value_width = 0;  ///< of the widest layer, all heads
};

/// What sets a family's graph apart that no width of a layer tells.
struct GraphTraits {
    bool scaled_embedding = false; ///< multiplied before the first layer
    bool late_rows = false;        ///< the last layer computes every token
    bool biased_router = false;    ///< experts are chosen by other numbers than they are weighed
    bool fused_gate = false;       ///< one matrix for gate and up
    bool fused_attention = false;  ///< one matrix for queries, keys and values
};

GraphTraits graph_traits(const core::Model &model);

/// The layers that one device holds.
struct GraphPart {
    uint64_t first = 0;
    uint64_t count = 0;
    bool is_first = false;
    bool is_last = false; ///< it holds the output too
    bool is_host = false; ///< it also looks up the embedding
};

/// Every tensor that the device computes, in order.
Graph llamacpp_graph(const core::Model &model, const GraphTraits &traits, const LlamacppStep &step,
                     const GraphPart &part);

/// Bytes of the inputs of a step: positions, places in the cache, masks, rows to answer.
/// `copies`: each is held so often.
uint64_t llamacpp_input_bytes(const core::Model &model, const LlamacppStep &step, uint64_t copies,
                              uint64_t alignment);

} // namespace hwa::plan
