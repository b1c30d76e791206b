// SPDX-License-Identifier: MIT
// Folder by *at() calls on its descriptor.
#include "os/folder.h"

#include "base/text.h"
#include "base/units.h"
#include "os/file.h"
#include "os/host.h"

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hwa::os {

using base::Done;
using base::Result;
using base::Status;

/// How the name of a file begins that is being written; it is locked until it has its final one.
static constexpr std::string_view unfinished = ".new-";

static base::Error failure(const std::string &name) {
    const int code = errno;
    return base::os_error(code, "%s: %s", name.c_str(), std::strerror(code));
}

/// Ok if nobody but this user, and root, can have written it.
static Done check_own(const struct stat &facts, const std::string &name) {
    if (facts.st_uid != ::geteuid())
        return base::error(Status::Denied, "%s: belongs to user %u, not to this one", name.c_str(),
                           facts.st_uid);
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return base::error(Status::Denied, "%s: others may write to it (mode %04o)", name.c_str(),
                           facts.st_mode & 07777u);
    return {};
}

/// Makes a folder and what lacks above it, for the user alone, as the XDG Base Directory
/// Specification wants it; never in another user's, where root would shut that user out.
static Done make_all(const std::string &path) {
    uid_t above = 0;
    for (size_t at = 0; at != std::string::npos;) {
        at = path.find('/', at + 1);
        const std::string part = path.substr(0, at);
        struct stat facts = {};
        if (::stat(part.c_str(), &facts) == 0) {
            above = facts.st_uid;
            continue;
        }
        if (above != 0 && above != ::geteuid())
            return base::error(Status::Denied, "%s: lies in a folder of user %u", part.c_str(),
                               above);
        if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
            return failure(part);
        above = ::geteuid();
    }
    return {};
}

Result<Folder> Folder::open(const std::string &path, bool create) {
    if (elevated())
        return base::error(Status::Denied,
                           "%s: is not used by a process with more rights than its user",
                           path.c_str());
    if (!path.starts_with('/'))
        return base::error(Status::Invalid, "\"%s\": should be a path that starts with /",
                           path.c_str());
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Descriptor descriptor(::open(path.c_str(), flags));
    if (descriptor.get() < 0 && errno == ENOENT && create) {
        HWA_CHECK(make_all(path));
        descriptor = Descriptor(::open(path.c_str(), flags));
    }
    if (descriptor.get() < 0 && (errno == ELOOP || errno == ENOTDIR))
        return base::error(Status::Denied, "%s: is a link or no folder", path.c_str());
    struct stat facts = {};
    if (descriptor.get() < 0 || ::fstat(descriptor.get(), &facts) != 0)
        return failure(path);
    HWA_CHECK(check_own(facts, path));
    return Folder(std::move(descriptor));
}

Result<std::string> Folder::read(const std::string &name, uint64_t limit) const {
    const Descriptor file(::openat(descriptor_.get(), name.c_str(),
                                   O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat facts = {};
    if (file.get() < 0 || ::fstat(file.get(), &facts) != 0)
        return failure(name);
    if (!S_ISREG(facts.st_mode))
        return base::error(Status::Denied, "%s: is not a regular file", name.c_str());
    HWA_CHECK(check_own(facts, name));
    const auto size = static_cast<uint64_t>(facts.st_size);
    if (size > limit)
        return base::error(Status::Parse, "%s: is too large", name.c_str());
    std::string text(size, '\0');
    size_t got = 0;
    while (got < text.size()) {
        const ssize_t n = ::read(file.get(), text.data() + got, text.size() - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failure(name);
        if (n == 0)
            break;
        got += static_cast<size_t>(n);
    }
    text.resize(got);
    static_cast<void>(::futimens(file.get(), nullptr)); // in vain on a read-only file system
    return text;
}

static uint64_t size_of(std::span<const std::string_view> pieces) {
    uint64_t size = 0;
    for (const std::string_view piece : pieces)
        size = base::checked_add(size, piece.size()).value_or(UINT64_MAX);
    return size;
}

static Done write_all(int file, std::span<const std::string_view> pieces, const std::string &name) {
    for (std::string_view piece : pieces) {
        while (!piece.empty()) {
            const ssize_t n = ::write(file, piece.data(), piece.size());
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return failure(name);
            piece.remove_prefix(static_cast<size_t>(n));
        }
    }
    return {};
}

Done Folder::replace(const std::string &name, std::span<const std::string_view> pieces) const {
    static std::atomic<uint32_t> count = 0;
    if (!may_write(size_of(pieces)))
        return base::error(Status::Io, "%s: is larger than files may be here", name.c_str());
    const std::string fresh =
        base::format("%s%d-%u-%llx", std::string(unfinished).c_str(), static_cast<int>(::getpid()),
                     count.fetch_add(1), static_cast<unsigned long long>(clock_ns()));
    const Descriptor file(::openat(descriptor_.get(), fresh.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file.get() < 0)
        return failure(fresh);
    Done done;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
        done = failure(fresh);
    if (done)
        done = write_all(file.get(), pieces, fresh);
    if (done && ::renameat(descriptor_.get(), fresh.c_str(), descriptor_.get(), name.c_str()) != 0)
        done = failure(name);
    if (!done)
        remove(fresh);
    return done;
}

void Folder::remove(const std::string &name) const {
    static_cast<void>(::unlinkat(descriptor_.get(), name.c_str(), 0));
}

/// Removes a file that nobody writes any more. One whose writer has not locked it yet goes too,
/// and costs that writer its work.
static void remove_stray(int folder, const char *name) {
    const Descriptor file(
        ::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
        static_cast<void>(::unlinkat(folder, name, 0));
}

Result<std::vector<FolderFile>> Folder::list(size_t limit) const {
    Descriptor again(::openat(descriptor_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::unique_ptr<DIR, int (*)(DIR *)> folder(::fdopendir(again.get()), ::closedir);
    if (folder == nullptr)
        return failure(".");
    again.release();
    std::vector<FolderFile> files;
    while (const dirent *entry = ::readdir(folder.get())) {
        if (std::string_view(entry->d_name).starts_with(unfinished)) {
            remove_stray(descriptor_.get(), entry->d_name);
            continue;
        }
        struct stat facts = {};
        if (::fstatat(descriptor_.get(), entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(facts.st_mode))
            continue;
        if (files.size() == limit)
            break;
        files.push_back(
            {entry->d_name, static_cast<uint64_t>(facts.st_size), file_time_ns(facts.st_mtim)});
    }
    return files;
}

} // namespace hwa::os
