// SPDX-License-Identifier: MIT
// Lists of numbers as the kernel writes them: "0-3,8,10-11".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::base {

/// The most members a list may have; the kernel itself is built for at most 8192 processors.
inline constexpr size_t cpulist_limit = 8192;

/// The numbers of a list, ascending, each once; nothing if it is malformed or too long.
std::optional<std::vector<uint32_t>> parse_cpulist(std::string_view text);

/// The list of ascending numbers.
std::string cpulist_text(const std::vector<uint32_t> &numbers);

} // namespace hwa::base
