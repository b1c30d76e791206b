// SPDX-License-Identifier: MIT
// The part of JsonPull below the brackets: strings, numbers, and the memory of keys.
#include "base/json_pull.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <system_error>

namespace hwa::base {

/// The buffer of cJSON for a number, which reads documents after this scanner, holds 63.
static constexpr size_t number_bytes = 63;
static constexpr size_t few_keys = 16;

/// True for the bytes that stand for themselves inside a string and end no sequence.
static constexpr std::array<bool, 256> plain = [] {
    std::array<bool, 256> table{};
    for (size_t c = 0x20; c < 0x80; ++c)
        table[c] = c != '"' && c != '\\';
    return table;
}();

bool JsonPull::append(const char *bytes, size_t count) {
    if (count > limits_.string_bytes - text_.size())
        return fail("the string is longer than %u bytes", limits_.string_bytes);
    text_.append(bytes, count);
    return true;
}

/// From the opening quote, where the reader is, past the closing one.
bool JsonPull::string() {
    text_.clear();
    ++at_;
    while (more()) {
        const char *run = at_;
        while (at_ != end_ && plain[static_cast<unsigned char>(*at_)])
            ++at_;
        if (!append(run, static_cast<size_t>(at_ - run)))
            return false;
        if (at_ == end_)
            continue;
        const auto byte = static_cast<unsigned char>(*at_);
        if (byte == '"') {
            ++at_;
            return true;
        }
        if (byte < 0x20)
            return fail("control character 0x%02x in a string", byte);
        if (byte == '\\' ? !escape() : !sequence())
            return false;
    }
    return failure_ ? false : fail("the text ends inside a string");
}

/// One character of two to four bytes, which may lie across two fills of the buffer.
bool JsonPull::sequence() {
    const auto first = static_cast<unsigned char>(*at_);
    const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    char bytes[4];
    for (size_t i = 0; i < length; ++i) {
        if (!more())
            return failure_ ? false : fail("the text ends inside a character");
        bytes[i] = *at_;
        if (i > 0 && (static_cast<unsigned char>(*at_) & 0xc0) != 0x80)
            return fail("malformed UTF-8");
        ++at_;
    }
    if (utf8_sequence({bytes, length}) != length)
        return fail("malformed UTF-8");
    return append(bytes, length);
}

bool JsonPull::hex4(uint32_t &unit) {
    unit = 0;
    for (int i = 0; i < 4; ++i) {
        if (!more())
            return unexpected("a hexadecimal digit");
        uint32_t digit = 0;
        const char one[] = {*at_};
        if (std::from_chars(one, one + 1, digit, 16).ec != std::errc{})
            return unexpected("a hexadecimal digit");
        unit = unit * 16 + digit;
        ++at_;
    }
    return true;
}

/// Appends the UTF-8 of a code point beyond the surrogates' reach.
static size_t encode(uint32_t point, char (&bytes)[4]) {
    const auto tail = [&](int shift) {
        return static_cast<char>(0x80 | ((point >> shift) & 0x3f));
    };
    if (point < 0x80) {
        bytes[0] = static_cast<char>(point);
        return 1;
    }
    if (point < 0x800) {
        bytes[0] = static_cast<char>(0xc0 | point >> 6);
        bytes[1] = tail(0);
        return 2;
    }
    if (point < 0x10000) {
        bytes[0] = static_cast<char>(0xe0 | point >> 12);
        bytes[1] = tail(6);
        bytes[2] = tail(0);
        return 3;
    }
    bytes[0] = static_cast<char>(0xf0 | point >> 18);
    bytes[1] = tail(12);
    bytes[2] = tail(6);
    bytes[3] = tail(0);
    return 4;
}

/// From the backslash, where the reader is, past the escape.
bool JsonPull::escape() {
    static constexpr std::string_view names = "\"\\/bfnrt";
    static constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    ++at_;
    if (!more())
        return unexpected("an escape");
    const char name = *at_;
    if (const size_t index = names.find(name); index != std::string_view::npos) {
        ++at_;
        return append(&meanings[index], 1);
    }
    if (name != 'u')
        return unexpected("an escape");
    ++at_;
    uint32_t point = 0;
    if (!hex4(point))
        return false;
    if (point >= 0xd800 && point < 0xdc00) {
        uint32_t low = 0;
        if (!word("\\u", "the other half of a surrogate pair") || !hex4(low))
            return false;
        if (low < 0xdc00 || low > 0xdfff)
            return fail("half of a surrogate pair");
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    } else if (point >= 0xdc00 && point < 0xe000) {
        return fail("half of a surrogate pair");
    }
    if (point == 0)
        return fail("NUL in a string");
    char bytes[4];
    return append(bytes, encode(point, bytes));
}

bool JsonPull::number_char(char c) {
    if (text_.size() == number_bytes)
        return fail("the number is longer than %zu characters", number_bytes);
    text_ += c;
    ++at_;
    return true;
}

/// One digit or more.
bool JsonPull::digits() {
    if (!more() || *at_ < '0' || *at_ > '9')
        return unexpected("a digit");
    while (more() && *at_ >= '0' && *at_ <= '9')
        if (!number_char(*at_))
            return false;
    return !failure_;
}

bool JsonPull::number() {
    text_.clear();
    bool whole = true;
    if (*at_ == '-' && !number_char('-'))
        return false;
    const bool zero = more() && *at_ == '0';
    if (zero ? !number_char('0') : !digits())
        return false;
    if (zero && more() && *at_ >= '0' && *at_ <= '9')
        return fail("the number has a leading zero");
    if (more() && *at_ == '.') {
        whole = false;
        if (!number_char('.') || !digits())
            return false;
    }
    if (more() && (*at_ == 'e' || *at_ == 'E')) {
        whole = false;
        if (!number_char('e'))
            return false;
        if (more() && (*at_ == '+' || *at_ == '-') && !number_char(*at_))
            return false;
        if (!digits())
            return false;
    }
    return !failure_ && check_number(whole);
}

/// Whether a number that no double holds is too small for one, which is 0, rather than too large.
/// Its mantissa is short, so that the sign of its exponent decides.
static bool underflows(std::string_view number) {
    const size_t exponent = number.find('e');
    return exponent != std::string_view::npos && number[exponent + 1] == '-';
}

bool JsonPull::check_number(bool whole) {
    const char *first = text_.data() + (text_[0] == '-' ? 1 : 0);
    const char *last = text_.data() + text_.size();
    if (whole) {
        uint64_t magnitude = 0;
        const auto [stop, fault] = std::from_chars(first, last, magnitude);
        if (fault != std::errc{} || magnitude > json_integer_limit)
            return fail("the integer %s is beyond 2^53 - 1", text_.c_str());
        return true;
    }
    double real = 0;
    if (std::from_chars(first, last, real).ec != std::errc{} && !underflows(text_))
        return fail("the number %s is not finite", text_.c_str());
    return true;
}

bool JsonKeys::add(std::string_view key) {
    // 0 marks an empty slot of the table; 1 stands in for the hash 0.
    const uint64_t hash = std::max<uint64_t>(std::hash<std::string_view>{}(key), 1);
    if (table_.empty() && few_.size() < few_keys) {
        for (const uint64_t known : few_)
            if (known == hash)
                return false;
        few_.push_back(hash);
        return true;
    }
    if (count_ * 2 >= table_.size())
        grow();
    return place(hash);
}

bool JsonKeys::place(uint64_t hash) {
    size_t slot = static_cast<size_t>((hash * multiplier_) >> 32) & (table_.size() - 1);
    while (table_[slot] != 0) {
        if (table_[slot] == hash)
            return false;
        slot = (slot + 1) & (table_.size() - 1);
    }
    table_[slot] = hash;
    ++count_;
    return true;
}

void JsonKeys::grow() {
    std::vector<uint64_t> old(table_.empty() ? 4 * few_keys : 2 * table_.size(), 0);
    old.swap(table_);
    count_ = 0;
    // An address differs from run to run, so nobody can prepare keys that all fall into one slot.
    multiplier_ = reinterpret_cast<uintptr_t>(table_.data()) * 0x9e3779b97f4a7c15u | 1u;
    for (const std::vector<uint64_t> &hashes : {std::cref(old), std::cref(few_)})
        for (const uint64_t hash : hashes)
            if (hash != 0)
                place(hash);
    few_.clear();
}

void JsonKeys::clear() {
    few_.clear();
    table_ = {};
    count_ = 0;
}

} // namespace hwa::base
