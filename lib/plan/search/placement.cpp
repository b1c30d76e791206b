// SPDX-License-Identifier: MIT
// The dynamic programme over seats and layers.
#include "plan/search/placement.h"

#include <algorithm>
#include <cmath>

namespace hwa::plan {

namespace {

/// A cost in whole steps, and below them the number of stages: sums of them are exact, so that
/// rounding never decides between ways that cost the same.
using Key = int64_t;
constexpr int stage_bits = 13;
constexpr double steps = 0x1p42;                ///< that the dearest placement is divided into
constexpr Key unknown = Key{1} << 57;           ///< a stage of unknown speed
constexpr Key impossible = Key{1} << 61;        ///< and what no sum may pass
constexpr size_t table_limit = size_t{1} << 24; ///< entries; only hostile models come near

Key add(Key a, Key b) {
    return std::min(impossible, a + b);
}

class Table {
  public:
    Table(std::span<const Ladder> ladders, std::span<const Seat> seats, const Hops &hops,
          StageLimit limit);
    std::vector<Berth> best();

  private:
    struct Step {
        uint16_t from = 0;     ///< where the stage begins
        uint16_t previous = 0; ///< the seat before, plus 1
    };

    Key key(double cost) const {
        return static_cast<Key>(std::llround(cost * scale_)) << stage_bits;
    }
    size_t at(uint32_t level, size_t seat, uint32_t end) const {
        return (level * seats_.size() + seat) * (layers_ + 1) + end;
    }
    void set_scale();
    void collect(uint32_t level, size_t seat);
    void extend(uint32_t level, size_t seat);

