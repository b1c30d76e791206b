// SPDX-License-Identifier: MIT
// Regular files by open, fstat and pread.
#include "os/file.h"

#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hwa::os {

using base::Status;

static const char *kind_of(mode_t mode) {
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a FIFO";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "a device node";
    return S_ISSOCK(mode) ? "a socket" : "not a regular file";
}

base::Result<File> File::open(const std::string &path) {
    // The kind is asked for before the open, because opening a device node can have effects, and
    // again after it, because the path may have changed in between.
    struct stat facts = {};
    if (::stat(path.c_str(), &facts) != 0)
        return base::os_error(errno, "%s: %s", path.c_str(), std::strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return base::error(Status::Invalid, "%s: is %s, not a regular file", path.c_str(),
                           kind_of(facts.st_mode));
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return base::os_error(errno, "%s: %s", path.c_str(), std::strerror(errno));
    File file(path, descriptor, 0);
    if (::fstat(descriptor, &facts) != 0 || !S_ISREG(facts.st_mode))
        return base::error(Status::Invalid, "%s: is no longer a regular file", path.c_str());
    file.size_ = static_cast<uint64_t>(facts.st_size);
    return file;
}

File::File(std::string path, int descriptor, uint64_t size)
    : path_(std::move(path)), descriptor_(descriptor), size_(size) {}

File::~File() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

File::File(File &&other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

File &File::operator=(File &&other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(size_, other.size_);
    return *this;
}

base::Result<size_t> File::read_at(uint64_t offset, std::span<char> into) const {
    size_t got = 0;
    while (got < into.size()) {
        const ssize_t n = ::pread(descriptor_, into.data() + got, into.size() - got,
                                  static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return base::os_error(errno, "%s: byte %llu: %s", path_.c_str(),
                                  static_cast<unsigned long long>(offset + got),
                                  std::strerror(errno));
        if (n == 0)
            break;
        got += static_cast<size_t>(n);
    }
    return got;
}

base::Result<std::string> read_whole(const std::string &path, uint64_t limit) {
    HWA_TRY(const File file, File::open(path));
    if (file.size() > limit)
        return base::error(Status::Parse, "%s: is %llu bytes, more than the %llu allowed",
                           path.c_str(), static_cast<unsigned long long>(file.size()),
                           static_cast<unsigned long long>(limit));
    std::string text(file.size(), '\0');
    HWA_TRY(const size_t got, file.read_at(0, text));
    text.resize(got);
    return text;
}

base::Result<std::vector<std::string>> list_folder(const std::string &path, size_t limit) {
    const std::unique_ptr<DIR, int (*)(DIR *)> folder(::opendir(path.c_str()), ::closedir);
    if (folder == nullptr)
        return base::os_error(errno, "%s: %s", path.c_str(), std::strerror(errno));
    std::vector<std::string> names;
    while (const dirent *entry = ::readdir(folder.get())) {
        const std::string_view name = entry->d_name;
        if (name == "." || name == "..")
            continue;
        if (names.size() == limit)
            return base::error(Status::Parse, "%s: holds more than %zu names", path.c_str(), limit);
        names.emplace_back(name);
    }
    std::sort(names.begin(), names.end());
    return names;
}

bool may_write(uint64_t size_bytes) {
    struct rlimit limit = {};
    return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && size_bytes <= limit.rlim_cur;
}

int64_t file_time_ns(const struct timespec &time) {
    const int64_t seconds = time.tv_sec;
    int64_t sum = 0;
    if (__builtin_mul_overflow(seconds, int64_t{1'000'000'000}, &sum) ||
        __builtin_add_overflow(sum, int64_t{time.tv_nsec}, &sum))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

PathKind path_kind(const std::string &path) {
    struct stat facts = {};
    if (::stat(path.c_str(), &facts) != 0)
        return PathKind::Missing;
    if (S_ISREG(facts.st_mode))
        return PathKind::File;
    return S_ISDIR(facts.st_mode) ? PathKind::Directory : PathKind::Other;
}

} // namespace hwa::os
