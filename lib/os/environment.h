// SPDX-License-Identifier: MIT
// The environment: one variable of it, and what a helper process is given, which is what drivers
// are steered by, and nothing else.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace hwa::os {

/// A variable of this process; nothing when it runs with more rights than its user.
std::optional<std::string> environment_variable(const char *name);

/// "NAME=value" for each variable of this process that is on the list, and what is always set. A
/// process with more rights than its user passes none of its own on.
std::vector<std::string> helper_environment();

} // namespace hwa::os
