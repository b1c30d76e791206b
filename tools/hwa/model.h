// SPDX-License-Identifier: MIT
// The model that a command line names.
#pragma once

#include "library.h"

namespace hwa::tool {

/// On failure the error has been said, and `*exit` is set.
Model open_model(const std::string &name, int *exit);

} // namespace hwa::tool
