// SPDX-License-Identifier: MIT
// Lists of numbers as the kernel writes them.
#include "base/cpulist.h"

#include "base/text.h"

#include <algorithm>

namespace hwa::base {

/// Appends the numbers of "a" or "a-b"; false if that is neither, or there would be too many.
static bool append_range(std::string_view part, std::vector<uint32_t> &numbers) {
    const size_t dash = part.find('-');
    const auto first = parse_u64(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_u64(part.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= cpulist_limit)
        return false;
    if (numbers.size() + (*last - *first) >= cpulist_limit)
        return false;
    for (uint64_t number = *first; number <= *last; ++number)
        numbers.push_back(static_cast<uint32_t>(number));
    return true;
}

std::optional<std::vector<uint32_t>> parse_cpulist(std::string_view text) {
    std::vector<uint32_t> numbers;
    for (const std::string_view part : split(trim(text), ','))
        if (!append_range(trim(part), numbers))
            return std::nullopt;
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    return numbers;
}

std::string cpulist_text(const std::vector<uint32_t> &numbers) {
    std::string text;
    for (size_t i = 0; i < numbers.size();) {
        size_t end = i + 1;
        while (end < numbers.size() && numbers[end] == numbers[end - 1] + 1)
            ++end;
        if (!text.empty())
            text += ',';
        text += std::to_string(numbers[i]);
        if (end - i > 1)
            text += '-' + std::to_string(numbers[end - 1]);
        i = end;
    }
    return text;
}

} // namespace hwa::base
