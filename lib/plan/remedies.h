// SPDX-License-Identifier: MIT
// Remedies: the smallest changes after which something would fit.
#pragma once

#include "plan/plan.h"

#include <string>

namespace hwa::plan {

/// "; a context of 4096 tokens, 2 more of RTX 4090 or 3 GiB more on each RTX 4090 would do": each
/// found by planning again with that change. Empty where none of them helps, or the system is too
/// large to try.
std::string remedies_text(const core::System &system, const core::Model &model,
                          const Options &options, const Workload &workload);

} // namespace hwa::plan
