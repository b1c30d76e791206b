// SPDX-License-Identifier: MIT
// The grammar of RFC 8259 as a state machine over a window of bytes: brackets, keys and order.
#include "base/json_pull.h"

#include "base/text.h"

#include <algorithm>
#include <cstdarg>

namespace hwa::base {

static constexpr size_t buffer_bytes = 64 * 1024;
static constexpr size_t path_key_bytes = 64; ///< of each key, kept for messages
static constexpr size_t path_bytes = 200;    ///< of a path in a message; its end tells most

JsonPull::JsonPull(std::string name, Source source, JsonLimits limits)
    : name_(std::move(name)), source_(std::move(source)), limits_(limits), buffer_(buffer_bytes) {
    begin_ = at_ = end_ = buffer_.data();
}

JsonPull::JsonPull(std::string name, std::string_view text, JsonLimits limits)
    : name_(std::move(name)), limits_(limits) {
    begin_ = at_ = text.data();
    end_ = begin_ + std::min<uint64_t>(text.size(), limits_.bytes);
    source_ = [cut = text.size() > limits_.bytes](std::span<char>) -> Result<size_t> {
        return size_t{cut ? 1u : 0u};
    };
}

std::string JsonPull::place() const {
    std::string path;
    for (size_t i = 0; i < depth_; ++i) {
        const Frame &frame = frames_[i];
        if (!frame.object)
            path += format("[%llu]", static_cast<unsigned long long>(frame.index));
        else if (!frame.key.empty())
            path.append(".").append(sanitise(frame.key, path_key_bytes));
    }
    if (path.size() > path_bytes)
        path = "..." + sanitise(std::string_view(path).substr(path.size() - path_bytes));
    return format("%s: byte %llu: $%s", name_.c_str(), static_cast<unsigned long long>(offset()),
                  path.c_str());
}

bool JsonPull::fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    failure_ = Error{Status::Parse, 0, {}, place().append(": ").append(vformat(format, arguments))};
    va_end(arguments);
    return false;
}

/// Fetches the next bytes; false at the end of the document too, then without a failure.
bool JsonPull::refill() {
    if (ended_ || failure_)
        return false;
    before_ += static_cast<uint64_t>(end_ - begin_);
    at_ = end_ = begin_;
    Result<size_t> got = source_(buffer_);
    if (!got) {
        failure_ = std::move(got.error());
        return false;
    }
    ended_ = *got == 0;
    if (ended_)
        return false;
    if (before_ + *got > limits_.bytes)
        return fail("is larger than %llu bytes", static_cast<unsigned long long>(limits_.bytes));
    end_ = begin_ + *got;
    return true;
}

bool JsonPull::blanks() {
    while (more()) {
        if (*at_ != ' ' && *at_ != '\n' && *at_ != '\r' && *at_ != '\t')
            return true;
        ++at_;
    }
    return !failure_;
}

bool JsonPull::unexpected(const char *wanted) {
    if (!more())
        return failure_ ? false : fail("the text ends where %s should be", wanted);
    const auto byte = static_cast<unsigned char>(*at_);
    if (byte > 0x20 && byte < 0x7f)
        return fail("found '%c' where %s should be", *at_, wanted);
    return fail("found byte 0x%02x where %s should be", byte, wanted);
}

Result<JsonToken> JsonPull::next() {
    JsonToken token = JsonToken::End;
    if (!failure_ && blanks() && step(token)) {
        last_ = token;
        return token;
    }
    return Error(*failure_);
}

bool JsonPull::step(JsonToken &token) {
    switch (expect_) {
    case Expect::FirstValue:
        return more() && *at_ == ']' ? close(token) : value(token);
    case Expect::FirstKey:
        return more() && *at_ == '}' ? close(token) : key(token);
    case Expect::Separator:
        return separator(token);
    case Expect::Nothing:
        token = JsonToken::End;
        return !more() && !failure_ ? true : unexpected("the end of the text");
    case Expect::Value:
        break;
    }
    return value(token);
}

/// What follows a member or an element: a comma and the next one, or the bracket that ends it.
bool JsonPull::separator(JsonToken &token) {
    Frame &frame = frames_[depth_ - 1];
    const char end = frame.object ? '}' : ']';
    if (more() && *at_ == end)
        return close(token);
    if (!more() || *at_ != ',')
        return unexpected(frame.object ? "',' or '}'" : "',' or ']'");
    ++at_;
    ++frame.index;
    return blanks() && (frame.object ? key(token) : value(token));
}

bool JsonPull::value(JsonToken &token) {
    if (!more())
        return unexpected("a value");
    if (++values_ > limits_.values)
        return fail("has more than %u values", limits_.values);
    expect_ = depth_ == 0 ? Expect::Nothing : Expect::Separator;
    switch (*at_) {
    case '{':
        return open(true, token);
    case '[':
        return open(false, token);
    case '"':
        token = JsonToken::Text;
        return string();
    case 't':
        token = JsonToken::True;
        return word("true", "true");
    case 'f':
        token = JsonToken::False;
        return word("false", "false");
    case 'n':
        token = JsonToken::Null;
        return word("null", "null");
    default:
        token = JsonToken::Number;
        return *at_ == '-' || (*at_ >= '0' && *at_ <= '9') ? number() : unexpected("a value");
    }
}

bool JsonPull::open(bool object, JsonToken &token) {
    if (depth_ == limits_.depth)
        return fail("is nested more than %u deep", limits_.depth);
    if (frames_.size() == depth_)
        frames_.emplace_back();
    Frame &frame = frames_[depth_++];
    frame.object = object;
    frame.index = 0;
    frame.key.clear();
    ++at_;
    expect_ = object ? Expect::FirstKey : Expect::FirstValue;
    token = object ? JsonToken::ObjectBegin : JsonToken::ArrayBegin;
    return true;
}

bool JsonPull::close(JsonToken &token) {
    Frame &frame = frames_[--depth_];
    frame.keys.clear();
    ++at_;
    expect_ = depth_ == 0 ? Expect::Nothing : Expect::Separator;
    token = frame.object ? JsonToken::ObjectEnd : JsonToken::ArrayEnd;
    return true;
}

bool JsonPull::key(JsonToken &token) {
    if (!more() || *at_ != '"')
        return unexpected("a key in quotes");
    if (!string())
        return false;
    Frame &frame = frames_[depth_ - 1];
    frame.key.assign(text_, 0, path_key_bytes);
    if (!frame.keys.add(text_))
        return fail("the key is there twice");
    if (!blanks())
        return false;
    if (!more() || *at_ != ':')
        return unexpected("':'");
    ++at_;
    expect_ = Expect::Value;
    token = JsonToken::Key;
    return true;
}

bool JsonPull::word(std::string_view rest, const char *wanted) {
    for (const char c : rest) {
        if (!more() || *at_ != c)
            return unexpected(wanted);
        ++at_;
    }
    return true;
}

Done JsonPull::skip() {
    if (last_ == JsonToken::Key)
        HWA_CHECK(next());
    if (last_ != JsonToken::ObjectBegin && last_ != JsonToken::ArrayBegin)
        return {};
    const size_t outside = depth_ - 1;
    while (depth_ > outside)
        HWA_CHECK(next());
    return {};
}

} // namespace hwa::base
