// SPDX-License-Identifier: MIT
// Small, locale-free operations on text.
#include "base/text.h"

#include <charconv>
#include <cstdio>

namespace hwa::base {

std::string vformat(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, format, arguments);
    std::string made(length > 0 ? static_cast<size_t>(length) : 0, '\0');
    if (length > 0)
        std::vsnprintf(made.data(), made.size() + 1, format, again);
    va_end(again);
    return made;
}

std::string format(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    std::string made = vformat(format, arguments);
    va_end(arguments);
    return made;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\0';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back()))
        text.remove_suffix(1);
    return text;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            break;
        text.remove_prefix(end + 1);
    }
    return parts;
}

template <class T> static std::optional<T> parse_whole(std::string_view text, int base) {
    T value{};
    const char *end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value, base);
    if (text.empty() || fault != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

std::optional<uint64_t> parse_u64(std::string_view text, int base) {
    if (base == 16 && (text.starts_with("0x") || text.starts_with("0X")))
        text.remove_prefix(2);
    return parse_whole<uint64_t>(text, base);
}

std::optional<int64_t> parse_i64(std::string_view text) {
    return parse_whole<int64_t>(text, 10);
}

std::optional<double> parse_real(std::string_view text) {
    double value = 0;
    const char *end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data(), end, value);
    if (text.empty() || fault != std::errc{} || stop != end)
        return std::nullopt;
    return value;
}

std::string real_text(double value) {
    char digits[32];
    const auto [end, fault] = std::to_chars(digits, digits + sizeof digits, value);
    return fault == std::errc{} ? std::string(digits, end) : std::string("0");
}

size_t utf8_sequence(std::string_view text) {
    const auto at = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](size_t i) { return i < text.size() && (at(i) & 0xc0) == 0x80; };
    const unsigned char first = at(0);
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first <= 0xdf)
        return follows(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        if (!follows(1) || !follows(2))
            return 0;
        const bool overlong = first == 0xe0 && at(1) < 0xa0;
        const bool surrogate = first == 0xed && at(1) > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (!follows(1) || !follows(2) || !follows(3))
            return 0;
        const bool overlong = first == 0xf0 && at(1) < 0x90;
        const bool beyond = first == 0xf4 && at(1) > 0x8f;
        return overlong || beyond ? 0 : 4;
    }
    return 0;
}

bool valid_utf8(std::string_view text) {
    while (!text.empty()) {
        const size_t length = utf8_sequence(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

/// Control characters of the C0 and C1 sets, and the marks that reorder or hide text.
static bool is_unprintable(std::string_view sequence) {
    const auto at = [&](size_t i) { return static_cast<unsigned char>(sequence[i]); };
    if (sequence.size() == 1)
        return at(0) < 0x20 || at(0) == 0x7f;
    if (sequence.size() == 2)
        return at(0) == 0xc2 && at(1) < 0xa0;
    if (sequence.size() == 3 && at(0) == 0xe2 && at(1) == 0x80)
        return (at(2) >= 0x8b && at(2) <= 0x8f) || (at(2) >= 0xa8 && at(2) <= 0xae);
    return sequence.size() == 3 && at(0) == 0xe2 && at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xaf;
}

static std::string fit_to_print(std::string_view text, size_t limit, std::string_view instead) {
    std::string made;
    text = trim(text.substr(0, text.find('\0')));
    while (!text.empty()) {
        const size_t length = utf8_sequence(text);
        const std::string_view sequence = text.substr(0, length == 0 ? 1 : length);
        const bool keep = length != 0 && !is_unprintable(sequence);
        if (!keep && instead.empty())
            return "";
        const std::string_view piece = keep ? sequence : instead;
        if (made.size() + piece.size() > limit)
            break;
        made += piece;
        text.remove_prefix(sequence.size());
    }
    return made;
}

std::string sanitise(std::string_view text, size_t limit) {
    return fit_to_print(text, limit, "?");
}

std::string legible(std::string_view text, size_t limit) {
    return fit_to_print(text, limit, "");
}

bool list_holds(std::string_view list, std::string_view item) {
    for (const std::string_view part : split(list, ','))
        if (trim(part) == item)
            return true;
    return false;
}

} // namespace hwa::base
