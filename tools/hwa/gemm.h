// SPDX-License-Identifier: MIT
// The proof that a matrix product is right, against sums in double precision.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hwa::tool {

/// Numbers in (-1, 1) that are the same in every run.
std::vector<float> random_numbers(size_t count, uint64_t seed);

struct Check {
    double error = 0;     ///< largest |result - exact| / scale, of the entries looked at
    double allowed = 0;   ///< what rounding explains
    uint64_t entries = 0; ///< how many were summed anew
    bool whole = false;   ///< whether these were all
    bool right = false;
};

/// Checks c = a b; the scale of an entry is sum |a||b|. Small products are summed anew in full. Of
/// large ones a sample is, and every entry takes part in a random projection: c r = a (b r) for r
/// of ±1.
Check check_product(const std::vector<float> &a, const std::vector<float> &b,
                    const std::vector<float> &c, uint32_t size);

} // namespace hwa::tool
