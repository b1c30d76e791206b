// SPDX-License-Identifier: MIT
// Random numbers that are the same with every library.
#pragma once

#include <cstdint>
#include <random>

namespace hwa::test {

using Random = std::mt19937_64;

inline uint64_t up_to(Random &random, uint64_t most) {
    return random() % (most + 1);
}

} // namespace hwa::test
