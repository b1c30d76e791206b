// SPDX-License-Identifier: MIT
// Bytes by use: of a model in one format for one workload, whole or some of its layers.
#pragma once

#include "base/status.h"
#include "core/device.h"
#include "core/model.h"
#include "plan/memory/held.h"
#include "plan/workload.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::plan {

/// Bytes needed, by use.
struct Footprint {
    uint64_t weights = 0;
    uint64_t gradients = 0;
    uint64_t optimizer = 0;
    uint64_t cache = 0;
    uint64_t activations = 0;
    uint64_t workspace = 0;
    uint64_t adapters = 0;
    uint64_t offload = 0; ///< kept elsewhere, and no part of the total

    uint64_t total() const {
        return weights + gradients + optimizer + cache + activations + workspace + adapters;
    }
    Footprint &operator+=(const Footprint &more);
};

struct Mix;

/// A way to hold the weights.
struct Format {
    core::Dtype dtype = core::Dtype::Unknown;
    bool own = true;          ///< as published, whatever the mix
    std::string name;         ///< "q4_k", "Q4_K_M"
    const Mix *mix = nullptr; ///< of a table; NULL: as published
    bool beside = false;      ///< as good as the one before it, where an engine shares tensors out
};

/// A model in one format for one workload: prefix sums over its layers, so that the bytes of any
/// run of layers are a subtraction. Every sum has been checked for overflow.
struct Sized {
    Format format;
    HeldWeights held;
    std::vector<uint64_t> tensors; ///< bytes of each; empty where no shares of them are asked for
    double bits = 0;               ///< of a weight, on average
    uint64_t first = 0;            ///< weights of the first stage besides its layers
    uint64_t last = 0;             ///< and of the last
    uint64_t last_tied = 0;        ///< what the last keeps twice when it is not the first too
    std::vector<uint64_t> weights; ///< of the layers before the i-th
    std::vector<uint64_t> cache;   ///< likewise, for the whole context and batch
    std::vector<uint64_t> reads;   ///< weight bytes that one step passes over, likewise
    uint64_t last_reads = 0;
    uint64_t buffer = 0;      ///< activations of a stage
    uint64_t last_buffer = 0; ///< of the last one, which also makes the logits

    uint64_t layers() const { return weights.size() - 1; }
    uint64_t weight_bytes() const { return first + last + weights.back(); }
};

/// Fails with Invalid where a sum overflows.
base::Result<Sized> size_up(const core::Model &model, const Format &format,
                            const Workload &workload);

/// Bytes of `count` layers from `from` on, on a device of that kind.
Footprint footprint_of(const Sized &sized, uint64_t from, uint64_t count, core::Kind kind);

/// What a runtime keeps on a device before any model is loaded.
uint64_t runtime_bytes(core::Kind kind);

/// The format the model is published in.
Format own_format(const core::Model &model);

/// Memory for a workload on one accelerator.
base::Result<Footprint> footprint(const core::Model &model, const Workload &workload);

} // namespace hwa::plan
