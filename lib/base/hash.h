// SPDX-License-Identifier: MIT
// Hash: 128 bits of a text, for names and for the detection of damage; no defence against malice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hwa::base {

struct Hash {
    uint64_t low = 0;
    uint64_t high = 0;

    bool operator==(const Hash &) const = default;
};

/// The hash of `text`, after what `so_far` is the hash of; the same on all machines of one byte
/// order. A change within eight aligned bytes always shows, because each step can be undone.
Hash hash(std::string_view text, const Hash &so_far = {});

/// 32 hex digits.
std::string hash_text(const Hash &hash);

} // namespace hwa::base
