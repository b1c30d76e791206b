// SPDX-License-Identifier: MIT
// Host over "/": as few system calls as each question needs.
#include "os/host.h"

#include "os/contents.h"
#include "os/cpuid.h"
#include "os/descriptor.h"
#include "os/environment.h"
#include "os/query.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace hwa::os {

using base::Result;
using base::Status;

// From <linux/prctl.h>, which older systems have without SME.
static constexpr int prctl_sve_get_length = 51;
static constexpr int prctl_sme_get_length = 64;
static constexpr uint32_t vector_length_mask = 0xffff;

uint64_t clock_ns() {
    struct timespec now = {};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

bool elevated() {
    return ::getauxval(AT_SECURE) != 0;
}

static base::Error failure(const std::string &path) {
    const int code = errno;
    return base::os_error(code, "%s: %s", path.c_str(), std::strerror(code));
}

/// Both clocks at one moment.
struct Tick {
    uint64_t counter = 0; ///< 0 if no moment was quiet enough
    uint64_t clock = 0;
};

/// Reads the clock between two reads of the counter that are close together; another process may
/// have run in between when they are not.
static Tick tick() {
    constexpr uint64_t close = 2000;
    for (int attempt = 0; attempt < 8; ++attempt) {
        const uint64_t before = read_counter();
        const uint64_t clock = clock_ns();
        const uint64_t after = read_counter();
        if (before != 0 && after - before < close)
            return {before + (after - before) / 2, clock};
    }
    return {};
}

namespace {

class LiveHost final : public Host {
  public:
    Result<std::string> read_file(const std::string &path, size_t limit) const override {
        const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
        if (file.get() < 0)
            return failure(path);
        return read_all(file.get(), path, limit);
    }

    Result<std::vector<std::string>> list(const std::string &path, size_t limit) const override {
        const Descriptor folder{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_DIRECTORY)};
        if (folder.get() < 0)
            return failure(path);
        return list_all(folder.get(), path, limit);
    }

    Result<std::string> read_link(const std::string &path) const override {
        char target[4096];
        const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
        if (length < 0)
            return failure(path);
        return std::string(target, static_cast<size_t>(length));
    }

    bool exists(const std::string &path) const override {
        return ::access(path.c_str(), F_OK) == 0;
    }

    Status access(const std::string &path) const override {
        // By the rights that opening it would use, not those of the user who started the program.
        if (::faccessat(AT_FDCWD, path.c_str(), R_OK | W_OK, AT_EACCESS) == 0)
            return Status::Ok;
        return failure(path).status;
    }

    std::optional<uint32_t> group(const std::string &path) const override {
        struct stat facts = {};
        if (::stat(path.c_str(), &facts) != 0)
            return std::nullopt;
        return facts.st_gid;
    }

    Result<std::string> query(const std::string &node, const std::string &question) const override {
        return query_node(node, question);
    }

    std::optional<CpuidAnswer> cpuid(uint32_t leaf, uint32_t subleaf) const override {
        return os::cpuid(leaf, subleaf);
    }
    uint64_t xcr0() const override { return read_xcr0(); }
    uint64_t counter_hz() const override;
    uint64_t auxiliary(uint64_t type) const override { return ::getauxval(type); }
    uint32_t vector_bytes(bool streaming) const override;
    std::vector<uint32_t> affinity() const override;
    KernelName kernel() const override;

    std::optional<std::string> environment(const char *name) const override {
        return environment_variable(name);
    }

    bool live() const override { return true; }

  private:
    Tick born_ = tick();
};

uint64_t LiveHost::counter_hz() const {
    constexpr uint64_t shortest_ns = 20000; // below it the two clocks disagree by too much
    const Tick now = tick();
    const uint64_t elapsed = now.clock - born_.clock;
    if (born_.counter == 0 || now.counter == 0 || elapsed < shortest_ns)
        return 0;
    const auto ticks = static_cast<double>(now.counter - born_.counter);
    return static_cast<uint64_t>(ticks * 1e9 / static_cast<double>(elapsed));
}

uint32_t LiveHost::vector_bytes(bool streaming) const {
#if defined(__aarch64__)
    const int length = ::prctl(streaming ? prctl_sme_get_length : prctl_sve_get_length, 0, 0, 0, 0);
    return length < 0 ? 0 : static_cast<uint32_t>(length) & vector_length_mask;
#else
    // These numbers mean nothing elsewhere, so the call is spared.
    static_cast<void>(streaming);
    static_cast<void>(prctl_sve_get_length + prctl_sme_get_length);
    static_cast<void>(vector_length_mask);
    return 0;
#endif
}

std::vector<uint32_t> LiveHost::affinity() const {
    // The raw call tells how many bytes the kernel's own mask has.
    uint64_t mask[1024] = {};
    const long bytes = ::syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    std::vector<uint32_t> processors;
    for (size_t word = 0; bytes > 0 && word < static_cast<size_t>(bytes) / sizeof mask[0]; ++word)
        for (uint32_t bit = 0; bit < 64; ++bit)
            if ((mask[word] >> bit & 1) != 0)
                processors.push_back(static_cast<uint32_t>(word * 64 + bit));
    return processors;
}

KernelName LiveHost::kernel() const {
    struct utsname names = {};
    if (::uname(&names) != 0)
        return {};
    return {names.sysname, names.release, names.machine};
}

} // namespace

std::unique_ptr<Host> live_host() {
    return std::make_unique<LiveHost>();
}

} // namespace hwa::os
