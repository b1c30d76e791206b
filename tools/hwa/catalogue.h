// SPDX-License-Identifier: MIT
// What the catalogue knows by name, in tables.
#pragma once

#include "screen.h"

namespace hwa::tool {

/// Machines for hire, and what they cost.
int list_machines(bool json, Screen &screen);

/// Models that 'hwa plan' and 'hwa fit' take by name.
int list_models(bool json, Screen &screen);

} // namespace hwa::tool
