// SPDX-License-Identifier: MIT
// Numbers as people read them.
#include "plan/words.h"

#include <charconv>

namespace hwa::plan {

std::string fixed(double value, int digits) {
    char text[400]; // the longest double has 309 digits before its point
    const auto [end, fault] =
        std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
    return fault == std::errc{} ? std::string(text, end) : std::string("?");
}

std::string bytes_text(uint64_t bytes) {
    static constexpr const char *units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (bytes < 1024)
        return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1024;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < std::size(units)) {
        value /= 1024;
        ++unit;
    }
    return fixed(value, 1) + " " + units[unit];
}

} // namespace hwa::plan
