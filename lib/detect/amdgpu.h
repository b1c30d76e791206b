// SPDX-License-Identifier: MIT
// What amdgpu and its forks tell of one card in sysfs and through its render node, and what follows
// once the compute nodes are known.
#pragma once

#include "core/system.h"
#include "detect/family.h"
#include "detect/kfd.h"
#include "detect/machine.h"

namespace hwa::detect {

/// Memory, units, name and power limit, and clocks by the render node, without waking the card.
void describe_amdgpu(const PciSubject &subject, core::Device &device);

/// Clocks that nothing else has told, of a card that is awake.
void find_clocks(const os::Host &host, core::Device &device);

/// Joins the compute nodes to the cards of a backend: units, instruction set, partitions, links,
/// order in HIP; then settles what a card's memory is and its rates.
void join_nodes(const Machine &machine, const char *backend, core::System &system);

/// Says of each memory what it is, now that the chip is known, with bandwidth and rates.
/// `host_bytes` is what a process may use of the host's memory.
void settle_memory(uint32_t gfx, uint64_t host_bytes, core::Device &device);

} // namespace hwa::detect
