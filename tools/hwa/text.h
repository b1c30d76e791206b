// SPDX-License-Identifier: MIT
// Text as a terminal shows it: columns taken, what must not reach it, the nearest word.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::tool {

/// What a terminal may be shown: control characters, bidirectional overrides and bytes that are
/// not UTF-8 become '?', so that a name read from a device cannot drive the terminal.
std::string printable(std::string_view text);

/// Columns that printable text takes.
size_t columns(std::string_view text);

/// The text in at most so many columns, its end replaced by "…" when it had to be cut.
std::string clip(std::string_view text, size_t limit);

/// Parts between separators, empty ones left out.
std::vector<std::string> split(std::string_view text, char separator);

/// "a, b, c".
std::string join(const std::vector<std::string> &parts, std::string_view between = ", ");

/// The candidate that a misspelt word comes closest to; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string> &candidates);

/// printf into a string.
std::string format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));

} // namespace hwa::tool
