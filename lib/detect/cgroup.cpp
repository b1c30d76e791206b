// SPDX-License-Identifier: MIT
// Control groups, version 1 (Linux Documentation/admin-guide/cgroup-v1/memory.rst), version 2
// (Documentation/admin-guide/cgroup-v2.rst), and both at once.
#include "detect/cgroup.h"

#include "base/text.h"
#include "base/units.h"

#include <algorithm>
#include <string>
#include <vector>

namespace hwa::detect {

using os::Host;

static constexpr size_t list_limit = 64 * base::KiB; // bytes of /proc/self/cgroup
static constexpr size_t level_limit = 64;            // ancestors looked at
// A hard limit is read at every level. To keep the number of system calls within three for each
// ancestor and a constant, the softer ones are read where people set them: near the leaf.
static constexpr size_t high_levels = 8;
static constexpr size_t time_levels = 4;

namespace {

/// Where a hierarchy says this process is.
struct Place {
    std::string mount; ///< "/sys/fs/cgroup/memory"
    std::string path;  ///< "/a/b"; "/" for the root
};

/// The lines of /proc/self/cgroup that matter.
struct Places {
    std::optional<Place> memory;  ///< version 1
    std::optional<Place> time;    ///< version 1, controller cpu
    std::optional<Place> unified; ///< version 2
    bool contained = false;
};

} // namespace

/// The folders from the leaf up to the mount point. In a namespace of its own, a process can be
/// told a path that starts with /.. and is not there; what is left of it leads to its ancestors.
static std::vector<std::string> ancestors(const Place &place) {
    std::vector<std::string_view> steps;
    for (const std::string_view step : base::split(place.path, '/'))
        if (!step.empty() && step != "." && step != "..")
            steps.push_back(step);
    std::vector<std::string> folders;
    for (size_t depth = std::min(steps.size(), level_limit) + 1; depth > 0; --depth) {
        std::string folder = place.mount;
        for (size_t i = 0; i + 1 < depth; ++i)
            folder.append("/").append(steps[i]);
        folders.push_back(std::move(folder));
    }
    return folders;
}

static bool container_name(std::string_view path) {
    for (const char *part : {"docker", "kubepods", "containerd", "libpod", "crio-", "/lxc"})
        if (path.find(part) != std::string_view::npos)
            return true;
    return false;
}

static Places read_places(std::string_view text) {
    Places places;
    bool version1 = false;
    for (const std::string_view line : base::split(text, '\n')) {
        const size_t first = line.find(':');
        const size_t second = first == line.npos ? first : line.find(':', first + 1);
        if (second == line.npos)
            continue;
        const std::string_view controllers = line.substr(first + 1, second - first - 1);
        const std::string path(line.substr(second + 1));
        places.contained = places.contained || container_name(path);
        version1 = version1 || !controllers.empty();
        if (base::list_holds(controllers, "memory"))
            places.memory = Place{"/sys/fs/cgroup/memory", path};
        if (base::list_holds(controllers, "cpu"))
            places.time = Place{"/sys/fs/cgroup/cpu", path};
        if (controllers.empty() && line.starts_with("0:"))
            places.unified = Place{"/sys/fs/cgroup", path};
    }
    // Where both versions are mounted, the second has a folder among those of the first.
    if (places.unified && version1)
        places.unified->mount = "/sys/fs/cgroup/unified";
    return places;
}

/// A limit in bytes; nothing for "max" and for the numbers that version 1 has for no limit, which
/// are the largest multiples of a page.
static std::optional<uint64_t> read_bytes(const Host &host, const std::string &path) {
    const auto text = host.read_file(path);
    const auto value = text ? base::parse_u64(base::trim(*text)) : std::nullopt;
    constexpr uint64_t no_limit = uint64_t{1} << 62;
    return value && *value > 0 && *value < no_limit ? value : std::nullopt;
}

template <class T> static void tighten(std::optional<T> &limit, std::optional<T> other) {
    if (other && (!limit || *other < *limit))
        limit = other;
}

/// "quota period" in microseconds, or "max period".
static std::optional<double> read_time(const Host &host, const std::string &path) {
    const auto text = host.read_file(path);
    if (!text)
        return std::nullopt;
    const std::string_view line = base::trim(*text);
    const size_t blank = line.find(' ');
    const auto quota = base::parse_u64(line.substr(0, blank));
    const auto period =
        blank == line.npos ? std::nullopt : base::parse_u64(base::trim(line.substr(blank + 1)));
    if (!quota || !period || *quota == 0 || *period == 0)
        return std::nullopt;
    return static_cast<double>(*quota) / static_cast<double>(*period);
}

static std::optional<double> read_time1(const Host &host, const std::string &folder) {
    const auto quota = host.read_file(folder + "/cpu.cfs_quota_us");
    const auto microseconds = quota ? base::parse_u64(base::trim(*quota)) : std::nullopt;
    if (!microseconds || *microseconds == 0) // -1: no limit
        return std::nullopt;
    const auto period = host.read_file(folder + "/cpu.cfs_period_us");
    const auto every = period ? base::parse_u64(base::trim(*period)) : std::nullopt;
    if (!every || *every == 0)
        return std::nullopt;
    return static_cast<double>(*microseconds) / static_cast<double>(*every);
}

static void read_unified(const Host &host, const Place &place, CgroupLimits &limits,
                         std::optional<double> &processors) {
    size_t level = 0;
    for (const std::string &folder : ancestors(place)) {
        tighten(limits.memory_max, read_bytes(host, folder + "/memory.max"));
        if (level < high_levels)
            tighten(limits.memory_high, read_bytes(host, folder + "/memory.high"));
        if (level < time_levels)
            tighten(processors, read_time(host, folder + "/cpu.max"));
        ++level;
    }
}

static void read_version1(const Host &host, const Places &places, CgroupLimits &limits,
                          std::optional<double> &processors) {
    if (places.memory)
        for (const std::string &folder : ancestors(*places.memory))
            tighten(limits.memory_max, read_bytes(host, folder + "/memory.limit_in_bytes"));
    size_t level = 0;
    if (places.time)
        for (const std::string &folder : ancestors(*places.time))
            if (level++ < time_levels)
                tighten(processors, read_time1(host, folder));
}

CgroupLimits read_cgroup_limits(const Host &host) {
    CgroupLimits limits;
    // Without the file there are still the limits of the root, which in a container are its own.
    const auto text = host.read_file("/proc/self/cgroup", list_limit);
    Places places = read_places(text ? *text : "");
    const bool told = places.memory || places.time || places.unified;
    if (!told) {
        places.memory = Place{"/sys/fs/cgroup/memory", "/"};
        places.unified = Place{"/sys/fs/cgroup", "/"};
    }
    limits.contained = places.contained;
    std::optional<double> processors;
    read_version1(host, places, limits, processors);
    if (places.unified)
        read_unified(host, *places.unified, limits, processors);
    limits.processors = processors.value_or(0);
    if (!told)
        limits.version = 0;
    else if (places.memory)
        limits.version = 1;
    else if (places.unified)
        limits.version = 2;
    return limits;
}

} // namespace hwa::detect
