// SPDX-License-Identifier: MIT
// Layouts: the ways to share training out over equal devices.
#pragma once

#include "plan/plan.h"
#include "plan/search/candidates.h"

#include <cstdint>
#include <vector>

namespace hwa::plan {

inline constexpr uint64_t largest_micro_batch = 16;

/// Degrees of parallelism and the micro-batch.
struct Layout {
    uint32_t tensor = 1;
    uint32_t context = 1;
    uint32_t pipeline = 1;
    uint32_t data = 1;
    uint32_t expert = 1;
    uint32_t turns = 1; ///< virtual stages of each rank
    uint64_t micro_batch = 1;

    uint64_t devices() const { return uint64_t{tensor} * context * pipeline * data; }
};

/// What every layout has in common.
struct Task {
    const core::Model *model = nullptr;
    const DeviceClass *where = nullptr;
    Run run;                  ///< what is pinned, the engine and the global batch set
    uint64_t micro_batch = 0; ///< 0: open
    uint64_t sequence = 0;
    uint64_t most_devices = 0;
};

/// All of them, those of most devices first. Tensor ranks lie in one domain and divide the heads;
/// stages are a divisor of the layers or a power of two; replicas divide the global batch, and
/// micro-batches of up to 16 what it leaves to each; expert ranks divide the experts and lie over
/// tensor, context and data ranks; ranks of context keep 2048 tokens or more.
std::vector<Layout> layouts_of(const Task &task);

/// Divisors of a count, up to `most`, in order.
std::vector<uint64_t> divisors(uint64_t count, uint64_t most);

} // namespace hwa::plan
