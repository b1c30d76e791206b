// SPDX-License-Identifier: MIT
// CaptureHost: remembers each answer of another host, blanked, and writes them all as a tree.
#include "os/host.h"

#include "os/blank.h"
#include "os/facts.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace hwa::os {

using base::Done;
using base::Result;
using base::Status;

static base::Error failure(const std::string &path, int code) {
    return base::os_error(code, "%s: %s", path.c_str(), std::strerror(code));
}

static Done write_file(const std::string &path, std::string_view content) {
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (file < 0)
        return failure(path, errno);
    while (!content.empty()) {
        const ssize_t put = ::write(file, content.data(), content.size());
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            const int code = put < 0 ? errno : ENOSPC;
            ::close(file);
            return failure(path, code);
        }
        content.remove_prefix(static_cast<size_t>(put));
    }
    return ::close(file) == 0 ? Done() : Done(failure(path, errno));
}

namespace {

class Capture final : public CaptureHost {
  public:
    Capture(const Host &host, std::string into) : host_(host), into_(std::move(into)) {}

    Result<std::string> read_file(const std::string &path, size_t limit) const override {
        auto content = host_.read_file(path, limit);
        const std::lock_guard lock(mutex_);
        if (content)
            files_[blank_ids(path)] = blank_file(path, *content);
        else if (content.error().status == Status::Denied)
            facts_.access[blank_ids(path)] = Status::Denied;
        return content;
    }

    Result<std::vector<std::string>> list(const std::string &path, size_t limit) const override {
        auto names = host_.list(path, limit);
        const std::lock_guard lock(mutex_);
        if (names) {
            folders_.insert(blank_ids(path));
            for (const std::string &name : *names)
                seen_.insert(blank_ids(path + '/' + name));
        }
        return names;
    }

    Result<std::string> read_link(const std::string &path) const override {
        auto target = host_.read_link(path);
        const std::lock_guard lock(mutex_);
        if (target)
            facts_.links[blank_ids(path)] = blank_ids(*target);
        return target;
    }

    bool exists(const std::string &path) const override {
        const bool there = host_.exists(path);
        const std::lock_guard lock(mutex_);
        if (there)
            seen_.insert(blank_ids(path));
        return there;
    }

    Status access(const std::string &path) const override {
        const Status status = host_.access(path);
        const std::lock_guard lock(mutex_);
        return facts_.access[blank_ids(path)] = status;
    }

    std::optional<uint32_t> group(const std::string &path) const override {
        const auto group = host_.group(path);
        const std::lock_guard lock(mutex_);
        if (group)
            facts_.group[blank_ids(path)] = *group;
        return group;
    }

    Result<std::string> query(const std::string &node, const std::string &question) const override {
        auto answer = host_.query(node, question);
        const std::lock_guard lock(mutex_);
        if (answer)
            facts_.answers[{node, question}] = *answer;
        return answer;
    }

    std::optional<CpuidAnswer> cpuid(uint32_t leaf, uint32_t subleaf) const override {
        const auto answer = host_.cpuid(leaf, subleaf);
        const std::lock_guard lock(mutex_);
        if (answer)
            facts_.cpuid[{leaf, subleaf}] = *answer;
        return answer;
    }

    uint64_t xcr0() const override { return keep(facts_.xcr0, host_.xcr0()); }
    uint64_t counter_hz() const override { return keep(facts_.counter_hz, host_.counter_hz()); }
    uint64_t auxiliary(uint64_t type) const override {
        const uint64_t value = host_.auxiliary(type);
        const std::lock_guard lock(mutex_);
        if (value != 0)
            facts_.auxiliary[type] = value;
        return value;
    }
    uint32_t vector_bytes(bool streaming) const override {
        return keep(streaming ? facts_.sme_bytes : facts_.sve_bytes, host_.vector_bytes(streaming));
    }
    std::vector<uint32_t> affinity() const override {
        return keep(facts_.affinity, host_.affinity());
    }
    KernelName kernel() const override { return keep(facts_.kernel, host_.kernel()); }

    std::optional<std::string> environment(const char *name) const override {
        return host_.environment(name);
    }
    bool live() const override { return host_.live(); }

    Done write() const override;

  private:
    template <class T> T keep(T &where, T value) const {
        const std::lock_guard lock(mutex_);
        return where = std::move(value);
    }

    Done write_one(const std::string &path, const std::string &content) const;

    const Host &host_;
    std::string into_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, std::string> files_;
    mutable std::set<std::string> folders_;
    mutable std::set<std::string> seen_; ///< known to be there, content not asked for
    mutable HostFacts facts_;
};

Done Capture::write_one(const std::string &path, const std::string &content) const {
    // Paths come from detection, which builds some of them from what files say.
    if (path.find("/../") != path.npos || path.ends_with("/..") || path[0] != '/')
        return {};
    const std::string whole = into_ + path;
    std::error_code fault;
    std::filesystem::create_directories(whole.substr(0, whole.rfind('/')), fault);
    if (fault)
        return failure(whole, fault.value());
    return write_file(whole, content);
}

/// True if `paths` holds something below `path`.
template <class Paths> static bool has_below(const Paths &paths, const std::string &path) {
    return paths.lower_bound(path + '/') != paths.lower_bound(path + '0'); // '0' follows '/'
}

Done Capture::write() const {
    const std::lock_guard lock(mutex_);
    HWA_CHECK(write_file(into_ + '/' + facts_name, write_facts(facts_)));
    for (const auto &[path, content] : files_)
        HWA_CHECK(write_one(path, content));
    for (const std::string &path : folders_) {
        std::error_code fault;
        std::filesystem::create_directories(into_ + path, fault);
        if (fault)
            return failure(into_ + path, fault.value());
    }
    // What was only seen is kept as an empty file, unless it is a folder of what was read.
    for (const std::string &path : seen_)
        if (files_.count(path) == 0 && folders_.count(path) == 0 && !has_below(files_, path) &&
            !has_below(folders_, path) && !has_below(seen_, path))
            HWA_CHECK(write_one(path, ""));
    return {};
}

} // namespace

Result<std::unique_ptr<CaptureHost>> capture_host(const Host &host, const std::string &into) {
    if (::mkdir(into.c_str(), 0755) != 0 && errno != EEXIST)
        return base::os_error(errno, "capture %s: %s", into.c_str(), std::strerror(errno));
    std::error_code fault;
    if (!std::filesystem::is_directory(into, fault))
        return base::error(Status::Invalid, "capture %s: is not a directory", into.c_str());
    const bool empty = std::filesystem::is_empty(into, fault);
    if (fault)
        return base::os_error(fault.value(), "capture %s: %s", into.c_str(),
                              std::strerror(fault.value()));
    if (!empty)
        return base::error(Status::Invalid, "capture %s: the directory is not empty", into.c_str());
    return std::unique_ptr<CaptureHost>(std::make_unique<Capture>(host, into));
}

} // namespace hwa::os
