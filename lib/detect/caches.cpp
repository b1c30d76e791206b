// SPDX-License-Identifier: MIT
// Caches of a processor from /sys/devices/system/cpu/cpu*/cache (Linux
// Documentation/ABI/testing/sysfs-devices-system-cpu).
#include "detect/cpu_facts.h"

#include "base/cpulist.h"
#include "base/text.h"
#include "base/units.h"

namespace hwa::detect {

static constexpr uint32_t cache_limit = 16; // indexes looked at
static constexpr uint64_t size_limit = uint64_t{1} << 40;

static uint64_t cache_bytes(std::string_view text) {
    uint64_t unit = 1;
    text = base::trim(text);
    if (text.ends_with('K'))
        unit = base::KiB;
    else if (text.ends_with('M'))
        unit = base::MiB;
    const auto value = base::parse_u64(unit == 1 ? text : text.substr(0, text.size() - 1));
    return value ? base::checked_mul(*value, unit).value_or(0) : 0;
}

static std::string attribute(const os::Host &host, const std::string &folder, const char *name) {
    auto text = host.read_file(folder + name);
    return text ? std::string(base::trim(*text)) : std::string();
}

std::vector<Cache> read_caches(const os::Host &host, uint32_t processor) {
    std::vector<Cache> caches;
    const std::string all = base::format("/sys/devices/system/cpu/cpu%u/cache/index", processor);
    for (uint32_t index = 0; index < cache_limit; ++index) {
        const std::string folder = all + std::to_string(index) + '/';
        const std::string kind = attribute(host, folder, "type");
        if (kind.empty())
            break;
        Cache cache;
        cache.kind = kind == "Data" ? 'd' : kind == "Instruction" ? 'i' : 'u';
        const auto level = base::parse_u64(attribute(host, folder, "level"));
        cache.level = level && *level < 10 ? static_cast<uint32_t>(*level) : 0;
        cache.size_bytes = cache_bytes(attribute(host, folder, "size"));
        const auto shared = base::parse_cpulist(attribute(host, folder, "shared_cpu_list"));
        cache.shared_by = shared ? static_cast<uint32_t>(shared->size()) : 0;
        if (cache.level > 0 && cache.size_bytes > 0 && cache.size_bytes < size_limit)
            caches.push_back(cache);
    }
    return caches;
}

} // namespace hwa::detect
