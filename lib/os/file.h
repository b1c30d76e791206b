// SPDX-License-Identifier: MIT
// File: a regular file, read at offsets, for model files and documents the user names.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <ctime>
#include <span>
#include <string>
#include <vector>

namespace hwa::os {

/// An open regular file. Opening never blocks, whatever the path turns out to be.
class File {
  public:
    static base::Result<File> open(const std::string &path);
    ~File();
    File(File &&other) noexcept;
    File &operator=(File &&other) noexcept;

    const std::string &path() const { return path_; }
    uint64_t size() const { return size_; }
    /// Bytes from `offset` on; fewer than asked for only at the end of the file.
    base::Result<size_t> read_at(uint64_t offset, std::span<char> into) const;

  private:
    File(std::string path, int descriptor, uint64_t size);
    std::string path_;
    int descriptor_;
    uint64_t size_;
};

/// The whole of a regular file, refused when it is larger than `limit`.
base::Result<std::string> read_whole(const std::string &path, uint64_t limit);

/// Names in a directory, sorted, without . and .., refused when there are more than `limit`.
base::Result<std::vector<std::string>> list_folder(const std::string &path, size_t limit);

/// Whether this process may write a file of that size: past its limit (RLIMIT_FSIZE) the kernel
/// would end it by a signal.
bool may_write(uint64_t size_bytes);

/// A file's time in nanoseconds; times too far from 1970 for that are as far as can be.
int64_t file_time_ns(const struct timespec &time);

enum class PathKind { Missing, File, Directory, Other };

/// What a path is, links followed.
PathKind path_kind(const std::string &path);

} // namespace hwa::os
