// SPDX-License-Identifier: MIT
// HostFacts: what a capture keeps of a machine that is in no file, as text.
#pragma once

#include "os/host.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hwa::os {

/// Name of the text file at the root of a captured tree.
inline constexpr const char *facts_name = "hwa-host.txt";

struct HostFacts {
    KernelName kernel;
    uint64_t xcr0 = 0;
    uint64_t counter_hz = 0;
    uint32_t sve_bytes = 0;
    uint32_t sme_bytes = 0;
    std::vector<uint32_t> affinity;
    std::map<std::pair<uint32_t, uint32_t>, CpuidAnswer> cpuid; ///< by leaf and subleaf
    std::map<uint64_t, uint64_t> auxiliary;
    std::map<std::string, base::Status> access;
    std::map<std::string, uint32_t> group;
    std::map<std::string, std::string> links;
    std::map<std::pair<std::string, std::string>, std::string> answers; ///< by node and question
};

/// Reads what write_facts() wrote. Lines it does not understand are passed over, because a tree is
/// no more trusted than any other file.
HostFacts read_facts(std::string_view text);

std::string write_facts(const HostFacts &facts);

} // namespace hwa::os
