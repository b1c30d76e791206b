// SPDX-License-Identifier: MIT
// Room: whether the devices of a case hold it, and what is left for the cache.
#pragma once

#include "base/status.h"
#include "plan/case.h"
#include "plan/plan.h"

#include <span>

namespace hwa::plan {

/// NoFit with the device that lacks most and by how much. Devices of unknown memory hold anything.
/// Those of the host's memory bear what the case keeps there besides.
base::Done check_room(const Case &one, std::span<const Stage> stages, double headroom);

/// Tokens that the engine's pools hold, the smallest of all stages; 0 where it keeps none, or a
/// memory is not known.
uint64_t pool_tokens(const Case &one, std::span<const Stage> stages);

/// Factor within which the bytes of inference lie, four times in five.
double memory_error(const Case &one);

} // namespace hwa::plan
