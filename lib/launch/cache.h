// SPDX-License-Identifier: MIT
// Cache: built programs on disk, so that the next process need not build them again.
#pragma once

#include "base/status.h"
#include "base/units.h"

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace hwa::launch {

/// Everything that decides what a build gives, as one text in which no two lists of parts collide:
/// the runtime, the compiler and its version, the device, the options, the entry, the code.
std::string cache_key(std::initializer_list<std::string_view> parts);

/// Where programs are kept unless the caller says otherwise, by the XDG Base Directory
/// Specification; "" if the environment does not say or is not to be trusted.
std::string default_cache_folder();

/// How much one folder may hold; what was not used for longest goes first.
struct CacheLimits {
    uint64_t total_bytes = 256 * base::MiB;
    uint64_t entry_bytes = 64 * base::MiB;
    size_t entries = 4096;
};

/// Whether a C of some kind may take in files, by itself or by its options: no key can stand for
/// what is in them, so nothing is kept of such a build. In doubt, yes.
bool reads_files(std::string_view source, std::string_view options);

/// One folder of entries. Any number of threads and processes may use it at once.
class Cache {
  public:
    /// Creates the folder if it is not there. Denied if it is not the user's alone.
    static base::Result<std::shared_ptr<Cache>> open(const std::string &folder,
                                                     const CacheLimits &limits = {});

    /// What was stored under that very key; nothing if it lacks or is damaged.
    std::optional<std::string> find(std::string_view key) const;
    /// Replaces what is there. A cache that cannot be written costs a build, not a failure.
    void store(std::string_view key, std::string_view content) const;

  private:
    Cache(std::string folder, const CacheLimits &limits)
        : folder_(std::move(folder)), limits_(limits) {}

    std::string folder_;
    CacheLimits limits_;
};

} // namespace hwa::launch
