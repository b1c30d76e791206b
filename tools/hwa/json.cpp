// SPDX-License-Identifier: MIT
// The writer escapes by RFC 8259; the slices walk documents that the library wrote, so are valid.
#include "json.h"

#include "text.h"

#include <charconv>
#include <cmath>

namespace hwa::tool {

Json::Json(bool one_line) : out_("{"), closers_("}"), one_line_(one_line) {}

void Json::indent() {
    if (one_line_)
        return;
    out_ += '\n';
    out_.append(2 * closers_.size(), ' ');
}

void Json::lead(const char *key) {
    out_ += first_ ? "" : one_line_ ? ", " : ",";
    indent();
    first_ = false;
    if (key != nullptr) {
        quote(key);
        out_ += ": ";
    }
}

void Json::quote(std::string_view value) {
    out_ += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\')
            out_ += {'\\', c};
        else if (c == '\n')
            out_ += "\\n";
        else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            out_ += format("\\u%04x", static_cast<unsigned>(c));
        else
            out_ += c;
    }
    out_ += '"';
}

Json &Json::open(const char *key) {
    lead(key);
    out_ += '{';
    closers_ += '}';
    first_ = true;
    return *this;
}

Json &Json::open_list(const char *key) {
    lead(key);
    out_ += '[';
    closers_ += ']';
    first_ = true;
    return *this;
}

Json &Json::close() {
    const char closer = closers_.back();
    closers_.pop_back();
    if (!first_)
        indent();
    out_ += closer;
    first_ = false;
    return *this;
}

Json &Json::text(const char *key, const char *value) {
    if (value == nullptr)
        return null(key);
    lead(key);
    quote(value);
    return *this;
}

Json &Json::integer(const char *key, uint64_t value) {
    return raw(key, std::to_string(value));
}

Json &Json::real(const char *key, double value) {
    if (!std::isfinite(value))
        return null(key);
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    return raw(key, {digits, static_cast<size_t>(end - digits)});
}

Json &Json::boolean(const char *key, bool value) {
    return raw(key, value ? "true" : "false");
}

Json &Json::null(const char *key) {
    return raw(key, "null");
}

Json &Json::raw(const char *key, std::string_view value) {
    lead(key);
    out_ += value;
    return *this;
}

std::string Json::finish() {
    while (!closers_.empty())
        close();
    return out_ + "\n";
}

namespace {

constexpr std::string_view blanks = " \t\r\n";

size_t skip_blanks(std::string_view text, size_t at) {
    return std::min(text.find_first_not_of(blanks, at), text.size());
}

/// Past the string that starts at a quote.
size_t skip_string(std::string_view text, size_t at) {
    for (++at; at < text.size() && text[at] != '"'; ++at)
        if (text[at] == '\\')
            ++at;
    return std::min(at + 1, text.size());
}

/// Past the value that starts there.
size_t skip_value(std::string_view text, size_t at) {
    size_t depth = 0;
    while (at < text.size()) {
        const char c = text[at];
        if (depth == 0 && (c == ',' || c == '}' || c == ']' || blanks.find(c) != blanks.npos))
            break;
        if (c == '{' || c == '[')
            ++depth;
        else if (c == '}' || c == ']')
            --depth;
        at = c == '"' ? skip_string(text, at) : at + 1;
        if (depth == 0 && (c == '"' || c == '}' || c == ']'))
            break;
    }
    return at;
}

/// Past blanks and one separator, if there is one.
size_t skip_to_next(std::string_view text, size_t at) {
    at = skip_blanks(text, at);
    return at < text.size() && (text[at] == ',' || text[at] == ':') ? skip_blanks(text, at + 1)
                                                                    : at;
}

} // namespace

std::string_view json_member(std::string_view object, std::string_view key) {
    size_t at = skip_blanks(object, skip_blanks(object, 0) + 1);
    while (at < object.size() && object[at] == '"') {
        const size_t key_end = skip_string(object, at);
        const std::string_view name = object.substr(at + 1, key_end - at - 2);
        const size_t value = skip_to_next(object, key_end);
        const size_t end = skip_value(object, value);
        if (name == key)
            return object.substr(value, end - value);
        at = skip_to_next(object, end);
    }
    return {};
}

std::string_view json_element(std::string_view list, size_t index) {
    size_t at = skip_blanks(list, skip_blanks(list, 0) + 1);
    while (at < list.size() && list[at] != ']') {
        const size_t end = skip_value(list, at);
        if (index-- == 0)
            return list.substr(at, end - at);
        at = skip_to_next(list, end);
    }
    return {};
}

} // namespace hwa::tool
