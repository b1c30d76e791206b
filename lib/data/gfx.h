// SPDX-License-Identifier: MIT
// Gfx: what is known of a graphics chip of AMD by its instruction set.
#pragma once

#include "core/device.h"
#include "data/rates.h"

#include <cstdint>
#include <span>
#include <string>

namespace hwa::data {

/// Chips by instruction set, numbered as KFD does: 90402 is version 9.4.2, gfx942.
struct Gfx {
    uint32_t first, last; ///< both included
    const char *architecture;
    bool integrated;              ///< all of them share the processor's memory
    core::MemoryKind memory_kind; ///< Unknown where products differ
    const char *memory_name;      ///< or ""
    uint32_t transfers;           ///< on each line per period of the memory clock that the kernel
                                  ///< tells; 0 where products differ
    std::span<const MacRate> rates;
};

/// The row of a chip, or NULL.
const Gfx *find_gfx(uint32_t version);

/// The row of a chip by the driver's family (AMDGPU_FAMILY_*) and external revision, where no
/// instruction set is told; or NULL. Chips of one row share all that it says.
const Gfx *find_gfx(uint32_t family, uint32_t revision);

/// "gfx90a" for 90010: the step is a hexadecimal digit.
std::string gfx_name(uint32_t version);

/// A type of memory as the driver numbers it (AMDGPU_VRAM_TYPE_*).
struct VramType {
    uint32_t number;
    core::MemoryKind kind;
    const char *name;
    uint32_t transfers; ///< as above; 0: not known
};

const VramType *find_vram_type(uint32_t number);

} // namespace hwa::data
