// SPDX-License-Identifier: MIT
// 64-bit Arm: the main identification register (Arm ARM, MIDR_EL1) from sysfs or /proc/cpuinfo, and
// the hardware capabilities of the auxiliary vector.
#include "detect/cpu_facts.h"

#include "base/text.h"
#include "detect/cpuinfo.h"

#include <algorithm>

namespace hwa::detect {

using os::Host;

static constexpr uint64_t at_hwcap = 16;
static constexpr uint64_t at_hwcap2 = 26;

/// Maker and design of one processor.
struct CoreId {
    uint32_t implementer = 0;
    uint32_t part = 0;
    bool operator==(const CoreId &) const = default;
};

static std::optional<CoreId> read_midr(const Host &host, uint32_t processor) {
    const auto text = host.read_file(
        base::format("/sys/devices/system/cpu/cpu%u/regs/identification/midr_el1", processor));
    const auto midr = text ? base::parse_u64(base::trim(*text), 16) : std::nullopt;
    if (!midr || *midr == 0)
        return std::nullopt;
    return CoreId{static_cast<uint32_t>(*midr >> 24 & 0xff),
                  static_cast<uint32_t>(*midr >> 4 & 0xfff)};
}

/// Puts a processor with those of its design.
static void add_core(CoreId id, uint32_t processor, std::vector<CoreId> &ids, CpuFacts &facts) {
    const auto at = static_cast<size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin());
    if (at == ids.size()) {
        ids.push_back(id);
        CoreKind kind;
        const data::ArmCore *row = data::find_arm_core(id.implementer, id.part);
        if (row != nullptr)
            kind.design = row->design;
        kind.name = row != nullptr ? row->design.architecture : "";
        facts.kinds.push_back(kind);
    }
    facts.kinds[at].threads.push_back(processor);
}

/// The designs by the registers in sysfs. The first and the last processor are of different designs
/// wherever any two are, so the others are asked only then.
static std::vector<CoreId> cores_of_sysfs(const Host &host, const std::vector<uint32_t> &online,
                                          CpuFacts &facts) {
    std::vector<CoreId> ids;
    const auto first = online.empty() ? std::nullopt : read_midr(host, online.front());
    if (!first)
        return ids;
    const auto last = online.size() > 1 ? read_midr(host, online.back()) : first;
    const bool alike = !last || *last == *first;
    for (const uint32_t processor : online)
        if (const auto id = alike ? first : read_midr(host, processor))
            add_core(*id, processor, ids, facts);
    return ids;
}

static std::vector<CoreId> cores_of_cpuinfo(const Cpuinfo &info, CpuFacts &facts) {
    std::vector<CoreId> ids;
    for (const std::string_view block : info.blocks) {
        const auto processor = base::parse_u64(cpuinfo_field(block, "processor"));
        const auto implementer = base::parse_u64(cpuinfo_field(block, "CPU implementer"), 16);
        const auto part = base::parse_u64(cpuinfo_field(block, "CPU part"), 16);
        if (processor && *processor <= UINT32_MAX && implementer && part)
            add_core(
                {static_cast<uint32_t>(*implementer & 0xff), static_cast<uint32_t>(*part & 0xfff)},
                static_cast<uint32_t>(*processor), ids, facts);
    }
    return ids;
}

/// Names the processor after its designs, the most capable first.
static void name_cores(const std::vector<CoreId> &ids, CpuFacts &facts) {
    facts.vendor = data::arm_vendor(ids[0].implementer);
    std::vector<std::string> names;
    for (const CoreId &id : ids) {
        const data::ArmCore *row = data::find_arm_core(id.implementer, id.part);
        names.push_back(row != nullptr
                            ? row->name
                            : base::format("Arm core %02x:%03x", id.implementer, id.part));
    }
    std::vector<size_t> order(ids.size());
    for (size_t i = 0; i < order.size(); ++i)
        order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
        return facts.kinds[a].design.f32 > facts.kinds[b].design.f32;
    });
    std::vector<CoreKind> kinds;
    for (const size_t i : order) {
        facts.name += (facts.name.empty() ? "" : " + ") + names[i];
        kinds.push_back(std::move(facts.kinds[i]));
    }
    facts.kinds = std::move(kinds);
    facts.architecture = facts.kinds[0].name;
    facts.hybrid = ids.size() > 1;
    facts.source = core::Source::Kernel;
}

bool read_arm(const Host &host, const std::vector<uint32_t> &online, CpuFacts &facts) {
    const std::string machine = host.kernel().machine;
    if (!machine.empty() && machine != "aarch64")
        return false;
    const uint64_t hwcap = host.auxiliary(at_hwcap);
    Cpuinfo info;
    std::vector<CoreId> ids = cores_of_sysfs(host, online, facts);
    if (ids.empty() || hwcap == 0)
        info = read_cpuinfo_file(host);
    if (ids.empty())
        ids = cores_of_cpuinfo(info, facts);
    if (ids.empty())
        return false;
    name_cores(ids, facts);
    facts.isa = hwcap != 0 ? isa_from_hwcap(hwcap, host.auxiliary(at_hwcap2))
                           : isa_from_words(cpuinfo_field(*info.text, "Features"));
    if (facts.isa.has(Isa::Sve))
        facts.sve_bytes = host.vector_bytes(false);
    if (facts.isa.has(Isa::Sme))
        facts.sme_bytes = host.vector_bytes(true);
    return true;
}

} // namespace hwa::detect
