// SPDX-License-Identifier: MIT
// Blanking by shape, because the files of drivers yet to come have no known names.
#include "os/blank.h"

#include <array>
#include <cstddef>

namespace hwa::os {

static constexpr size_t shortest_run = 12; // a network address without colons

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_hex_letter(char c) {
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_hex(char c) {
    return is_digit(c) || is_hex_letter(c);
}

static bool is_word(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Length of groups of hexadecimal digits parted by `mark` that `text` starts with; 0 if it does
/// not, or if the last group goes on.
template <size_t N>
static size_t grouped(std::string_view text, const std::array<size_t, N> &groups, char mark) {
    size_t at = 0;
    for (size_t group = 0; group < N; ++group) {
        if (group > 0 && (at >= text.size() || text[at++] != mark))
            return 0;
        for (size_t i = 0; i < groups[group]; ++i)
            if (at >= text.size() || !is_hex(text[at++]))
                return 0;
    }
    return at < text.size() && (is_word(text[at]) || text[at] == mark) ? 0 : at;
}

/// Length of a run of hexadecimal digits that is an id; 0 for words and for decimal numbers.
static size_t id_run(std::string_view text) {
    size_t length = 0;
    bool digits = false;
    bool letters = false;
    for (; length < text.size() && is_hex(text[length]); ++length) {
        digits = digits || is_digit(text[length]);
        letters = letters || is_hex_letter(text[length]);
    }
    const bool whole = length == text.size() || !is_word(text[length]);
    return whole && digits && letters && length >= shortest_run ? length : 0;
}

/// Length of the id that `text` starts with. A UUID may follow a word directly, as in names of
/// pods; the other shapes are ids only where a word `starts`.
static size_t id_at(std::string_view text, bool starts) {
    constexpr std::array<size_t, 5> uuid = {8, 4, 4, 4, 12};
    // systemd writes the UUIDs in names of units with underscores.
    for (const char mark : {'-', '_'})
        if (const size_t length = grouped(text, uuid, mark); length > 0)
            return length;
    if (!starts)
        return 0;
    constexpr std::array<size_t, 6> address = {2, 2, 2, 2, 2, 2};
    if (const size_t length = grouped(text, address, ':'); length > 0)
        return length;
    return id_run(text);
}

static void append_blank(std::string_view text, std::string &out) {
    for (const char c : text)
        out += is_word(c) ? '0' : c;
}

std::string blank_ids(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const bool starts = at == 0 || !is_word(text[at - 1]);
        const size_t length = id_at(text.substr(at), starts);
        if (length > 0)
            append_blank(text.substr(at, length), out);
        else
            out += text[at];
        at += length > 0 ? length : 1;
    }
    return out;
}

static bool names_an_id(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    for (const char *part : {"serial", "uuid", "unique_id", "wwid", "asset_tag", "hostname"})
        if (name.find(part) != std::string_view::npos)
            return true;
    return name == "address" || name == "machine-id";
}

std::string blank_file(std::string_view path, std::string_view content) {
    std::string out;
    if (names_an_id(path)) {
        append_blank(content, out);
        return out;
    }
    while (!content.empty()) {
        const size_t end = content.find('\n');
        const std::string_view line = content.substr(0, end == content.npos ? end : end + 1);
        // /proc/cpuinfo of Arm boards ends with the serial number of the board; KFD tells that of a
        // graphics card among its properties.
        if (line.starts_with("Serial"))
            append_blank(line.substr(6), out += "Serial");
        else if (line.starts_with("unique_id "))
            append_blank(line.substr(10), out += "unique_id ");
        else
            out += blank_ids(line);
        content.remove_prefix(line.size());
    }
    return out;
}

} // namespace hwa::os
