// SPDX-License-Identifier: MIT
// Host over a captured tree: every path is walked by hand, so that no link leads out of the root.
#include "os/host.h"

#include "os/descriptor.h"
#include "os/facts.h"

#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hwa::os {

using base::Done;
using base::Result;
using base::Status;

static constexpr size_t depth_limit = 64;       // of open folders
static constexpr int link_limit = 16;           // followed on the way to one file
static constexpr size_t facts_limit = 8u << 20; // bytes
static constexpr size_t pending_limit = 4096;   // steps still to walk

static base::Error failure(const std::string &path, int code) {
    return base::os_error(code, "%s: %s", path.c_str(), std::strerror(code));
}

namespace {

/// Where a path ended: the folder that holds it, its name there and what it is.
struct Place {
    Descriptor folder;
    std::string name; ///< "." for the folder itself
    struct stat facts;
};

/// A walk from the root of the tree: the folders entered so far and the steps still ahead.
class Walk {
  public:
    Walk(int root, const std::string &path) : path_(path) {
        folders_.emplace_back(::fcntl(root, F_DUPFD_CLOEXEC, 0));
        push(path);
    }

    /// Goes to the end, through a last link only if `follow`.
    Result<Place> finish(bool follow);

  private:
    void push(std::string_view path);
    Done enter(const std::string &name);
    Done follow_link(const std::string &name);

