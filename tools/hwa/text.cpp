// SPDX-License-Identifier: MIT
// Columns by the widths of Unicode TR 11, in the ranges that names of hardware and models meet.
#include "text.h"

#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace hwa::tool {

namespace {

struct Range {
    uint32_t first;
    uint32_t last;
};

constexpr Range wide[] = {{0x1100, 0x115f}, {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
                          {0xf900, 0xfaff}, {0xfe30, 0xfe6f},   {0xff00, 0xff60},
                          {0xffe0, 0xffe6}, {0x1f300, 0x1faff}, {0x20000, 0x3fffd}};
constexpr Range narrowless[] = {{0x0300, 0x036f}, {0x200b, 0x200d}, {0xfe00, 0xfe0f}};
constexpr Range refused[] = {{0x0000, 0x001f}, {0x007f, 0x009f}, {0x200e, 0x200f},
                             {0x2028, 0x202e}, {0x2066, 0x2069}, {0xd800, 0xdfff}};

template <size_t N> bool within(const Range (&ranges)[N], uint32_t point) {
    return std::any_of(std::begin(ranges), std::end(ranges), [point](const Range &range) {
        return point >= range.first && point <= range.last;
    });
}

struct Point {
    uint32_t value = 0;
    size_t bytes = 0; ///< 0: not UTF-8
};

Point decode(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80)
        return {lead, 1};
    const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes)
        return {};
    uint32_t value = lead & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; ++i) {
        const auto next = static_cast<unsigned char>(text[i]);
        if ((next & 0xc0) != 0x80)
            return {};
        value = value << 6 | (next & 0x3fu);
    }
    const uint32_t least = bytes == 4 ? 0x10000 : bytes == 3 ? 0x800 : 0x80;
    return value < least || value > 0x10ffff ? Point{} : Point{value, bytes};
}

size_t point_columns(uint32_t point) {
    return within(narrowless, point) ? 0 : within(wide, point) ? 2 : 1;
}

} // namespace

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        const Point point = decode(text);
        const size_t bytes = std::max<size_t>(point.bytes, 1);
        if (point.bytes == 0 || within(refused, point.value))
            clean += '?';
        else
            clean += text.substr(0, bytes);
        text.remove_prefix(bytes);
    }
    return clean;
}

size_t columns(std::string_view text) {
    size_t sum = 0;
    while (!text.empty()) {
        const Point point = decode(text);
        sum += point_columns(point.value);
        text.remove_prefix(std::max<size_t>(point.bytes, 1));
    }
    return sum;
}

std::string clip(std::string_view text, size_t limit) {
    if (columns(text) <= limit)
        return std::string(text);
    if (limit == 0)
        return {};
    std::string kept;
    size_t used = 0;
    while (!text.empty()) {
        const Point point = decode(text);
        const size_t bytes = std::max<size_t>(point.bytes, 1);
        used += point_columns(point.value);
        if (used > limit - 1)
            break;
        kept += text.substr(0, bytes);
        text.remove_prefix(bytes);
    }
    while (!kept.empty() && kept.back() == ' ')
        kept.pop_back();
    return kept + "…";
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const size_t end = std::min(text.find(separator), text.size());
        if (end > 0)
            parts.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

std::string join(const std::vector<std::string> &parts, std::string_view between) {
    std::string all;
    for (const std::string &part : parts) {
        if (!all.empty())
            all += between;
        all += part;
    }
    return all;
}

/// Edits that turn one word into the other.
static size_t distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = corner + (a[i - 1] == b[j - 1] ? 0 : 1);
            corner = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string> &candidates) {
    word = word.substr(0, 64);
    std::string best;
    size_t least = word.size() / 2 + 1;
    for (const std::string &candidate : candidates) {
        const size_t edits = distance(word, candidate);
        if (edits < least) {
            least = edits;
            best = candidate;
        }
    }
    return best;
}

std::string format(const char *pattern, ...) {
    va_list arguments;
    va_start(arguments, pattern);
    va_list again;
    va_copy(again, arguments);
    const int length = std::vsnprintf(nullptr, 0, pattern, arguments);
    va_end(arguments);
    std::string text(length > 0 ? static_cast<size_t>(length) : 0, '\0');
    std::vsnprintf(text.data(), text.size() + 1, pattern, again);
    va_end(again);
    return text;
}

} // namespace hwa::tool
