// SPDX-License-Identifier: MIT
// Balance: among placements that cost the same, the one that fills no device more than it must.
#pragma once

#include "plan/search/placement.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hwa::plan {

/// A kind of seat: what stages cost there, and how much room they have.
struct SeatKind {
    const StageCosts *costs = nullptr;
    uint64_t room = 0;
};

/// Moves layers between neighbours whose layers cost the same, until the largest share of a room
/// that is filled is the least there is.
void balance(std::span<const SeatKind> kinds, std::span<const Ladder> ladders,
             std::span<const Seat> seats, std::vector<Berth> &berths);

} // namespace hwa::plan
