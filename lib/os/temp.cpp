// SPDX-License-Identifier: MIT
// TempFolder by mkdtemp and nftw.
#include "os/temp.h"

#include "os/descriptor.h"
#include "os/environment.h"
#include "os/file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <utility>

namespace hwa::os {

static base::Error failure(const std::string &path) {
    const int code = errno;
    return base::os_error(code, "%s: %s", path.c_str(), std::strerror(code));
}

base::Result<TempFolder> TempFolder::make() {
    std::string path = environment_variable("TMPDIR").value_or("");
    path = (path.starts_with('/') ? path : "/tmp") + "/hwa-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr)
        return failure(path);
    return TempFolder(std::move(path));
}

static int remove_one(const char *path, const struct stat *, int, struct FTW *) {
    static_cast<void>(std::remove(path));
    return 0;
}

TempFolder::~TempFolder() {
    if (!path_.empty())
        static_cast<void>(::nftw(path_.c_str(), remove_one, 4, FTW_DEPTH | FTW_PHYS));
}

TempFolder::TempFolder(TempFolder &&other) noexcept : path_(std::exchange(other.path_, {})) {}

TempFolder &TempFolder::operator=(TempFolder &&other) noexcept {
    std::swap(path_, other.path_);
    return *this;
}

base::Done TempFolder::add_folder(const std::string &name) const {
    const std::string path = path_ + "/" + name;
    if (::mkdir(path.c_str(), 0700) != 0)
        return failure(path);
    return {};
}

base::Done TempFolder::add_file(const std::string &name, std::string_view content) const {
    const std::string path = path_ + "/" + name;
    if (!may_write(content.size()))
        return base::error(base::Status::Io, "%s: is larger than files may be here", path.c_str());
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0)
        return failure(path);
    while (!content.empty()) {
        const ssize_t put = ::write(file.get(), content.data(), content.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return failure(path);
        content.remove_prefix(static_cast<size_t>(put));
    }
    return {};
}

} // namespace hwa::os
