// SPDX-License-Identifier: MIT
// Tells the process that made an object from a child forked later, for the price of one load.
#pragma once

#include <cstdint>

namespace hwa::os {

/// A number that is the same all through the life of a process and different in every child that
/// was forked from it; never 0.
uint64_t process_stamp();

} // namespace hwa::os
