// SPDX-License-Identifier: MIT
// Ladder: how far the layers of a model reach on one kind of stage.
#include "plan/search/ladder.h"

#include <algorithm>

namespace hwa::plan {

namespace {

/// Most layers from `from` on, up to `most`, that fit; bytes grow with the number of them.
uint32_t most_layers(const StageCosts &costs, uint64_t room, uint32_t from, uint32_t most) {
    uint32_t low = 0, high = most;
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (costs.bytes(from, middle) <= room)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/// The first layer from which on all that is left fits, beside the output.
uint32_t first_to_close(const StageCosts &costs, uint64_t room) {
    const uint32_t layers = costs.layers();
    uint32_t low = 1, high = layers;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (costs.bytes(middle, layers - middle) <= room)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

} // namespace

void climb(const StageCosts &costs, uint64_t room, Ladder &ladder) {
    const uint32_t layers = costs.layers();
    ladder.reach.assign(layers, 0);
    ladder.sums.assign(size_t{layers} + 1, 0);
    for (uint32_t i = 0; i < layers; ++i)
        ladder.sums[i + 1] = ladder.sums[i] + costs.layer(i);
    // The last layer is left to the stage that closes.
    ladder.reach[0] = most_layers(costs, room, 0, layers - 1);
    const uint32_t uniform =
        costs.uniform() && layers > 2 ? most_layers(costs, room, 1, layers - 2) : 0;
    uint32_t end = 0;
    for (uint32_t from = 1; from < layers; ++from) {
        end = std::max(end, from);
        if (costs.uniform())
            end = std::min(layers - 1, from + uniform);
        else
            while (end + 1 < layers && costs.bytes(from, end + 1 - from) <= room)
                ++end;
        ladder.reach[from] = end;
    }
    ladder.closes = first_to_close(costs, room);
    ladder.whole = costs.bytes(0, layers) <= room;
    ladder.enter = costs.enter();
    ladder.first = costs.first();
    ladder.last = costs.last();
    ladder.known = costs.known();
}

} // namespace hwa::plan
