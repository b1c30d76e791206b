// SPDX-License-Identifier: MIT
// The capacity-weighted layer split.
#include "plan/search/partition.h"

#include <algorithm>

namespace hwa::plan {

namespace {

/// Most layers from `from` on that fit into a room, at least `least` being left for the others.
uint64_t most_layers(const Sized &sized, uint64_t from, const Room &room, bool is_last) {
    const uint64_t rest = sized.layers() - from;
    if (is_last)
        return footprint_of(sized, from, rest, room.kind).total() <= room.bytes ? rest : 0;
    // The bytes grow with the number of layers, so that halving finds the last number that fits.
    // One layer short of all: with all of them it would be the last stage.
    uint64_t low = 0, high = rest - 1;
    while (low < high) {
        const uint64_t middle = low + (high - low + 1) / 2;
        if (footprint_of(sized, from, middle, room.kind).total() <= room.bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/// Room for layers once the rest is paid for.
double room_for_layers(const Sized &sized, const Room &room, bool first, bool last) {
    const uint64_t fixed = runtime_bytes(room.kind) + (last ? sized.last_buffer : sized.buffer) +
                           (first ? sized.first : 0) +
                           (last ? sized.last + (first ? 0 : sized.last_tied) : 0);
    return room.bytes > fixed ? static_cast<double>(room.bytes - fixed) : 0;
}

/// First layer whose end lies at or beyond that share of all layers' bytes.
uint64_t layer_at(const Sized &sized, double share) {
    const double all = static_cast<double>(sized.weights.back() + sized.cache.back());
    uint64_t low = 0, high = sized.layers();
    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;
        const double bytes = static_cast<double>(sized.weights[middle] + sized.cache[middle]);
        if (bytes < share * all)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/// Layers by share of `all` room, or to the brim where `all` is 0; each leaves one for each other.
std::vector<uint64_t> split(const Sized &sized, std::span<const Room> rooms, double all) {
    const uint64_t layers = sized.layers();
    std::vector<uint64_t> made;
    made.reserve(rooms.size());
    double before = 0;
    uint64_t from = 0;
    for (size_t i = 0; i < rooms.size(); ++i) {
        const bool is_last = i + 1 == rooms.size();
        const uint64_t end_limit = layers - (rooms.size() - 1 - i);
        uint64_t end = end_limit;
        if (all > 0 && !is_last) {
            before += room_for_layers(sized, rooms[i], i == 0, is_last) / all;
            end = std::clamp(layer_at(sized, before), from + 1, end_limit);
        }
        const uint64_t count = std::min(end - from, most_layers(sized, from, rooms[i], is_last));
        if (count == 0)
            return {};
        made.push_back(count);
        from += count;
    }
    return from == layers ? made : std::vector<uint64_t>();
}

} // namespace

std::vector<uint64_t> partition(const Sized &sized, std::span<const Room> rooms) {
    if (rooms.empty() || sized.layers() < rooms.size())
        return {};
    double all = 0;
    for (size_t i = 0; i < rooms.size(); ++i)
        all += room_for_layers(sized, rooms[i], i == 0, i + 1 == rooms.size());
    // Most sets of a search fall at this, with a margin for the rounding of the sum.
    const double layers = static_cast<double>(sized.weights.back() + sized.cache.back());
    if (!(all > 0) || all * (1 + 1e-9) < layers)
        return {};
    std::vector<uint64_t> made = split(sized, rooms, all);
    // Rounding to whole layers can leave the last device too much; filling the others cannot.
    return made.empty() ? split(sized, rooms, 0) : made;
}

uint64_t least_bytes(const Sized &sized, std::span<const Room> rooms) {
    uint64_t bytes = sized.weight_bytes() + sized.cache.back() + sized.last_buffer;
    for (size_t i = 0; i < rooms.size(); ++i)
        bytes += runtime_bytes(rooms[i].kind) + (i == 0 ? 0 : sized.buffer);
    return bytes + (rooms.size() > 1 ? sized.last_tied : 0);
}

} // namespace hwa::plan
