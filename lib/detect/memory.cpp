// SPDX-License-Identifier: MIT
// Memory of the host from /proc/meminfo (proc(5)) and its control groups.
#include "detect/memory.h"

#include "base/cpulist.h"
#include "base/text.h"
#include "base/units.h"
#include "detect/cgroup.h"

#include <algorithm>

namespace hwa::detect {

using core::Source;

// More memory than any machine has; what is beyond is a broken file, not a machine.
static constexpr uint64_t sane_bytes = uint64_t{1} << 52;

uint64_t meminfo_bytes(std::string_view text, std::string_view key) {
    for (std::string_view line : base::split(text, '\n')) {
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos)
            continue;
        // The files of nodes have "Node 0 " before the key.
        const std::string_view name = base::trim(line.substr(0, colon));
        if (name.substr(name.rfind(' ') + 1) != key)
            continue;
        std::string_view value = base::trim(line.substr(colon + 1));
        if (!value.ends_with(" kB"))
            return 0;
        const auto kib = base::parse_u64(base::trim(value.substr(0, value.size() - 3)));
        const uint64_t bytes = kib ? base::checked_mul(*kib, base::KiB).value_or(0) : 0;
        return bytes < sane_bytes ? bytes : 0;
    }
    return 0;
}

static void put_int(core::System &system, const char *key, uint64_t value) {
    system.put_attr(core::attr_int(key, static_cast<int64_t>(value), Source::Kernel));
}

static void put_limits(const CgroupLimits &limits, core::System &system) {
    if (limits.version != 0)
        put_int(system, "cgroup.version", limits.version);
    if (limits.memory_max)
        put_int(system, "cgroup.memory_max", std::min<uint64_t>(*limits.memory_max, INT64_MAX));
    if (limits.memory_high)
        put_int(system, "cgroup.memory_high", std::min<uint64_t>(*limits.memory_high, INT64_MAX));
    if (limits.processors > 0)
        system.put_attr(core::attr_real("cgroup.cpu_max", limits.processors, Source::Kernel));
    if (limits.contained)
        system.flags |= core::SystemContained;
}

static void put_affinity(const os::Host &host, core::System &system) {
    const std::vector<uint32_t> processors = host.affinity();
    if (processors.empty())
        return;
    put_int(system, "affinity.count", processors.size());
    system.put_attr(
        core::attr_text("affinity.cpus", base::cpulist_text(processors), Source::Kernel));
}

void find_memory(const os::Host &host, core::System &system) {
    if (const auto text = host.read_file("/proc/meminfo", 16 * base::KiB))
        system.memory_bytes = meminfo_bytes(*text, "MemTotal");
    put_limits(read_cgroup_limits(host), system);
    put_affinity(host, system);
    if (system.memory_bytes > 0)
        put_int(system, "memory.usable_bytes", usable_memory(system));
}

uint64_t usable_memory(const core::System &system) {
    uint64_t usable = system.memory_bytes;
    for (const char *key : {"cgroup.memory_max", "cgroup.memory_high"})
        if (const core::Attr *limit = core::find_attr(system.attrs, key))
            usable = std::min(usable, static_cast<uint64_t>(limit->i));
    return usable;
}

} // namespace hwa::detect
