// SPDX-License-Identifier: MIT
// dladdr on ourselves, and a look at who owns a file.
#include "os/program.h"

#include "os/host.h"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hwa::os {

using base::Status;

/// Folder of the library, or of the program that holds it; "" if it cannot be told.
static std::string own_folder() {
    Dl_info info = {};
    if (::dladdr(reinterpret_cast<const void *>(&own_folder), &info) == 0 ||
        info.dli_fname == nullptr)
        return {};
    char resolved[PATH_MAX];
    if (::realpath(info.dli_fname, resolved) == nullptr)
        return {};
    const std::string path = resolved;
    return path.substr(0, path.rfind('/'));
}

static base::Done vet(const std::string &path) {
    struct stat facts = {};
    if (::stat(path.c_str(), &facts) != 0)
        return base::os_error(errno, "%s: %s", path.c_str(), std::strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return base::error(Status::Denied, "%s: is not a regular file", path.c_str());
    if (facts.st_uid != 0 && facts.st_uid != ::geteuid())
        return base::error(Status::Denied, "%s: belongs to user %u, neither root nor the caller",
                           path.c_str(), facts.st_uid);
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return base::error(Status::Denied, "%s: can be written by others than its owner",
                           path.c_str());
    return {};
}

base::Result<std::string> find_program(std::span<const char *const> beside,
                                       const std::string &installed) {
    const std::string folder = elevated() ? std::string() : own_folder();
    base::Error refused = base::error(Status::NotFound, "nothing was refused");
    if (!folder.empty()) {
        for (const char *name : beside) {
            const std::string path = folder + "/" + name;
            const auto vetted = vet(path);
            if (vetted)
                return path;
            if (refused.status == Status::NotFound)
                refused = vetted.error();
        }
    }
    if (const auto vetted = vet(installed); !vetted)
        return refused.status == Status::Denied ? refused : vetted.error();
    return installed;
}

} // namespace hwa::os
