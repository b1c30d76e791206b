// SPDX-License-Identifier: MIT
// What a helper process does to itself before it lets foreign code in, and how it answers.
#pragma once

#include "base/status.h"

#include <string_view>

namespace hwa::os {

/// Sets the limits of a helper process, makes it end with its parent, and moves the pipe out of
/// the way of drivers that close or write to low descriptors. Gives the pipe's new descriptor.
base::Result<int> confine(int reply);

/// Writes all of `bytes`, waiting for the reader if it must.
base::Done write_all(int descriptor, std::string_view bytes);

/// Ends the process at once, without destructors or exit handlers of foreign code.
[[noreturn]] void leave(int status);

} // namespace hwa::os
