// SPDX-License-Identifier: MIT
// JsonWriter: the text of a document, piece by piece.
#include "base/json.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace hwa::base {

void JsonWriter::new_line() {
    if (indent_ == 0)
        return;
    out_ += '\n';
    out_.append(filled_.size() * static_cast<size_t>(indent_), ' ');
}

/// The comma and the line end that come before a key or an element.
void JsonWriter::before_value() {
    if (after_key_) {
        after_key_ = false;
        return;
    }
    if (filled_.empty())
        return;
    if (filled_.back())
        out_ += ',';
    filled_.back() = true;
    new_line();
}

JsonWriter &JsonWriter::begin(char bracket) {
    before_value();
    out_ += bracket;
    filled_.push_back(false);
    return *this;
}

JsonWriter &JsonWriter::end(char bracket) {
    const bool filled = filled_.back();
    filled_.pop_back();
    if (filled)
        new_line();
    out_ += bracket;
    return *this;
}

JsonWriter &JsonWriter::begin_object() {
    return begin('{');
}
JsonWriter &JsonWriter::end_object() {
    return end('}');
}
JsonWriter &JsonWriter::begin_array() {
    return begin('[');
}
JsonWriter &JsonWriter::end_array() {
    return end(']');
}

JsonWriter &JsonWriter::key(std::string_view key) {
    before_value();
    quoted(key);
    out_ += indent_ == 0 ? ":" : ": ";
    after_key_ = true;
    return *this;
}

static std::string escaped(char c) {
    static constexpr std::string_view meanings = "\"\\\b\f\n\r\t";
    static constexpr std::string_view names = "\"\\bfnrt";
    const size_t index = meanings.find(c);
    if (index != std::string_view::npos)
        return {'\\', names[index]};
    return format("\\u%04x", static_cast<unsigned>(c));
}

/// What is no UTF-8, and NUL, which no reader of ours takes, becomes U+FFFD.
void JsonWriter::quoted(std::string_view value) {
    out_ += '"';
    while (!value.empty()) {
        const size_t length = utf8_sequence(value);
        const auto first = static_cast<unsigned char>(value[0]);
        if (length == 0 || first == 0)
            out_ += "\xef\xbf\xbd";
        else if (first < 0x20 || first == '"' || first == '\\')
            out_ += escaped(value[0]);
        else
            out_ += value.substr(0, length);
        value.remove_prefix(std::max<size_t>(length, 1));
    }
    out_ += '"';
}

JsonWriter &JsonWriter::word(std::string_view word) {
    before_value();
    out_ += word;
    return *this;
}

JsonWriter &JsonWriter::text(std::string_view value) {
    before_value();
    quoted(value);
    return *this;
}

JsonWriter &JsonWriter::u64(uint64_t value) {
    char digits[24];
    value = std::min(value, json_integer_limit);
    return word({digits, std::to_chars(digits, digits + sizeof digits, value).ptr});
}

JsonWriter &JsonWriter::i64(int64_t value) {
    constexpr auto limit = static_cast<int64_t>(json_integer_limit);
    char digits[24];
    value = std::clamp(value, -limit, limit);
    return word({digits, std::to_chars(digits, digits + sizeof digits, value).ptr});
}

JsonWriter &JsonWriter::real(double value) {
    if (!std::isfinite(value))
        return null();
    // Written without an exponent, a large one would read as an integer beyond the limit.
    if (std::fabs(value) <= static_cast<double>(json_integer_limit))
        return word(real_text(value));
    char digits[32];
    constexpr auto form = std::chars_format::scientific;
    return word({digits, std::to_chars(digits, digits + sizeof digits, value, form).ptr});
}

JsonWriter &JsonWriter::boolean(bool value) {
    return word(value ? "true" : "false");
}

JsonWriter &JsonWriter::null() {
    return word("null");
}

std::string JsonWriter::take() {
    filled_.clear();
    after_key_ = false;
    return std::exchange(out_, {});
}

} // namespace hwa::base
