// SPDX-License-Identifier: MIT
// Regular files as sources, and the parts of their paths.
#include "plan/model/read.h"

#include "os/file.h"

#include <memory>

namespace hwa::plan {

base::Result<Source> file_source(const std::string &path) {
    HWA_TRY(os::File opened, os::File::open(path));
    const auto file = std::make_shared<os::File>(std::move(opened));
    return Source{path, file->size(), [file](uint64_t offset, std::span<char> into) {
                      return file->read_at(offset, into);
                  }};
}

std::string_view file_name(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string folder_of(const std::string &path) {
    return path.substr(0, path.size() - file_name(path).size());
}

} // namespace hwa::plan
