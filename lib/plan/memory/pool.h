// SPDX-License-Identifier: MIT
// Pool: the pages that a server keeps keys, values and states in, and how much they hold.
#pragma once

#include "plan/case.h"
#include "plan/memory/engines.h"

namespace hwa::plan {

/// Tokens that a pool of so many bytes holds on one device, counted as the engine counts them:
/// those of whole requests of the workload's context, vLLM before 0.20 pages times tokens of each.
double tokens_in(const Case &one, const Slice &slice, const EngineProfile &profile, double bytes);

} // namespace hwa::plan
