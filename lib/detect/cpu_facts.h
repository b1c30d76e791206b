// SPDX-License-Identifier: MIT
// CpuFacts: what a processor says of itself, before it becomes a device.
#pragma once

#include "core/device.h"
#include "data/cpus.h"
#include "detect/isa.h"
#include "os/host.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::detect {

/// One level of cache as the first processor sees it.
struct Cache {
    uint32_t level = 0;
    char kind = 'u';         ///< 'd'ata, 'i'nstructions, 'u'nified
    uint64_t size_bytes = 0; ///< of one
    uint32_t shared_by = 0;  ///< processors (hardware threads); 0: not known
    bool ids_only = false;   ///< shared_by counts ids, of which not every one need be in use
};

/// A design of core, of which a hybrid processor has several.
struct CoreKind {
    std::string name;              ///< "neoverse_v2"
    std::vector<uint32_t> threads; ///< processors; empty: all
    data::CoreDesign design{};
};

struct CpuFacts {
    std::string name;
    std::string vendor;
    std::string architecture;
    core::Source source = core::Source::Unknown; ///< of the three above
    std::string hypervisor; ///< "kvm"; "" if there is none or it keeps its name
    bool is_virtual = false;
    bool by_cpuid = false; ///< else by what the kernel tells
    bool hybrid = false;
    uint32_t family = 0, model = 0, stepping = 0; ///< x86
    uint64_t nominal_hz = 0;                      ///< told by the processor or its name
    uint64_t highest_hz = 0;                      ///< likewise
    bool steady_counter = false; ///< the time-stamp counter runs at the nominal rate
    IsaSet isa;
    uint32_t sve_bytes = 0, sme_bytes = 0;
    std::vector<Cache> caches;
    std::vector<CoreKind> kinds; ///< the largest first
};

/// x86 by CPUID; false if this host has none.
bool read_x86(const os::Host &host, CpuFacts &facts);

/// 64-bit Arm by its identification register and hardware capabilities; false on another machine.
bool read_arm(const os::Host &host, const std::vector<uint32_t> &online, CpuFacts &facts);

/// Any processor by /proc/cpuinfo.
void read_cpuinfo(const os::Host &host, CpuFacts &facts);

/// Caches of one processor from sysfs.
std::vector<Cache> read_caches(const os::Host &host, uint32_t processor);

/// Clock in a brand string such as "... @ 2.60GHz"; 0 if there is none.
uint64_t clock_of_name(std::string_view name);

/// "amd" for "AuthenticAMD"; "" if not known.
std::string x86_vendor(std::string_view signature);

} // namespace hwa::detect
