// SPDX-License-Identifier: MIT
// Reserve: what engines and drivers take on a device besides the model.
#pragma once

#include "plan/case.h"

namespace hwa::plan {

/// While training, where the model's part needs `used` bytes.
double reserve_bytes(const Case &one, const Slice &slice, double used);

} // namespace hwa::plan
