// SPDX-License-Identifier: MIT
// Runs of layers over devices, each within its memory.
#pragma once

#include "plan/memory/footprint.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hwa::plan {

/// Where layers can go.
struct Room {
    core::Kind kind = core::Kind::Unknown;
    uint64_t bytes = 0; ///< that may be filled
};

/// Layers of each device, in order; empty if they do not fit. Shares follow the room that is left
/// once fixed costs are paid, and no device gets none.
std::vector<uint64_t> partition(const Sized &sized, std::span<const Room> rooms);

/// Bytes the devices would need at least, all together: for the message that says what lacked.
uint64_t least_bytes(const Sized &sized, std::span<const Room> rooms);

} // namespace hwa::plan
