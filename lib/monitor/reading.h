// SPDX-License-Identifier: MIT
// Reading: what is known of a device at one moment. Zero is a reading, so the unknown is not zero.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace hwa::monitor {

inline constexpr float unknown_real = std::numeric_limits<float>::quiet_NaN();
inline constexpr uint64_t unknown_count = UINT64_MAX;

struct Reading {
    float utilization = unknown_real; ///< 0 to 1
    float temperature_c = unknown_real;
    float power_w = unknown_real;
    uint64_t memory_used_bytes = unknown_count;
    uint64_t memory_free_bytes = unknown_count; ///< what a new job could have
    uint64_t memory_total_bytes = unknown_count;
    uint64_t clock_hz = unknown_count;
    uint64_t time_ns = 0; ///< monotonic clock; 0: never
    bool asleep = false;
    base::Status status = base::Status::Ok; ///< why what is unknown is, if that is known
    std::string message;

    /// Takes over what is not known here yet.
    void fill_from(const Reading &other);
};

/// A reading between a helper and its monitor: the device's place, eight numbers with "-" for the
/// unknown, a status, and on a line of its own a sentence.
std::string reading_text(size_t index, const Reading &reading);

struct PlacedReading {
    size_t index;
    Reading reading;
};

/// The other way; Parse if it is none, or makes no sense.
base::Result<PlacedReading> parse_reading(std::string_view text);

} // namespace hwa::monitor