    std::span<const Ladder> ladders_;
    std::span<const Seat> seats_;
    const Hops &hops_;
    uint32_t layers_;
    StageLimit limit_;
    bool counts_; ///< one level for each number of stages; else one for all
    uint32_t levels_;
    double scale_ = 1;
    std::vector<Key> value_; ///< the best with that seat last and that many layers placed
    std::vector<Step> step_;
    std::vector<Key> before_; ///< the best that the seat can follow, by layers placed
    std::vector<uint16_t> previous_;
    std::vector<Key> sums_;       ///< of the seat's ladder
    std::vector<uint32_t> queue_; ///< of starts, the best first
};

Table::Table(std::span<const Ladder> ladders, std::span<const Seat> seats, const Hops &hops,
             StageLimit limit)
    : ladders_(ladders), seats_(seats), hops_(hops), layers_(ladders[0].layers()), limit_(limit) {
    limit_.most = static_cast<uint32_t>(
        std::min<size_t>({limit.most, seats.size(), layers_, size_t{1} << (stage_bits - 1)}));
    counts_ = limit_.least > 1 || limit_.most < std::min<size_t>(seats.size(), layers_);
    levels_ = counts_ ? limit_.most : 1;
    const size_t row = size_t{layers_} + 1;
    seats_ = seats_.first(std::min(
        {seats_.size(), size_t{UINT16_MAX} - 1, std::max(size_t{1}, table_limit / row / levels_)}));
    set_scale();
    value_.assign(levels_ * seats_.size() * row, impossible);
    step_.resize(value_.size());
    before_.resize(row);
    previous_.resize(row);
    sums_.resize(row);
    queue_.resize(row);
}

/// By the dearest layers on the dearest seats.
void Table::set_scale() {
    double layers = 0, stage = 0;
    for (const Ladder &ladder : ladders_) {
        layers = std::max(layers, ladder.sums.back() + ladder.first + ladder.last);
        stage = std::max(stage, ladder.enter);
    }
    for (size_t i = 1; i < seats_.size(); ++i)
        stage = std::max(stage, hops_.between(seats_[i - 1], seats_[i]));
    const double all = layers + stage * static_cast<double>(seats_.size());
    scale_ = all > 0 && std::isfinite(all) ? steps / all : 1;
}

/// The best beginnings that a stage in `seat` can follow.
void Table::collect(uint32_t level, size_t seat) {
    std::fill(before_.begin(), before_.end(), impossible);
    const Ladder &ladder = ladders_[seats_[seat].kind];
    if (level == 0 && seats_[seat].place == 0) {
        before_[0] = key(ladder.first);
        previous_[0] = 0;
    }
    if (counts_ && level == 0)
        return;
    const uint32_t below = counts_ ? level - 1 : 0;
    // The one before it of its kind, or any of the kinds before.
    for (size_t other = seats_[seat].place > 0 ? seat - 1 : 0; other < seat; ++other) {
        const Key way = key(std::min(steps / scale_, hops_.between(seats_[other], seats_[seat])));
        for (uint32_t from = 1; from < layers_; ++from) {
            const Key sum = add(value_[at(below, other, from)], way);
            if (sum < before_[from]) {
                before_[from] = sum;
                previous_[from] = static_cast<uint16_t>(other + 1);
            }
        }
    }
}

/// A sliding minimum: the starts from which a stage reaches an end are those next before it.
void Table::extend(uint32_t level, size_t seat) {
    const Ladder &ladder = ladders_[seats_[seat].kind];
    for (uint32_t i = 0; i <= layers_; ++i)
        sums_[i] = key(ladder.sums[i]);
    const Key entry = add(key(ladder.enter), 1 + (ladder.known ? 0 : unknown));
    const auto start = [&](uint32_t from) { return before_[from] - sums_[from]; };
    const auto put = [&](uint32_t from, uint32_t end, Key more) {
        if (before_[from] >= impossible)
            return;
        const Key sum = add(start(from) + sums_[end], add(entry, more));
        const size_t here = at(level, seat, end);
        if (sum < value_[here]) {
            value_[here] = sum;
            step_[here] = {static_cast<uint16_t>(from), previous_[from]};
        }
    };
    size_t head = 0, tail = 0;
    for (uint32_t end = 1; end < layers_; ++end) {
        while (tail > head && start(queue_[tail - 1]) >= start(end - 1))
            --tail;
        queue_[tail++] = end - 1;
        while (head < tail && ladder.reach[queue_[head]] < end)
            ++head;
        if (head < tail)
            put(queue_[head], end, 0);
    }
    for (uint32_t from = 0; from < layers_; ++from)
        if (ladder.fits(from, layers_))
            put(from, layers_, key(ladder.last));
}

std::vector<Berth> Table::best() {
    for (uint32_t level = 0; level < levels_; ++level)
        for (size_t seat = 0; seat < seats_.size(); ++seat) {
            collect(level, seat);
            extend(level, seat);
        }
    Key least = impossible;
    uint32_t level = 0, seat = 0;
    for (uint32_t i = counts_ ? limit_.least - 1 : 0; i < levels_; ++i)
        for (uint32_t j = 0; j < seats_.size(); ++j)
            if (value_[at(i, j, layers_)] < least) {
                least = value_[at(i, j, layers_)];
                level = i;
                seat = j;
            }
    std::vector<Berth> made;
    if (least >= impossible)
        return made;
    for (uint32_t end = layers_;;) {
        made.push_back({seat, end});
        const Step step = step_[at(level, seat, end)];
        if (step.from == 0)
            break;
        end = step.from;
        seat = step.previous - 1U;
        level -= counts_ ? 1 : 0;
    }
    std::reverse(made.begin(), made.end());
    return made;
}

/// With seats of one kind nothing is cheaper than few stages, each filled to the brim.
std::vector<Berth> fill(const Ladder &ladder, std::span<const Seat> seats, StageLimit limit) {
    std::vector<Berth> made;
    uint32_t from = 0;
    while (from < ladder.layers() && made.size() < std::min<size_t>(limit.most, seats.size())) {
        const uint32_t end =
            ladder.fits(from, ladder.layers()) ? ladder.layers() : ladder.reach[from];
        if (end == from)
            return {};
        made.push_back({static_cast<uint32_t>(made.size()), end});
        from = end;
    }
    return from == ladder.layers() ? made : std::vector<Berth>();
}

class NoHops final : public Hops {
  public:
    double between(const Seat &, const Seat &) const override { return 0; }
};

/// Where no speed is known, nothing but the number of stages is left to go by.
std::vector<Berth> place_blindly(std::span<const Ladder> ladders, std::span<const Seat> seats,
                                 StageLimit limit) {
    std::vector<Ladder> blind(ladders.begin(), ladders.end());
    for (Ladder &ladder : blind) {
        ladder.sums.assign(ladder.sums.size(), 0);
        ladder.enter = ladder.first = ladder.last = 0;
        ladder.known = true;
    }
    return Table(blind, seats, NoHops(), limit).best();
}

} // namespace

bool can_place(std::span<const Ladder> ladders, std::span<const Seat> seats, StageLimit limit) {
    const uint32_t layers = ladders[0].layers();
    const auto most = std::min<size_t>({limit.most, seats.size(), layers});
    if (limit.least > most)
        return false;
    std::vector<uint32_t> held(most, 0); // layers of the i first stages at most; of none: 0
    size_t stages = 0;                   // that some way has, short of closing
    for (const Seat &seat : seats) {
        const Ladder &ladder = ladders[seat.kind];
        for (size_t i = std::min(stages, most - 1) + 1; i-- > 0;) {
            const uint32_t from = held[i];
            if (i > 0 && from == 0)
                continue;
            if (i + 1 >= limit.least && ladder.fits(from, layers))
                return true;
            // Each stage that has to follow needs a layer.
            const auto rest =
                std::max<size_t>(1, limit.least - std::min<size_t>(limit.least, i + 1));
            const auto end =
                std::min<size_t>(ladder.reach[from], layers - std::min<size_t>(rest, layers));
            if (i + 1 < most && end > std::max(from, held[i + 1])) {
                held[i + 1] = static_cast<uint32_t>(end);
                stages = std::max(stages, i + 1);
            }
        }
    }
    return false;
}

std::vector<Berth> place(std::span<const Ladder> ladders, std::span<const Seat> seats,
                         const Hops &hops, StageLimit limit) {
    if (seats.empty() || ladders[0].layers() < limit.least || seats.size() < limit.least)
        return {};
    if (seats.front().kind == seats.back().kind && limit.least <= 1)
        return fill(ladders[seats[0].kind], seats, limit);
    std::vector<Berth> made = Table(ladders, seats, hops, limit).best();
    const auto is_known = [&](const Berth &one) { return ladders[seats[one.seat].kind].known; };
    if (std::all_of(made.begin(), made.end(), is_known))
        return made;
    return place_blindly(ladders, seats, limit);
}

} // namespace hwa::plan
