// SPDX-License-Identifier: MIT
// Placement: which devices hold which layers, the cheapest way there is.
#pragma once

#include "plan/search/ladder.h"

#include <cstdint>
#include <span>
#include <vector>

namespace hwa::plan {

/// Where a stage can be. The seats of a kind follow each other, and are taken from the first on.
struct Seat {
    uint32_t kind = 0;  ///< index of its ladder
    uint32_t place = 0; ///< among the seats of its kind
};

/// Cost of the way from one seat to a later one.
class Hops {
  public:
    virtual ~Hops() = default;
    virtual double between(const Seat &from, const Seat &to) const = 0;
};

/// One stage of a placement: the layers from where the last one ended.
struct Berth {
    uint32_t seat = 0;
    uint32_t end = 0;
};

/// How many stages there may be.
struct StageLimit {
    uint32_t least = 1;
    uint32_t most = 1;
};

/// Whether any placement fits. Of all ways over the seats so far with as many stages, the one that
/// holds the most layers leads on, so that this takes no table of them.
bool can_place(std::span<const Ladder> ladders, std::span<const Seat> seats, StageLimit limit);

/// The placement with the least sum of costs, of those the one with the fewest stages; empty if
/// none fits. Exact over all numbers of seats of each kind and all splits of the layers. A ladder
/// without known costs counts as dearer than any with them.
std::vector<Berth> place(std::span<const Ladder> ladders, std::span<const Seat> seats,
                         const Hops &hops, StageLimit limit);

} // namespace hwa::plan
