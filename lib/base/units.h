// SPDX-License-Identifier: MIT
// Units as literals and arithmetic on sizes that says when it overflows.
#pragma once

#include <cstdint>
#include <optional>

namespace hwa::base {

inline constexpr uint64_t KiB = uint64_t{1} << 10;
inline constexpr uint64_t MiB = uint64_t{1} << 20;
inline constexpr uint64_t GiB = uint64_t{1} << 30;

/// The sum or product, or nothing where 64 bits cannot hold it.
inline std::optional<uint64_t> checked_add(uint64_t a, uint64_t b) {
    uint64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::nullopt : std::optional<uint64_t>(sum);
}

inline std::optional<uint64_t> checked_mul(uint64_t a, uint64_t b) {
    uint64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? std::nullopt : std::optional<uint64_t>(product);
}

/// a / b rounded up; b is not 0.
inline uint64_t divide_up(uint64_t a, uint64_t b) {
    return a / b + (a % b != 0 ? 1 : 0);
}

} // namespace hwa::base
