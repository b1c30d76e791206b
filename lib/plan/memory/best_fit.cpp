// SPDX-License-Identifier: MIT
// Pieces of a buffer, best fit first.
#include "plan/memory/best_fit.h"

#include <algorithm>

namespace hwa::plan {

uint64_t BestFit::take(uint64_t size) {
    size = pad(size);
    auto best = holes_.end();
    for (auto hole = holes_.begin(); hole != holes_.end(); ++hole)
        if (hole->size >= size && (best == holes_.end() || hole->size <= best->size))
            best = hole;
    if (best == holes_.end()) {
        end_ += size;
        peak_ = std::max(peak_, end_);
        return end_ - size;
    }
    const uint64_t offset = best->offset;
    best->offset += size;
    best->size -= size;
    if (best->size == 0)
        holes_.erase(best);
    return offset;
}

void BestFit::give_back(uint64_t offset, uint64_t size) {
    size = pad(size);
    if (size == 0)
        return;
    auto next = std::find_if(holes_.begin(), holes_.end(),
                             [&](const Hole &hole) { return hole.offset > offset; });
    if (next != holes_.begin() && std::prev(next)->offset + std::prev(next)->size == offset) {
        next = std::prev(next);
        next->size += size;
    } else {
        next = holes_.insert(next, {offset, size});
    }
    const auto after = std::next(next);
    if (after != holes_.end() && next->offset + next->size == after->offset) {
        next->size += after->size;
        holes_.erase(after);
    }
    if (holes_.back().offset + holes_.back().size == end_) {
        end_ = holes_.back().offset;
        holes_.pop_back();
    }
}

} // namespace hwa::plan
