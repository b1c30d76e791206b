// SPDX-License-Identifier: MIT
// x86 by CPUID: Intel SDM volume 2 (CPUID), AMD APM volume 3 appendix E. A leaf costs microseconds
// in a virtual machine, so only those are asked for that tell something used.
#include "detect/cpu_facts.h"

#include "base/text.h"
#include "base/units.h"

#include <cstring>

namespace hwa::detect {

using os::CpuidAnswer;
using os::Host;

static constexpr uint32_t cache_limit = 8; // levels and kinds; processors have four or five

static void append_register(std::string &text, uint32_t value) {
    char bytes[4];
    std::memcpy(bytes, &value, sizeof bytes);
    text.append(bytes, sizeof bytes);
}

static CpuidAnswer ask(const Host &host, uint32_t leaf, uint32_t subleaf = 0) {
    return host.cpuid(leaf, subleaf).value_or(CpuidAnswer{});
}

std::string x86_vendor(std::string_view signature) {
    struct Row {
        const char *signature, *name;
    };
    static constexpr Row rows[] = {
        {"GenuineIntel", "intel"}, {"AuthenticAMD", "amd"},     {"HygonGenuine", "hygon"},
        {"CentaurHauls", "via"},   {"  Shanghai  ", "zhaoxin"},
    };
    for (const Row &row : rows)
        if (base::trim(signature) == base::trim(row.signature))
            return row.name;
    return {};
}

/// Family and model as they are displayed: the extended fields count only for some families.
static void read_signature(uint32_t eax, CpuFacts &facts) {
    const uint32_t family = eax >> 8 & 0xf;
    facts.family = family == 0xf ? family + (eax >> 20 & 0xff) : family;
    facts.model = eax >> 4 & 0xf;
    if (family == 6 || family == 0xf)
        facts.model |= eax >> 12 & 0xf0;
    facts.stepping = eax & 0xf;
}

static std::string read_brand(const Host &host) {
    std::string brand;
    for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; ++leaf) {
        const CpuidAnswer answer = ask(host, leaf);
        for (const uint32_t word : {answer.eax, answer.ebx, answer.ecx, answer.edx})
            append_register(brand, word);
    }
    return base::sanitise(brand);
}

static std::string hypervisor_name(const CpuidAnswer &answer) {
    std::string signature;
    for (const uint32_t word : {answer.ebx, answer.ecx, answer.edx})
        append_register(signature, word);
    struct Row {
        const char *signature, *name;
    };
    static constexpr Row rows[] = {
        {"KVMKVMKVM", "kvm"},       {"Linux KVM Hv", "kvm"},  {"Microsoft Hv", "hyperv"},
        {"VMwareVMware", "vmware"}, {"XenVMMXenVMM", "xen"},  {"TCGTCGTCGTCG", "qemu"},
        {"bhyve bhyve ", "bhyve"},  {"ACRNACRNACRN", "acrn"},
    };
    for (const Row &row : rows)
        if (base::trim(signature) == base::trim(row.signature))
            return row.name;
    return base::sanitise(signature, 12);
}

/// Leaf 4 of Intel and leaf 8000001Dh of AMD have one layout.
static std::vector<Cache> read_cpuid_caches(const Host &host, uint32_t leaf) {
    std::vector<Cache> caches;
    for (uint32_t index = 0; index < cache_limit; ++index) {
        const CpuidAnswer answer = ask(host, leaf, index);
        const uint32_t kind = answer.eax & 0x1f;
        if (kind == 0 || kind > 3)
            break;
        Cache cache;
        cache.kind = "?diu"[kind];
        cache.level = answer.eax >> 5 & 0x7;
        cache.shared_by = (answer.eax >> 14 & 0xfff) + 1;
        cache.ids_only = true;
        const uint64_t line = (answer.ebx & 0xfff) + 1;
        const uint64_t partitions = (answer.ebx >> 12 & 0x3ff) + 1;
        const uint64_t ways = (answer.ebx >> 22) + 1;
        cache.size_bytes = line * partitions * ways * (uint64_t{answer.ecx} + 1);
        if (cache.level > 0)
            caches.push_back(cache);
    }
    return caches;
}

uint64_t clock_of_name(std::string_view name) {
    const size_t at = name.rfind('@');
    if (at == std::string_view::npos)
        return 0;
    std::string_view clock = base::trim(name.substr(at + 1));
    const double unit = clock.ends_with("GHz") ? 1e9 : clock.ends_with("MHz") ? 1e6 : 0;
    if (unit == 0)
        return 0;
    const auto value = base::parse_real(base::trim(clock.substr(0, clock.size() - 3)));
    const bool sane = value && *value > 0 && *value * unit < 1e11;
    return sane ? static_cast<uint64_t>(*value * unit + 0.5) : 0;
}

/// The clock, where the processor or its name tells it; else whether the counter can be timed.
static void read_clock(const Host &host, uint32_t last_leaf, CpuFacts &facts) {
    constexpr uint64_t mega = 1000000;
    if (last_leaf >= 0x16 && facts.vendor == "intel") {
        const CpuidAnswer answer = ask(host, 0x16);
        facts.nominal_hz = (answer.eax & 0xffff) * mega;
        facts.highest_hz = (answer.ebx & 0xffff) * mega;
    }
    if (facts.nominal_hz == 0)
        facts.nominal_hz = clock_of_name(facts.name);
    if (facts.nominal_hz == 0)
        facts.steady_counter = (ask(host, 0x80000007).edx >> 8 & 1) != 0;
}

bool read_x86(const Host &host, CpuFacts &facts) {
    const auto first = host.cpuid(0, 0);
    if (!first || first->eax == 0)
        return false;
    std::string signature;
    for (const uint32_t word : {first->ebx, first->edx, first->ecx})
        append_register(signature, word);
    facts.vendor = x86_vendor(signature);
    const CpuidAnswer leaf1 = ask(host, 1);
    const CpuidAnswer leaf7 = first->eax >= 7 ? ask(host, 7) : CpuidAnswer{};
    const CpuidAnswer leaf7_1 = leaf7.eax >= 1 ? ask(host, 7, 1) : CpuidAnswer{};
    const bool saves_state = (leaf1.ecx >> 27 & 1) != 0; // OSXSAVE: XGETBV may be asked
    facts.isa = isa_from_cpuid(leaf1, leaf7, leaf7_1, saves_state ? host.xcr0() : 0);
    facts.hybrid = (leaf7.edx >> 15 & 1) != 0;
    facts.is_virtual = (leaf1.ecx >> 31 & 1) != 0;
    if (facts.is_virtual)
        facts.hypervisor = hypervisor_name(ask(host, 0x40000000));
    read_signature(leaf1.eax, facts);
    facts.name = read_brand(host);
    facts.source = core::Source::Kernel;
    facts.by_cpuid = true;
    const bool like_amd = facts.vendor == "amd" || facts.vendor == "hygon";
    if (like_amd || first->eax >= 4)
        facts.caches = read_cpuid_caches(host, like_amd ? 0x8000001d : 4);
    read_clock(host, first->eax, facts);
    return true;
}

} // namespace hwa::detect
