// SPDX-License-Identifier: MIT
// MapHost: a machine made of what a test puts into it.
#pragma once

#include "os/host.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace hwa::test {

struct MapHost final : os::Host {
    std::map<std::string, std::string> files;
    std::map<std::string, std::string> links;
    std::map<std::string, base::Status> nodes; ///< what access() says
    std::map<std::string, uint32_t> groups;
    std::map<std::pair<std::string, std::string>, std::string> answers; ///< by node and question
    std::map<std::pair<uint32_t, uint32_t>, os::CpuidAnswer> leaves;
    std::map<std::string, std::string> variables;
    std::vector<uint32_t> mask;
    bool alive = true;
    os::KernelName name{"Linux", "6.1.0", "x86_64"};
    uint64_t saved_state = 0;
    uint64_t counter = 0;
    int32_t fault = 0; ///< errno of every read_file(), if not 0

    static base::Error absent(const std::string &path) {
        return base::error(base::Status::NotFound, "%s: is not there", path.c_str());
    }
    base::Result<std::string> read_file(const std::string &path, size_t limit) const override {
        if (fault != 0)
            return base::os_error(fault, "%s: fault", path.c_str());
        const auto at = files.find(path);
        if (at == files.end())
            return absent(path);
        return at->second.substr(0, limit);
    }
    base::Result<std::vector<std::string>> list(const std::string &path, size_t) const override {
        std::set<std::string> names;
        for (const auto &[file, content] : files)
            if (file.starts_with(path + '/'))
                names.insert(file.substr(path.size() + 1,
                                         file.find('/', path.size() + 1) - path.size() - 1));
        if (names.empty())
            return absent(path);
        return std::vector<std::string>(names.begin(), names.end());
    }
    base::Result<std::string> read_link(const std::string &path) const override {
        const auto at = links.find(path);
        if (at == links.end())
            return absent(path);
        return at->second;
    }
    bool exists(const std::string &path) const override { return files.count(path) != 0; }
    base::Status access(const std::string &path) const override {
        const auto at = nodes.find(path);
        return at == nodes.end() ? base::Status::NotFound : at->second;
    }
    base::Result<std::string> query(const std::string &node,
                                    const std::string &question) const override {
        const auto at = answers.find({node, question});
        if (at == answers.end())
            return absent(node);
        return at->second;
    }
    std::optional<uint32_t> group(const std::string &path) const override {
        const auto at = groups.find(path);
        return at == groups.end() ? std::nullopt : std::optional<uint32_t>(at->second);
    }
    std::optional<os::CpuidAnswer> cpuid(uint32_t leaf, uint32_t subleaf) const override {
        const auto at = leaves.find({leaf, subleaf});
        if (at != leaves.end())
            return at->second;
        return leaves.empty() ? std::nullopt : std::optional<os::CpuidAnswer>(os::CpuidAnswer{});
    }
    uint64_t xcr0() const override { return saved_state; }
    uint64_t counter_hz() const override { return counter; }
    uint64_t auxiliary(uint64_t) const override { return 0; }
    uint32_t vector_bytes(bool) const override { return 0; }
    std::vector<uint32_t> affinity() const override { return mask; }
    os::KernelName kernel() const override { return name; }
    std::optional<std::string> environment(const char *variable) const override {
        const auto at = variables.find(variable);
        return at == variables.end() ? std::nullopt : std::optional<std::string>(at->second);
    }
    bool live() const override { return alive; }
};

} // namespace hwa::test
