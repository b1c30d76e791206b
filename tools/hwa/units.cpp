// SPDX-License-Identifier: MIT
// Three significant digits and a unit; the numbers themselves are in the JSON.
#include "units.h"

#include "text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hwa::tool {

/// Three significant digits, with the decimals that leaves, and a unit chosen from a ladder.
template <size_t N>
static std::string scaled(double value, double step, const char *const (&ladder)[N]) {
    size_t rung = 0;
    // 999.5 would print as 1000, or as 1e+03: it belongs on the next rung.
    while (value >= (step > 1000 ? 1023.5 : 999.5) && rung + 1 < N) {
        value /= step;
        ++rung;
    }
    const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    const bool whole = rung == 0 && value == std::floor(value);
    return format("%.*f%s", whole ? 0 : decimals, value, ladder[rung]);
}

static constexpr const char *byte_ladder[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};

std::string bytes_or_zero(uint64_t value) {
    return value == 0 ? "0" : scaled(static_cast<double>(value), 1024, byte_ladder);
}

std::string bytes(uint64_t value) {
    return value == 0 ? unknown : bytes_or_zero(value);
}

std::string bandwidth(uint64_t bytes_per_second) {
    return bytes_per_second == 0 ? unknown : bytes(bytes_per_second) + "/s";
}

std::string operations(double per_second, bool floating) {
    static constexpr const char *flops[] = {" FLOP/s",  " kFLOP/s", " MFLOP/s",
                                            " GFLOP/s", " TFLOP/s", " PFLOP/s"};
    static constexpr const char *ops[] = {" op/s",  " kop/s", " Mop/s",
                                          " Gop/s", " Top/s", " Pop/s"};
    if (!(per_second > 0))
        return unknown;
    return floating ? scaled(per_second, 1000, flops) : scaled(per_second, 1000, ops);
}

std::string rate(double value) {
    if (!(value > 0))
        return unknown;
    const int digits = static_cast<int>(std::floor(std::log10(value)));
    if (digits < 3)
        return format("%.*f", std::min(2 - digits, 6), value);
    const double step = std::pow(10.0, digits - 2);
    return format("%.0f", std::round(value / step) * step);
}

std::string dollars(double value) {
    if (!(value > 0))
        return unknown;
    return format(value < 0.0995 ? "$%.2g" : value < 999.5 ? "$%.2f" : "$%.0f", value);
}

std::string count(uint64_t value) {
    static constexpr const char *ladder[] = {"", "k", "M", "B", "T"};
    return value == 0 ? unknown : scaled(static_cast<double>(value), 1000, ladder);
}

std::string seconds(double value) {
    static constexpr const char *ladder[] = {" ns", " µs", " ms", " s"};
    return value > 0 ? scaled(value * 1e9, 1000, ladder) : unknown;
}

std::string hertz(uint64_t value) {
    static constexpr const char *ladder[] = {" Hz", " kHz", " MHz", " GHz"};
    return value == 0 ? unknown : scaled(static_cast<double>(value), 1000, ladder);
}

std::optional<uint64_t> parse_count(std::string_view text) {
    double value = 0;
    const char *end = text.data() + text.size();
    const auto [rest, status] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (status != std::errc() || end - rest > 1)
        return std::nullopt;
    if (rest != end) {
        switch (*rest | 0x20) {
        case 'k':
            value *= 1e3;
            break;
        case 'm':
            value *= 1e6;
            break;
        case 'b':
        case 'g':
            value *= 1e9;
            break;
        case 't':
            value *= 1e12;
            break;
        default:
            return std::nullopt;
        }
    }
    if (!(value >= 1 && value <= 1e18))
        return std::nullopt;
    return static_cast<uint64_t>(std::llround(value));
}

} // namespace hwa::tool
