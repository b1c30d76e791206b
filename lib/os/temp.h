// SPDX-License-Identifier: MIT
// TempFolder: a folder for this user alone that is gone with all in it when it is done with.
#pragma once

#include "base/status.h"

#include <string>
#include <string_view>

namespace hwa::os {

class TempFolder {
  public:
    /// In TMPDIR, else in /tmp.
    static base::Result<TempFolder> make();
    ~TempFolder();
    TempFolder(TempFolder &&other) noexcept;
    TempFolder &operator=(TempFolder &&other) noexcept;

    const std::string &path() const { return path_; }
    base::Done add_folder(const std::string &name) const;
    base::Done add_file(const std::string &name, std::string_view content) const;

  private:
    explicit TempFolder(std::string path) : path_(std::move(path)) {}
    std::string path_;
};

} // namespace hwa::os
