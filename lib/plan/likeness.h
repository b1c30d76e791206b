// SPDX-License-Identifier: MIT
// Likeness: whether two devices are the same, as far as planning goes.
#pragma once

#include "core/device.h"

namespace hwa::plan {

/// Whether everything that times are computed from is the same.
bool as_fast(const core::Device &a, const core::Device &b);

/// Whether everything that memory and time are computed from is the same.
bool alike(const core::Device &a, const core::Device &b);

} // namespace hwa::plan
