// SPDX-License-Identifier: MIT
// KFD: the driver's own picture of AMD's compute nodes and the links between them (Linux
// drivers/gpu/drm/amd/amdkfd/kfd_topology.c).
#pragma once

#include "os/host.h"

#include <cstdint>
#include <string>
#include <vector>

namespace hwa::detect {

/// A node that computes: a card, or one partition of a card.
struct KfdNode {
    uint32_t number = 0;    ///< of its folder
    int32_t ordinal = -1;   ///< in HIP; -1: a node before it cannot be read
    std::string address;    ///< PCI function with the bits of the partition in it: "0000:05:00.3"
    uint32_t partition = 0; ///< where the address does not have it
    uint32_t gfx = 0;       ///< as data/gfx.h numbers instruction sets
    uint32_t units = 0;
    uint32_t xccs = 0; ///< dies that compute
    uint32_t clock_mhz = 0;
    uint32_t render_minor = 0;
    uint64_t hive = 0; ///< of cards joined by XGMI; 0: none
    uint64_t unique_id = 0;
    uint32_t bank_count = 0, link_count = 0, peer_count = 0;
};

/// Memory that belongs to a node.
struct KfdBank {
    uint64_t bytes = 0; ///< of the node; width and clock are those of the whole card
    uint32_t bits = 0;
    uint32_t clock_mhz = 0;
};

struct KfdLink {
    uint32_t to = 0; ///< number of a node
    bool xgmi = false;
    uint64_t bytes_per_second = 0; ///< 0: not told
};

struct KfdTopology {
    std::vector<KfdNode> nodes; ///< by number, which is the order of HIP
    size_t denied = 0;          ///< nodes that the control group of this process hides
};

KfdTopology read_kfd(const os::Host &host);

/// Its first bank of memory of its own; all zero if it is not told.
KfdBank kfd_bank(const os::Host &host, const KfdNode &node);

/// Links to nodes of a higher number by XGMI and PCI Express.
std::vector<KfdLink> kfd_links(const os::Host &host, const KfdNode &node);

} // namespace hwa::detect
