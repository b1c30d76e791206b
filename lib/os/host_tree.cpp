// SPDX-License-Identifier: MIT
// Host over a captured tree, of which no link leads out: the kernel looks a path up below the root
// (openat2(2), since Linux 5.6), and where it cannot, every path is walked by hand.
#include "os/host.h"

#include "os/contents.h"
#include "os/descriptor.h"
#include "os/facts.h"

#include "base/text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

/// True if walking by hand would end no other way.
static bool settled(int code) {
    return code == ENOENT || code == ENOTDIR || code == EACCES;
}

/// One that is not open, with errno, if the kernel cannot; FIFOs do not block it.
static Descriptor open_below(int root, const std::string &path, uint64_t flags) {
    // A path with "..", as links have, is walked again if anything on the machine was renamed.
    constexpr int attempts = 8;
    struct open_how how = {};
    how.flags = flags | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    long file = -1;
    for (int i = 0; i < attempts && (i == 0 || (file < 0 && errno == EAGAIN)); ++i)
        file = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    return Descriptor(static_cast<int>(file));
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
    Result<Descriptor> open(const std::string &path, uint64_t flags) const;
    Result<Place> find(const std::string &path, bool follow = true) const {
        return Walk(root_.get(), path).finish(follow);
    }

    Descriptor root_;
    HostFacts facts_;
};

Result<Descriptor> TreeHost::open(const std::string &path, uint64_t flags) const {
    Descriptor file = open_below(root_.get(), path, flags);
    if (file.get() >= 0)
        return file;
    if (settled(errno))
        return failure(path, errno);
    HWA_TRY(const Place place, find(path));
    // A socket, or what else there is that cannot be opened to read, is left alone.
    if (!S_ISREG(place.facts.st_mode) && !S_ISDIR(place.facts.st_mode))
        return base::error(Status::Invalid, "%s: is not a regular file", path.c_str());
    file = Descriptor(::openat(place.folder.get(), place.name.c_str(),
                               static_cast<int>(flags) | O_CLOEXEC | O_NOFOLLOW));
    if (file.get() < 0)
        return failure(path, errno);
    return file;
}

Result<std::string> TreeHost::read_file(const std::string &path, size_t limit) const {
    if (const auto at = facts_.access.find(path);
        at != facts_.access.end() && at->second == Status::Denied)
        return failure(path, EACCES);
    HWA_TRY(const Descriptor file, open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
    auto text = read_all(file.get(), path, limit);
    // Folders fail, FIFOs are empty and devices go on: what has a little text need not be looked
    // at.
    constexpr size_t little = 2048;
    struct stat facts = {};
    if ((!text || text->empty() || text->size() >= little) &&
        (::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)))
        return base::error(Status::Invalid, "%s: is not a regular file", path.c_str());
    return text;
}

Result<std::vector<std::string>> TreeHost::list(const std::string &path, size_t limit) const {
    HWA_TRY(const Descriptor folder, open(path, O_RDONLY | O_DIRECTORY));
    return list_all(folder.get(), path, limit);
}

Result<std::string> TreeHost::read_link(const std::string &path) const {
    if (const auto at = facts_.links.find(path); at != facts_.links.end())
        return at->second;
    const Descriptor link = open_below(root_.get(), path, O_PATH | O_NOFOLLOW);
    if (link.get() < 0 && settled(errno))
        return failure(path, errno);
    char target[4096];
    ssize_t length = -1;
    if (link.get() >= 0) {
        length = ::readlinkat(link.get(), "", target, sizeof target);
    } else {
        HWA_TRY(const Place place, find(path, false));
        length = ::readlinkat(place.folder.get(), place.name.c_str(), target, sizeof target);
    }
    if (length < 0)
        return failure(path, errno);
    return std::string(target, static_cast<size_t>(length));
}

bool TreeHost::exists(const std::string &path) const {
    const Descriptor file = open_below(root_.get(), path, O_PATH);
    return file.get() >= 0 || (!settled(errno) && find(path));
}

Status TreeHost::access(const std::string &path) const {
    if (const auto at = facts_.access.find(path); at != facts_.access.end())
        return at->second;
    const Descriptor file = open_below(root_.get(), path, O_PATH);
    if (file.get() < 0 && settled(errno))
        return failure(path, errno).status;
    if (file.get() >= 0 &&
        ::faccessat(file.get(), "", R_OK | W_OK, AT_EACCESS | AT_EMPTY_PATH) == 0)
        return Status::Ok;
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
