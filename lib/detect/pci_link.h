// SPDX-License-Identifier: MIT
// The PCI Express link of a device: what it and the bridges above it can do, and what it does now.
#pragma once

#include "os/host.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace hwa::detect {

struct PciLink {
    uint32_t generation = 0;
    uint32_t lanes = 0;
    uint64_t lane_bytes = 0; ///< a second, each way, encoding taken off

    uint64_t bytes_per_second() const { return lane_bytes * lanes; }
    std::string name() const; ///< "pcie4 x16"
};

/// What bridges can do, by address, each asked once for all the devices below it.
using PciBridges = std::map<std::string, std::optional<PciLink>>;

/// The most that the device can do in its slot: no more than any bridge on the way to the processor
/// does. Nothing where the kernel does not tell of the device itself.
std::optional<PciLink> best_link(const os::Host &host, const std::string &address,
                                 PciBridges &bridges);

/// What the link runs at now; slower than its best while the device idles.
std::optional<PciLink> current_link(const os::Host &host, const std::string &address);

} // namespace hwa::detect
