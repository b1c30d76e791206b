// SPDX-License-Identifier: MIT
// Host: the machine as detection sees it, either the live one or a captured tree of files.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::os {

/// The four registers that one CPUID leaf answers.
struct CpuidAnswer {
    uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// Names of the running kernel, as uname(2) tells them.
struct KernelName {
    std::string system;  ///< "Linux"
    std::string release; ///< "6.1.0-18-amd64"
    std::string machine; ///< "x86_64"
};

/// Everything detection knows of the world comes through here. Paths are absolute, such as
/// "/sys/bus/pci/devices"; a tree host looks them up below its root and never leaves it. All
/// members may be called at once from any threads.
class Host {
  public:
    virtual ~Host() = default;

    /// Content of a regular file, cut at `limit` bytes. Never blocks on a FIFO or a device.
    virtual base::Result<std::string> read_file(const std::string &path,
                                                size_t limit = 4096) const = 0;
    /// Names in a directory, sorted, without . and .., at most `limit`.
    virtual base::Result<std::vector<std::string>> list(const std::string &path,
                                                        size_t limit = 65536) const = 0;
    /// Target of a symbolic link as it is written.
    virtual base::Result<std::string> read_link(const std::string &path) const = 0;
    virtual bool exists(const std::string &path) const = 0;
    /// Ok, or why this process may not open the path for reading and writing.
    virtual base::Status access(const std::string &path) const = 0;
    /// Numeric group that owns the path, links followed; nothing if it is not there.
    virtual std::optional<uint32_t> group(const std::string &path) const = 0;

    /// What the driver behind a device node answers to a question of os/query.h, which opens the
    /// node. It is not to be asked of a device that sleeps.
    virtual base::Result<std::string> query(const std::string &node,
                                            const std::string &question) const = 0;

    /// Answers of the processor itself; nothing where it is of another kind or was not captured.
    virtual std::optional<CpuidAnswer> cpuid(uint32_t leaf, uint32_t subleaf) const = 0;
    /// Register state the operating system saves (XCR0); 0 where there is none.
    virtual uint64_t xcr0() const = 0;
    /// Rate of the time-stamp counter, timed against the monotonic clock over the life of this
    /// object; 0 where there is none or the time was too short.
    virtual uint64_t counter_hz() const = 0;
    /// An entry of the auxiliary vector, such as AT_HWCAP; 0 where there is none.
    virtual uint64_t auxiliary(uint64_t type) const = 0;
    /// Vector length in bytes: SVE if `streaming` is false, SME if it is true; 0 where none.
    virtual uint32_t vector_bytes(bool streaming) const = 0;
    /// Processors this process may run on, in order; empty if not known.
    virtual std::vector<uint32_t> affinity() const = 0;
    virtual KernelName kernel() const = 0;

    /// An environment variable; nothing in a captured tree, and nothing when the process runs with
    /// more rights than its user (AT_SECURE).
    virtual std::optional<std::string> environment(const char *name) const = 0;

    /// True if this is the machine the process runs on.
    virtual bool live() const = 0;
};

/// The machine this process runs on.
std::unique_ptr<Host> live_host();

/// The tree below `root`, as a capture wrote it.
base::Result<std::unique_ptr<Host>> tree_host(const std::string &root);

/// A host that passes everything on and remembers what was asked.
class CaptureHost : public Host {
  public:
    /// Writes what was remembered, with serial numbers blanked, so that tree_host() of the folder
    /// answers the same.
    virtual base::Done write() const = 0;
};

/// A capture of `host`, which must outlive it, into the folder `into`: a new or an empty one.
base::Result<std::unique_ptr<CaptureHost>> capture_host(const Host &host, const std::string &into);

/// Monotonic time.
uint64_t clock_ns();

/// True when the process runs with more rights than its user, so its environment is not trusted.
bool elevated();

} // namespace hwa::os
