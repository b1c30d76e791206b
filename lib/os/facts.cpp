// SPDX-License-Identifier: MIT
// The text file of a capture. One fact a line, words parted by blanks, `#` begins a comment:
//
//     kernel Linux 6.1.0-18-amd64 x86_64        system, release, machine of uname(2)
//     affinity 0-3,8                            processors the process may run on
//     xcr0 0x2e7                                state the system saves, as XGETBV tells it
//     counter 2600000000                        time-stamp counter, ticks a second
//     cpuid 0x7 0x0 0x1 0x2 0x3 0x4             leaf, subleaf, then EAX EBX ECX EDX
//     auxv 16 0x3f                              type and value of an auxiliary vector entry
//     sve 32 / sme 64                           vector length in bytes
//     access /dev/dri/renderD128 6              hwa_status_t of opening it for reading and writing;
//                                               a file that may not even be read has it too
//     group /dev/dri/renderD128 105             numeric group that owns it
//     link /sys/a/b ../../c                     a symbolic link; the rest of the line is its target
//     query /dev/accel/accel0 ivpu.param.11 3f  node, question of os/query.h, its answer's bytes
#include "os/facts.h"

#include "base/cpulist.h"
#include "base/text.h"
#include "os/query.h"

namespace hwa::os {

using Words = std::vector<std::string_view>;

static constexpr size_t entry_limit = 65536; // of each kind; a machine has far fewer
static constexpr size_t answers_limit = 4096;

static Words words_of(std::string_view line) {
    Words words;
    for (const std::string_view word : base::split(base::trim(line), ' '))
        if (!word.empty())
            words.push_back(word);
    return words;
}

/// A decimal number, or a hexadecimal one with 0x.
static uint64_t number(std::string_view word) {
    return base::parse_u64(word, word.starts_with("0x") ? 16 : 10).value_or(0);
}

static uint32_t number32(std::string_view word) {
    return static_cast<uint32_t>(number(word));
}

static void read_cpuid(const Words &words, HostFacts &facts) {
    if (words.size() == 7 && facts.cpuid.size() < entry_limit)
        facts.cpuid[{number32(words[1]), number32(words[2])}] = {
            number32(words[3]), number32(words[4]), number32(words[5]), number32(words[6])};
}

static void read_path(const Words &words, HostFacts &facts) {
    if (words.size() < 3 || facts.links.size() + facts.access.size() >= entry_limit)
        return;
    const std::string path(words[1]);
    if (words[0] == "access")
        facts.access[path] = static_cast<base::Status>(number32(words[2]));
    else if (words[0] == "group")
        facts.group[path] = number32(words[2]);
    else
        facts.links[path] = std::string(words[2]);
}

/// The bytes of "0a1f…"; nothing where that is no such text.
static std::optional<std::string> bytes(std::string_view hex) {
    std::string value;
    for (size_t i = 0; i < hex.size(); i += 2) {
        const auto byte = base::parse_u64(hex.substr(i, 2), 16);
        if (!byte || hex.size() % 2 != 0)
            return std::nullopt;
        value += static_cast<char>(*byte);
    }
    return value;
}

static void read_answer(const Words &words, HostFacts &facts) {
    const auto value = bytes(words[3]);
    if (value && value->size() <= answer_limit && facts.answers.size() < answers_limit)
        facts.answers[{std::string(words[1]), std::string(words[2])}] = *value;
}

static void read_line(const Words &words, HostFacts &facts) {
    const std::string_view what = words[0];
    if (what == "kernel" && words.size() == 4)
        facts.kernel = {std::string(words[1]), std::string(words[2]), std::string(words[3])};
    else if (what == "affinity")
        facts.affinity = base::parse_cpulist(words[1]).value_or(std::vector<uint32_t>());
    else if (what == "xcr0")
        facts.xcr0 = number(words[1]);
    else if (what == "counter")
        facts.counter_hz = number(words[1]);
    else if (what == "sve")
        facts.sve_bytes = number32(words[1]);
    else if (what == "sme")
        facts.sme_bytes = number32(words[1]);
    else if (what == "auxv" && words.size() == 3 && facts.auxiliary.size() < entry_limit)
        facts.auxiliary[number(words[1])] = number(words[2]);
    else if (what == "cpuid")
        read_cpuid(words, facts);
    else if (what == "access" || what == "group" || what == "link")
        read_path(words, facts);
    else if (what == "query" && words.size() == 4)
        read_answer(words, facts);
}

HostFacts read_facts(std::string_view text) {
    HostFacts facts;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const Words words = words_of(line);
        if (words.size() >= 2 && words[0][0] != '#')
            read_line(words, facts);
    }
    return facts;
}

std::string write_facts(const HostFacts &facts) {
    std::string text = "# What hwa captured of this machine that is in no file.\n";
    const KernelName &kernel = facts.kernel;
    if (!kernel.system.empty())
        text += "kernel " + kernel.system + ' ' + kernel.release + ' ' + kernel.machine + '\n';
    if (!facts.affinity.empty())
        text += "affinity " + base::cpulist_text(facts.affinity) + '\n';
    if (facts.xcr0 != 0)
        text += base::format("xcr0 0x%llx\n", static_cast<unsigned long long>(facts.xcr0));
    if (facts.counter_hz != 0)
        text += "counter " + std::to_string(facts.counter_hz) + '\n';
    if (facts.sve_bytes != 0)
        text += "sve " + std::to_string(facts.sve_bytes) + '\n';
    if (facts.sme_bytes != 0)
        text += "sme " + std::to_string(facts.sme_bytes) + '\n';
    for (const auto &[type, value] : facts.auxiliary)
        text += base::format("auxv %llu 0x%llx\n", static_cast<unsigned long long>(type),
                             static_cast<unsigned long long>(value));
    for (const auto &[leaf, answer] : facts.cpuid)
        text += base::format("cpuid 0x%x 0x%x 0x%x 0x%x 0x%x 0x%x\n", leaf.first, leaf.second,
                             answer.eax, answer.ebx, answer.ecx, answer.edx);
    for (const auto &[path, status] : facts.access)
        text += "access " + path + ' ' + std::to_string(static_cast<int32_t>(status)) + '\n';
    for (const auto &[path, group] : facts.group)
        text += "group " + path + ' ' + std::to_string(group) + '\n';
    for (const auto &[path, target] : facts.links)
        text += "link " + path + ' ' + target + '\n';
    for (const auto &[asked, answer] : facts.answers) {
        text += "query " + asked.first + ' ' + asked.second + ' ';
        for (const char byte : answer)
            text += base::format("%02x", static_cast<unsigned char>(byte));
        text += '\n';
    }
    return text;
}

} // namespace hwa::os
