// SPDX-License-Identifier: MIT
// Which files may become code of this process, or be run by it.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <string>

namespace hwa::os {

/// A file that was looked at, links followed.
struct TrustedFile {
    std::string path;
    uint64_t size_bytes = 0;
    int64_t written_ns = 0; ///< on the clock of the file system
};

enum class Owner { Root, RootOrCaller };

/// Denied, with the reason, unless none but these can change a regular file or put another in its
/// place: it and each folder above it are theirs and writable by nobody else. A folder above the
/// file's own may be one where nobody can remove what is another's, as in /tmp.
base::Result<TrustedFile> trust(const std::string &path, Owner owner);

} // namespace hwa::os
