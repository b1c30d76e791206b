// SPDX-License-Identifier: MIT
// open(2) once, pread(2) from then on.
#include "os/gauge.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>

namespace hwa::os {

base::Result<Gauge> Gauge::open(const std::string &path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat facts = {};
    if (file.get() < 0 || ::fstat(file.get(), &facts) != 0) {
        const int code = errno;
        return base::os_error(code, "%s: %s", path.c_str(), std::strerror(code));
    }
    if (!S_ISREG(facts.st_mode))
        return base::error(base::Status::Invalid, "%s: is not a regular file", path.c_str());
    return Gauge(std::move(file));
}

base::Result<std::string_view> Gauge::read(std::span<char> room) const {
    ssize_t got = 0;
    do
        got = ::pread(file_.get(), room.data(), room.size(), 0);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        const int code = errno;
        return base::os_error(code, "%s", std::strerror(code));
    }
    return std::string_view(room.data(), static_cast<size_t>(got));
}

} // namespace hwa::os
