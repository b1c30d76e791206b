// SPDX-License-Identifier: MIT
// Adapters: the few parameters that tuning trains beside frozen weights.
#pragma once

#include "plan/case.h"
#include "plan/memory/recipe.h"

namespace hwa::plan {

/// LoRA, QLoRA and prefixes.
bool has_adapters(Mode mode);

/// Trained by one device, its tensor rank's share.
double adapter_parameters(const Case &one, const Slice &slice);

Recipe adapter_recipe(const Case &one);

/// Of each parameter in a matrix that stays as it is.
double frozen_bytes(const Case &one);

} // namespace hwa::plan
