// SPDX-License-Identifier: MIT
// Memory that is attached by Compute Express Link.
#pragma once

#include "core/system.h"
#include "detect/machine.h"

namespace hwa::detect {

/// Puts in "cxl.N.name", ".pci", ".numa_node", ".firmware", ".ram_bytes" and ".pmem_bytes" for each
/// such memory, and what of it loses its content without power as a memory of the processors.
void find_cxl(const Machine &machine, core::System &system);

} // namespace hwa::detect
