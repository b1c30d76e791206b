// SPDX-License-Identifier: MIT
// Image: code of the user's in this process.
#pragma once

#include "base/status.h"

#include <string>
#include <string_view>

namespace hwa::os {

class Image {
  public:
    /// A library that the user names; it stays for good, for it may have started threads.
    static base::Result<Image> open_file(const std::string &path);
    /// A library that nothing else can see or change; it goes with this object.
    static base::Result<Image> from_bytes(std::string_view bytes);
    ~Image();
    Image(Image &&other) noexcept;
    Image &operator=(Image &&other) noexcept;

    /// Address of what it exports itself under that name, or NULL.
    void *find(const std::string &name) const;

  private:
    Image(void *handle, bool kept) : handle_(handle), kept_(kept) {}
    void *handle_;
    bool kept_;
};

} // namespace hwa::os
