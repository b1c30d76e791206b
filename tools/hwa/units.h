// SPDX-License-Identifier: MIT
// Quantities for people: bytes in IEC units, rates, times, and counts such as 70B.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hwa::tool {

inline constexpr char unknown[] = "–";

/// "23.6 GiB"; 0 is unknown.
std::string bytes(uint64_t value);
/// As bytes(), for a quantity whose 0 is a fact.
std::string bytes_or_zero(uint64_t value);
/// "819 GiB/s"; 0 is unknown.
std::string bandwidth(uint64_t bytes_per_second);
/// "1.21 TFLOP/s"; 0 is unknown.
std::string operations(double per_second, bool floating = true);
/// "41.3", "12800": three significant digits, no exponent; 0 is unknown.
std::string rate(double value);
/// "$16.20", "$0.0031"; 0 is unknown.
std::string dollars(double value);
/// "8.03B" parameters; 0 is unknown.
std::string count(uint64_t value);
/// "12.3 ms"; 0 is unknown.
std::string seconds(double value);
/// "3.20 GHz"; 0 is unknown.
std::string hertz(uint64_t value);

/// The number in "70B", "1.5B", "500M", "125k", "7000000000"; nothing if it is none or below 1.
std::optional<uint64_t> parse_count(std::string_view text);

} // namespace hwa::tool
