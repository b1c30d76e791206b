// SPDX-License-Identifier: MIT
// Tells the process that made an object from a child forked later, for the price of one load.
#pragma once

#include <atomic>
#include <cstdint>

namespace hwa::os {

using Stamp = std::atomic<uint64_t>;

/// Where the stamp lies, once there is one; until then where 0 lies.
extern std::atomic<const Stamp *> stamp_place;

uint64_t make_stamp();

/// A number that is the same all through the life of a process and different in every child that
/// was forked from it; never 0.
inline uint64_t process_stamp() {
    const uint64_t stamp =
        stamp_place.load(std::memory_order_acquire)->load(std::memory_order_acquire);
    return stamp != 0 ? stamp : make_stamp();
}

} // namespace hwa::os
