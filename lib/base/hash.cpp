// SPDX-License-Identifier: MIT
// Hash: two lanes of multiply and fold, each step a bijection of its lane.
#include "base/hash.h"

#include "base/text.h"

#include <cstring>

namespace hwa::base {

/// Odd, so that multiplication by them can be undone; digits of the golden ratio and of pi.
static constexpr uint64_t low_factor = 0x9e3779b97f4a7c15;
static constexpr uint64_t high_factor = 0x243f6a8885a308d3;

static uint64_t step(uint64_t lane, uint64_t word, uint64_t factor) {
    lane = (lane ^ word) * factor;
    return lane ^ (lane >> 29);
}

/// Up to eight bytes, in the machine's order.
static uint64_t word_at(std::string_view text, size_t at) {
    uint64_t word = 0;
    if (text.size() - at >= sizeof word) // a copy of fixed size is one instruction
        std::memcpy(&word, text.data() + at, sizeof word);
    else
        std::memcpy(&word, text.data() + at, text.size() - at);
    return word;
}

Hash hash(std::string_view text, const Hash &so_far) {
    // The length comes first: a text and the same with NULs behind it are two.
    uint64_t low = step(so_far.low, text.size(), low_factor);
    uint64_t high = step(so_far.high, ~uint64_t{text.size()}, high_factor);
    for (size_t at = 0; at < text.size(); at += 8) {
        const uint64_t word = word_at(text, at);
        low = step(low, word, low_factor);
        high = step(high, word ^ low, high_factor);
    }
    return {step(low, high, high_factor), step(high, low, low_factor)};
}

std::string hash_text(const Hash &hash) {
    return format("%016llx%016llx", static_cast<unsigned long long>(hash.high),
                  static_cast<unsigned long long>(hash.low));
}

} // namespace hwa::base
