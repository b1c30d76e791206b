// SPDX-License-Identifier: MIT
// How layers are dealt out to the stages of an uneven pipeline.
#include "plan/search/uneven.h"

#include "plan/memory/training.h"
#include "plan/time/step.h"

#include <algorithm>
#include <limits>

namespace hwa::plan {

namespace {

constexpr double never = std::numeric_limits<double>::infinity();

} // namespace

Dealer::Dealer(Case &one, const UnevenLayout &layout, std::span<const Fabric *const> fabrics,
               std::span<ProductMemo *const> products)
    : one_(one), part_(one), fabrics_(fabrics), products_(products) {
    for (uint32_t block = 0; block < layout.blocks.size(); ++block) {
        block_.insert(block_.end(), layout.blocks[block].stages, block);
        where_.insert(where_.end(), layout.blocks[block].stages, layout.blocks[block].where);
    }
    part_.slices.resize(1);
    counts_.resize(block_.size());
}

Slice Dealer::slice(uint32_t stage, uint32_t first, uint32_t count) const {
    Slice made;
    made.device = where_[stage]->devices[0];
    made.first_layer = first;
    made.layer_count = count;
    made.stage = stage;
    made.embedding = stage == 0;
    made.output = stage + 1 == block_.size();
    return made;
}

double Dealer::seconds() {
    const uint32_t block = block_[part_.slices[0].stage];
    part_.fabric = fabrics_[block];
    part_.products = products_[block];
    const auto time = training_time(part_);
    return time && time->step > 0 ? time->step : never;
}

bool Dealer::passes(uint32_t stage, uint32_t first, uint32_t count, Limit limit) {
    part_.slices[0] = slice(stage, first, count);
    if (seconds() >= limit.seconds)
        return false;
    if (!limit.memory)
        return true;
    const auto bytes = training_bytes(part_, part_.slices[0]);
    return bytes && bytes->total() <= where_[stage]->room;
}

/// The most layers that pass, near a guess; 0: not even one does.
uint32_t Dealer::reach(uint32_t stage, uint32_t first, uint32_t most, uint32_t guess, Limit limit) {
    uint32_t low = 0, high = most + 1;
    for (uint32_t next = std::min(guess, most), step = 1; high - low > 1; step *= 2) {
        (passes(stage, first, next, limit) ? low : high) = next;
        // Away from the guess in growing steps, then by halves.
        next = low == 0      ? high - std::min(step, high)
               : high > most ? low + step
                             : low + (high - low) / 2;
        next = std::clamp(next, low + 1, std::max(low + 1, high - 1));
    }
    return low;
}

/// The more layers a stage has, the longer it takes and the more it needs. So if any deal passes,
/// one does in which each stage takes all it can before the next one.
bool Dealer::deal_within(Limit limit) {
    const auto stages = static_cast<uint32_t>(block_.size());
    uint32_t first = 0, guess = layers() / stages;
    std::vector<uint32_t> counts(stages);
    for (uint32_t stage = 0; stage + 1 < stages; ++stage) {
        const uint32_t most = layers() - first - (stages - 1 - stage);
        const uint32_t count = reach(stage, first, most, std::max(1U, guess), limit);
        if (count == 0)
            return false;
        counts[stage] = guess = count;
        first += count;
    }
    counts.back() = layers() - first;
    if (!passes(stages - 1, first, counts.back(), limit))
        return false;
    counts_ = std::move(counts);
    return true;
}

double Dealer::slowest() {
    double most = 0;
    for (uint32_t stage = 0, first = 0; stage < counts_.size(); first += counts_[stage++]) {
        part_.slices[0] = slice(stage, first, counts_[stage]);
        most = std::max(most, seconds());
    }
    return most;
}

Dealt Dealer::deal(double most) {
    if (!deal_within({most, false}))
        return {Dealt::Slow, 0};
    if (!deal_within({most, true}))
        return {Dealt::NoRoom, 0};
    // Halved until nothing is faster than what was found.
    double low = 0, high = slowest();
    while (true) {
        const double middle = low + (high - low) / 2;
        const bool dealt = deal_within({middle, true});
        if (!dealt && !deal_within({high, true}))
            break;
        low = dealt ? low : middle;
        high = slowest();
    }
    one_.slices.clear();
    for (uint32_t stage = 0, first = 0; stage < counts_.size(); first += counts_[stage++])
        one_.slices.push_back(slice(stage, first, counts_[stage]));
    return {Dealt::Done, high};
}

} // namespace hwa::plan
