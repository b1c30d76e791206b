// SPDX-License-Identifier: MIT
// Folder: a folder of files that belongs to this user alone, for what is kept between processes.
#pragma once

#include "base/status.h"
#include "os/descriptor.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::os {

/// A file in it.
struct FolderFile {
    std::string name;
    uint64_t size_bytes = 0;
    int64_t used_ns = 0; ///< when it was last written or read, on the clock of the file system
};

/// Open for one errand: what happens to its path meanwhile does not matter. Names are plain.
class Folder {
  public:
    /// Opens it, and if `create` is set makes it and what lacks above it. Denied if it is a link,
    /// another user's or writable by others, and to a process with more rights than its user.
    static base::Result<Folder> open(const std::string &path, bool create);

    /// The whole of a file, which is marked as used. Denied if it is not the user's alone.
    base::Result<std::string> read(const std::string &name, uint64_t limit) const;
    /// A new file in place of the old one at once: who reads gets the one or the other. Nothing is
    /// left of an attempt that fails, or of one whose process ends.
    base::Done replace(const std::string &name, std::span<const std::string_view> pieces) const;
    void remove(const std::string &name) const;
    /// The regular files, at most `limit` of them, leaving out those that are being written;
    /// removes what writers have left behind that ended too early.
    base::Result<std::vector<FolderFile>> list(size_t limit) const;

  private:
    explicit Folder(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

    Descriptor descriptor_;
};

} // namespace hwa::os
