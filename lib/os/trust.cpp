// SPDX-License-Identifier: MIT
// Trust by owners and modes, from the file up to the root.
#include "os/trust.h"

#include "os/file.h"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace hwa::os {

using base::Status;

static base::Done check(const std::string &path, const struct stat &facts, Owner owner,
                        mode_t excuse) {
    const bool mine = owner == Owner::RootOrCaller && facts.st_uid == ::geteuid();
    if (facts.st_uid != 0 && !mine)
        return base::error(Status::Denied, "%s: belongs to user %u, %s", path.c_str(), facts.st_uid,
                           owner == Owner::Root ? "not to root" : "neither root nor the caller");
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (facts.st_mode & excuse) == 0)
        return base::error(Status::Denied, "%s: others than its owner may write to it (mode %04o)",
                           path.c_str(), facts.st_mode & 07777u);
    return {};
}

static base::Done look(const std::string &path, struct stat &facts) {
    if (::lstat(path.c_str(), &facts) != 0)
        return base::os_error(errno, "%s: %s", path.c_str(), std::strerror(errno));
    return {};
}

base::Result<TrustedFile> trust(const std::string &path, Owner owner) {
    char resolved[PATH_MAX];
    if (::realpath(path.c_str(), resolved) == nullptr)
        return base::os_error(errno, "%s: %s", path.c_str(), std::strerror(errno));
    struct stat facts = {};
    HWA_CHECK(look(resolved, facts));
    if (!S_ISREG(facts.st_mode))
        return base::error(Status::Denied, "%s: is not a regular file", resolved);
    HWA_CHECK(check(resolved, facts, owner, 0));
    std::string folder = resolved;
    for (mode_t excuse = 0; folder != "/"; excuse = S_ISVTX) {
        folder.resize(std::max<size_t>(folder.rfind('/'), 1));
        struct stat above = {};
        HWA_CHECK(look(folder, above));
        HWA_CHECK(check(folder, above, owner, excuse));
    }
    return TrustedFile{resolved, static_cast<uint64_t>(facts.st_size), file_time_ns(facts.st_mtim)};
}

} // namespace hwa::os
