// SPDX-License-Identifier: MIT
// Small, locale-free operations on text: format, trim, split, parse, sanitise.
#pragma once

#include <cstdarg>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::base {

/// printf into a string.
std::string format(const char *format, ...) __attribute__((format(printf, 1, 2)));
std::string vformat(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/// Without blanks, tabs, line ends and NULs at either end.
std::string_view trim(std::string_view text);

/// The parts between separators; an empty text has none.
std::vector<std::string_view> split(std::string_view text, char separator);

/// The whole of `text` as a number in `base` (16 takes an optional 0x), else nothing.
std::optional<uint64_t> parse_u64(std::string_view text, int base = 10);
std::optional<int64_t> parse_i64(std::string_view text);
std::optional<double> parse_real(std::string_view text);

/// Shortest text that reads back as the same number, without regard to the locale.
std::string real_text(double value);

/// A string of foreign origin made fit to print: valid UTF-8, no control characters, trimmed, at
/// most `limit` bytes.
std::string sanitise(std::string_view text, size_t limit = 256);

/// The same of a text that says nothing once a part of it is garbled: "" where sanitise() would
/// have to put something else in place of it.
std::string legible(std::string_view text, size_t limit = 256);

/// Length of the well-formed UTF-8 sequence that starts `text`, which is not empty; 0 if malformed.
size_t utf8_sequence(std::string_view text);

/// True if `text` is well-formed UTF-8.
bool valid_utf8(std::string_view text);

/// True if the comma-separated `list` holds `item`.
bool list_holds(std::string_view list, std::string_view item);

} // namespace hwa::base
