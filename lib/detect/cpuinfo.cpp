// SPDX-License-Identifier: MIT
// /proc/cpuinfo and the processors that have nothing better to say of themselves.
#include "detect/cpuinfo.h"

#include "base/text.h"
#include "base/units.h"
#include "detect/cpu_facts.h"

#include <algorithm>

namespace hwa::detect {

// Some 1.5 KiB for each processor of x86, so enough for some thousands of them.
static constexpr size_t size_limit = 8 * base::MiB;
static constexpr size_t block_limit = 8192;

Cpuinfo read_cpuinfo_file(const os::Host &host) {
    Cpuinfo info;
    if (auto text = host.read_file("/proc/cpuinfo", size_limit))
        info.text = std::make_unique<const std::string>(std::move(*text));
    std::string_view rest = *info.text;
    while (!rest.empty() && info.blocks.size() < block_limit) {
        const size_t end = rest.find("\n\n");
        const std::string_view block = rest.substr(0, end);
        if (!base::trim(block).empty())
            info.blocks.push_back(block);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 2);
    }
    return info;
}

std::string_view cpuinfo_field(std::string_view block, std::string_view key) {
    for (size_t at = 0; at < block.size();) {
        const size_t end = std::min(block.find('\n', at), block.size());
        const std::string_view line = block.substr(at, end - at);
        at = end + 1;
        const size_t colon = line.find(':');
        if (colon != std::string_view::npos && base::trim(line.substr(0, colon)) == key)
            return base::trim(line.substr(colon + 1));
    }
    return {};
}

static uint32_t number(std::string_view text, int radix = 10) {
    const auto value = base::parse_u64(text, radix);
    return value && *value <= UINT32_MAX ? static_cast<uint32_t>(*value) : 0;
}

/// The first of these keys that any block has; Arm and POWER put it behind the processors.
static std::string any_field(const Cpuinfo &info, std::initializer_list<const char *> keys) {
    for (const char *key : keys) {
        const std::string_view first = cpuinfo_field(*info.text, key);
        if (!first.empty())
            return base::sanitise(first);
    }
    return {};
}

static void read_x86_words(std::string_view block, CpuFacts &facts) {
    facts.vendor = x86_vendor(cpuinfo_field(block, "vendor_id"));
    facts.family = number(cpuinfo_field(block, "cpu family"));
    facts.model = number(cpuinfo_field(block, "model"));
    facts.stepping = number(cpuinfo_field(block, "stepping"));
    const std::string_view flags = cpuinfo_field(block, "flags");
    facts.isa = isa_from_words(flags);
    for (const std::string_view flag : base::split(flags, ' '))
        facts.is_virtual = facts.is_virtual || flag == "hypervisor";
}

void read_cpuinfo(const os::Host &host, CpuFacts &facts) {
    const Cpuinfo info = read_cpuinfo_file(host);
    if (info.blocks.empty())
        return;
    const std::string_view block = info.blocks[0];
    if (!cpuinfo_field(block, "flags").empty())
        read_x86_words(block, facts);
    // In turn: x86 and s390, LoongArch, MIPS, RISC-V, POWER.
    facts.name =
        any_field(info, {"model name", "Model Name", "cpu model", "uarch", "cpu", "Processor"});
    if (facts.nominal_hz == 0)
        facts.nominal_hz = clock_of_name(facts.name);
    facts.source = facts.name.empty() ? core::Source::Unknown : core::Source::Kernel;
}

} // namespace hwa::detect
