// SPDX-License-Identifier: MIT
// The environment a helper process is given: what drivers are steered by, and nothing else.
#pragma once

#include <string>
#include <vector>

namespace hwa::os {

/// "NAME=value" for each variable of this process that is on the list, and what is always set. A
/// process with more rights than its user passes none of its own on.
std::vector<std::string> helper_environment();

} // namespace hwa::os
