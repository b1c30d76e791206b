// SPDX-License-Identifier: MIT
// Memory of the host from /proc/meminfo (proc(5)).
#include "detect/memory.h"

#include "base/text.h"
#include "base/units.h"

namespace hwa::detect {

static uint64_t meminfo_bytes(std::string_view text, std::string_view key) {
    for (const std::string_view line : base::split(text, '\n')) {
        if (!line.starts_with(key) || !line.substr(key.size()).starts_with(':'))
            continue;
        std::string_view value = base::trim(line.substr(key.size() + 1));
        if (value.ends_with(" kB"))
            value = base::trim(value.substr(0, value.size() - 3));
        const auto kib = base::parse_u64(value);
        return kib ? base::checked_mul(*kib, base::KiB).value_or(0) : 0;
    }
    return 0;
}

void find_memory(const os::Host &host, core::System &system) {
    const auto text = host.read_file("/proc/meminfo");
    if (text)
        system.memory_bytes = meminfo_bytes(*text, "MemTotal");
}

} // namespace hwa::detect
