// SPDX-License-Identifier: MIT
// The programs that belong to this library: where they are, and whether they are safe to run.
#pragma once

#include "base/status.h"

#include <span>
#include <string>

namespace hwa::os {

/// The first of the paths `beside`, relative to the folder this library was loaded from, else
/// `installed`: an executable file of root's or the caller's that no one else may write. A process
/// with more rights than its user looks at `installed` alone.
base::Result<std::string> find_program(std::span<const char *const> beside,
                                       const std::string &installed);

} // namespace hwa::os
