// SPDX-License-Identifier: MIT
// Topology: sockets, cores, hardware threads and memory nodes.
#pragma once

#include "os/host.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hwa::detect {

/// One processor package.
struct Socket {
    std::vector<uint32_t> threads; ///< processors as the kernel numbers them, ascending
    std::vector<uint32_t> cores;   ///< the first thread of each; empty: not known
};

/// One memory node.
struct Node {
    uint32_t number = 0;
    std::vector<uint32_t> threads;
    uint64_t memory_bytes = 0; ///< 0: not known
    uint64_t read_bytes_per_second =
        0; ///< for its own processors, by firmware (HMAT); 0: not known
};

struct Topology {
    std::vector<Socket> sockets; ///< at least one; its threads may be unknown
    std::vector<Node> nodes; ///< those with memory of their own told; empty if there is one only
    uint32_t node_count = 0; ///< 0: not known
};

/// Processors that are on, by sysfs, else by the affinity mask; may be empty.
std::vector<uint32_t> online_processors(const os::Host &host);

/// A file that lists processors or nodes; nothing if it is not there or malformed.
std::optional<std::vector<uint32_t>> read_list(const os::Host &host, const std::string &path);

Topology read_topology(const os::Host &host, const std::vector<uint32_t> &online);

} // namespace hwa::detect
