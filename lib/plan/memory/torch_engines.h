// SPDX-License-Identifier: MIT
// Memory of engines on PyTorch and their like: cache, the peak of a step, and what a pool has room
// for.
#pragma once

#include "base/status.h"
#include "plan/case.h"
#include "plan/memory/engines.h"

namespace hwa::plan {

/// Completes a footprint whose weights are known.
base::Done torch_bytes(const Case &one, const Slice &slice, const EngineProfile &profile,
                       Footprint &made);

/// Tokens that the pool of a slice holds: what the engine's share of the memory leaves after
/// everything else. 0 where the engine keeps no pool, or the memory is not known.
uint64_t pool_tokens(const Case &one, const Slice &slice, const Footprint &need);

} // namespace hwa::plan
