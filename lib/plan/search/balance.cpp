// SPDX-License-Identifier: MIT
// The most even split of layers over stages that cost the same.
#include "plan/search/balance.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

namespace {

/// Stages next to each other, over which the layers from `from` to `to` are split.
struct Row {
    std::span<const SeatKind> kinds;
    std::span<const Seat> seats;
    std::span<Berth> berths;
    uint32_t from = 0, to = 0;

    const SeatKind &kind(size_t i) const { return kinds[seats[berths[i].seat].kind]; }
    bool deal(double share);
};

/// Fills each stage up to that share of its room; false if that leaves layers over.
bool Row::deal(double share) {
    uint32_t begin = from;
    for (size_t i = 0; i < berths.size(); ++i) {
        const auto rest = static_cast<uint32_t>(berths.size() - 1 - i);
        const auto room = static_cast<uint64_t>(share * static_cast<double>(kind(i).room));
        uint32_t low = 0, high = to - rest - begin;
        if (rest == 0 && kind(i).costs->bytes(begin, high) > room)
            return false;
        while (rest != 0 && low < high) {
            const uint32_t middle = low + (high - low + 1) / 2;
            if (kind(i).costs->bytes(begin, middle) <= room)
                low = middle;
            else
                high = middle - 1;
        }
        if (high == 0)
            return false;
        begin += high;
        berths[i].end = begin;
    }
    return true;
}

void level_out(Row &row, std::vector<Berth> &kept) {
    double low = 0, high = 1;
    kept.assign(row.berths.begin(), row.berths.end());
    for (int turn = 0; turn < 12; ++turn) {
        const double middle = (low + high) / 2;
        if (row.deal(middle)) {
            high = middle;
            kept.assign(row.berths.begin(), row.berths.end());
        } else {
            low = middle;
        }
    }
    std::copy(kept.begin(), kept.end(), row.berths.begin());
}

bool cost_the_same(const Ladder &a, const Ladder &b) {
    if (a.known != b.known)
        return false;
    for (size_t i = 0; i < a.sums.size(); ++i)
        if (std::fabs(a.sums[i] - b.sums[i]) > 1e-12 * a.sums.back())
            return false;
    return a.first == b.first && a.last == b.last;
}

} // namespace

void balance(std::span<const SeatKind> kinds, std::span<const Ladder> ladders,
             std::span<const Seat> seats, std::vector<Berth> &berths) {
    std::vector<Berth> kept;
    for (size_t first = 0, next; first < berths.size(); first = next) {
        const uint32_t kind = seats[berths[first].seat].kind;
        next = first + 1;
        while (next < berths.size() &&
               (seats[berths[next].seat].kind == kind ||
                cost_the_same(ladders[kind], ladders[seats[berths[next].seat].kind])))
            ++next;
        if (next - first < 2)
            continue;
        Row row{kinds, seats, std::span(berths).subspan(first, next - first),
                first > 0 ? berths[first - 1].end : 0, berths[next - 1].end};
        level_out(row, kept);
    }
}

} // namespace hwa::plan