    const std::string &path_;
    std::vector<Descriptor> folders_;
    std::vector<std::string> steps_; ///< the next one last
    int links_ = 0;
};

void Walk::push(std::string_view path) {
    const auto parts = base::split(path, '/');
    for (size_t i = parts.size(); i > 0; --i)
        if (!parts[i - 1].empty() && parts[i - 1] != ".")
            steps_.emplace_back(parts[i - 1]);
}

Done Walk::enter(const std::string &name) {
    Descriptor next(::openat(folders_.back().get(), name.c_str(),
                             O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW));
    if (next.get() < 0)
        return failure(path_, errno);
    if (folders_.size() >= depth_limit)
        return failure(path_, ENAMETOOLONG);
    folders_.push_back(std::move(next));
    return {};
}

Done Walk::follow_link(const std::string &name) {
    char target[4096];
    const ssize_t length = ::readlinkat(folders_.back().get(), name.c_str(), target, sizeof target);
    if (length < 0)
        return failure(path_, errno);
    if (++links_ > link_limit || steps_.size() > pending_limit)
        return failure(path_, ELOOP);
    if (length > 0 && target[0] == '/')
        folders_.erase(folders_.begin() + 1, folders_.end());
    push({target, static_cast<size_t>(length)});
    return {};
}

Result<Place> Walk::finish(bool follow) {
    while (!steps_.empty()) {
        const std::string name = std::move(steps_.back());
        steps_.pop_back();
        if (name == "..") {
            if (folders_.size() > 1) // the root is its own parent
                folders_.pop_back();
            continue;
        }
        struct stat facts = {};
        if (::fstatat(folders_.back().get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
            return failure(path_, errno);
        const bool last = steps_.empty();
        if (S_ISLNK(facts.st_mode) && (follow || !last))
            HWA_CHECK(follow_link(name));
        else if (last && !S_ISDIR(facts.st_mode))
            return Place{std::move(folders_.back()), name, facts};
        else
            HWA_CHECK(enter(name));
    }
    struct stat facts = {};
    if (::fstat(folders_.back().get(), &facts) != 0)
        return failure(path_, errno);
    return Place{std::move(folders_.back()), ".", facts};
}

class TreeHost final : public Host {
  public:
    TreeHost(Descriptor root, HostFacts facts) : root_(std::move(root)), facts_(std::move(facts)) {}

    Result<std::string> read_file(const std::string &path, size_t limit) const override;
    Result<std::vector<std::string>> list(const std::string &path, size_t limit) const override;
    Result<std::string> read_link(const std::string &path) const override;
    bool exists(const std::string &path) const override;
    Status access(const std::string &path) const override;
    std::optional<uint32_t> group(const std::string &path) const override;
    Result<std::string> query(const std::string &node, const std::string &question) const override {
        const auto at = facts_.answers.find({node, question});
        if (at == facts_.answers.end())
            return base::error(Status::NotFound, "%s: was not asked for %s", node.c_str(),
                               question.c_str());
        return at->second;
    }

    std::optional<CpuidAnswer> cpuid(uint32_t leaf, uint32_t subleaf) const override {
        const auto at = facts_.cpuid.find({leaf, subleaf});
        if (at != facts_.cpuid.end())
            return at->second;
        // A processor answers any leaf; one that was not captured had nothing to say.
        return facts_.cpuid.empty() ? std::nullopt : std::optional<CpuidAnswer>(CpuidAnswer{});
    }
    uint64_t xcr0() const override { return facts_.xcr0; }
    uint64_t counter_hz() const override { return facts_.counter_hz; }
    uint64_t auxiliary(uint64_t type) const override {
        const auto at = facts_.auxiliary.find(type);
        return at != facts_.auxiliary.end() ? at->second : 0;
    }
    uint32_t vector_bytes(bool streaming) const override {
        return streaming ? facts_.sme_bytes : facts_.sve_bytes;
    }
    std::vector<uint32_t> affinity() const override { return facts_.affinity; }
    KernelName kernel() const override { return facts_.kernel; }
    std::optional<std::string> environment(const char *) const override { return std::nullopt; }
    bool live() const override { return false; }

  private:
    Result<Place> find(const std::string &path, bool follow = true) const {
        return Walk(root_.get(), path).finish(follow);
    }

    Descriptor root_;
    HostFacts facts_;
};

Result<std::string> TreeHost::read_file(const std::string &path, size_t limit) const {
    if (const auto at = facts_.access.find(path);
        at != facts_.access.end() && at->second == Status::Denied)
        return failure(path, EACCES);
    HWA_TRY(const Place place, find(path));
    if (!S_ISREG(place.facts.st_mode))
        return base::error(Status::Invalid, "%s: is not a regular file", path.c_str());
    const Descriptor file(::openat(place.folder.get(), place.name.c_str(),
                                   O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
    struct stat facts = {};
    if (file.get() < 0 || ::fstat(file.get(), &facts) != 0)
        return failure(path, errno);
    if (!S_ISREG(facts.st_mode))
        return base::error(Status::Invalid, "%s: is no longer a regular file", path.c_str());
    // The size tells nothing: of a kernel file it is 0 or a page, of a sparse one anything.
    std::string text;
    char piece[4096];
    while (text.size() < limit) {
        const ssize_t got = ::read(file.get(), piece, std::min(sizeof piece, limit - text.size()));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure(path, errno);
        if (got == 0)
            break;
        text.append(piece, static_cast<size_t>(got));
    }
    return text;
}

Result<std::vector<std::string>> TreeHost::list(const std::string &path, size_t limit) const {
    HWA_TRY(const Place place, find(path));
    const int folder = ::openat(place.folder.get(), place.name.c_str(),
                                O_RDONLY | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW);
    if (folder < 0)
        return failure(path, errno);
    DIR *stream = ::fdopendir(folder);
    if (stream == nullptr) {
        ::close(folder);
        return failure(path, ENOMEM);
    }
    std::vector<std::string> names;
    while (names.size() < limit) {
        const struct dirent *entry = ::readdir(stream);
        if (entry == nullptr)
            break;
        if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
            names.emplace_back(entry->d_name);
    }
    ::closedir(stream);
    std::sort(names.begin(), names.end());
    return names;
}

Result<std::string> TreeHost::read_link(const std::string &path) const {
    if (const auto at = facts_.links.find(path); at != facts_.links.end())
        return at->second;
    HWA_TRY(const Place place, find(path, false));
    char target[4096];
    const ssize_t length =
        ::readlinkat(place.folder.get(), place.name.c_str(), target, sizeof target);
    if (length < 0)
        return failure(path, errno);
    return std::string(target, static_cast<size_t>(length));
}

bool TreeHost::exists(const std::string &path) const {
    return static_cast<bool>(find(path));
}

Status TreeHost::access(const std::string &path) const {
    if (const auto at = facts_.access.find(path); at != facts_.access.end())
        return at->second;
    const auto place = find(path);
    if (!place)
        return place.error().status;
    const int denied =
        ::faccessat(place->folder.get(), place->name.c_str(), R_OK | W_OK, AT_EACCESS);
    return denied == 0 ? Status::Ok : failure(path, errno).status;
}

std::optional<uint32_t> TreeHost::group(const std::string &path) const {
    if (const auto at = facts_.group.find(path); at != facts_.group.end())
        return at->second;
    const auto place = find(path);
    return place ? std::optional<uint32_t>(place->facts.st_gid) : std::nullopt;
}

} // namespace

Result<std::unique_ptr<Host>> tree_host(const std::string &root) {
    Descriptor folder(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (folder.get() < 0 && errno == ENOTDIR)
        return base::error(Status::Invalid, "sysroot %s: is not a directory", root.c_str());
    if (folder.get() < 0)
        return base::os_error(errno, "sysroot %s: %s", root.c_str(), std::strerror(errno));
    TreeHost bare{Descriptor(::fcntl(folder.get(), F_DUPFD_CLOEXEC, 0)), {}};
    const auto text = bare.read_file(std::string("/") + facts_name, facts_limit);
    HostFacts facts = text ? read_facts(*text) : HostFacts();
    return std::unique_ptr<Host>(std::make_unique<TreeHost>(std::move(folder), std::move(facts)));
}

} // namespace hwa::os
