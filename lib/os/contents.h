// SPDX-License-Identifier: MIT
// Contents of what is open already, by as few system calls as it takes.
#pragma once

#include "base/status.h"

#include <string>
#include <vector>

namespace hwa::os {

/// Reads a file to its end or the limit; `path` is for the message.
base::Result<std::string> read_all(int descriptor, const std::string &path, size_t limit);

/// Names in a directory, sorted, without . and .., at most `limit`.
base::Result<std::vector<std::string>> list_all(int descriptor, const std::string &path,
                                                size_t limit);

} // namespace hwa::os
