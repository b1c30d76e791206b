// SPDX-License-Identifier: MIT
// Shards: the part of each tensor that a device of a case holds.
#pragma once

#include "plan/case.h"

#include <cstdint>

namespace hwa::plan {

struct Shard {
    uint64_t device = 0;
    uint64_t host = 0; ///< kept in the memory of the host, charged to the first slice
};

/// Bytes of the weights of a slice, by the rules of the engine. A model without a list of tensors
/// has none; its totals do then.
Shard weight_shard(const Case &one, const Slice &slice);

} // namespace hwa::plan
