// SPDX-License-Identifier: MIT
// Forward reading through one buffer.
#include "plan/model/window.h"

#include "base/text.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace hwa::plan {

using base::Status;

Window::Window(const Source &source, uint64_t budget)
    : source_(source), buffer_(window_bytes), budget_(budget) {}

base::Error Window::fault(uint64_t at, const char *format, ...) const {
    va_list arguments;
    va_start(arguments, format);
    const std::string what = base::vformat(format, arguments);
    va_end(arguments);
    return base::error(Status::Parse, "%s: byte %llu: %s", source_.name.c_str(),
                       static_cast<unsigned long long>(at), what.c_str());
}

/// Makes at least `bytes` (at most a window) lie in the buffer from at_ on.
base::Done Window::refill(size_t bytes) {
    const uint64_t from = offset();
    const size_t left = filled_ > at_ ? filled_ - at_ : 0;
    std::memmove(buffer_.data(), buffer_.data() + at_, left);
    start_ = from;
    at_ = 0;
    filled_ = left;
    const std::span<char> rest(buffer_.data() + left, buffer_.size() - left);
    HWA_TRY(const size_t got, source_.read(from + left, rest));
    filled_ += got;
    if (got > budget_)
        return fault(from, "the header is too long to be one");
    budget_ -= got;
    if (filled_ < bytes)
        return fault(from, "the file ended while it was read");
    return {};
}

base::Done Window::need(uint64_t bytes, const char *what) {
    if (bytes > remaining())
        return fault(offset(), "the file ends here, in the middle of %s", what);
    if (filled_ < at_ + bytes)
        return refill(static_cast<size_t>(bytes));
    return {};
}

template <class T> T Window::load() const {
    T value = 0;
    std::memcpy(&value, buffer_.data() + at_, sizeof value);
    if constexpr (std::endian::native == std::endian::big)
        value = sizeof value == 8 ? static_cast<T>(__builtin_bswap64(value))
                                  : static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
    return value;
}

template <class T> base::Result<T> Window::number() {
    HWA_CHECK(need(sizeof(T), "a number"));
    const T value = load<T>();
    at_ += sizeof(T);
    return value;
}

base::Result<uint64_t> Window::bits(uint32_t bytes) {
    HWA_CHECK(need(bytes, "a number"));
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | static_cast<unsigned char>(buffer_[at_ + i]);
    at_ += bytes;
    return value;
}

base::Done Window::skip(uint64_t bytes) {
    if (bytes > remaining())
        return fault(offset(), "%llu bytes are announced here, and %llu are left in the file",
                     static_cast<unsigned long long>(bytes),
                     static_cast<unsigned long long>(remaining()));
    if (bytes <= filled_ - at_) {
        at_ += static_cast<size_t>(bytes);
        return {};
    }
    start_ = offset() + bytes;
    at_ = filled_ = 0;
    return {};
}

base::Result<uint64_t> Window::text_length(uint64_t limit) {
    const uint64_t at = offset();
    HWA_TRY(const uint64_t length, u64());
    if (length > remaining())
        return fault(at, "a text of %llu bytes is announced, and %llu are left in the file",
                     static_cast<unsigned long long>(length),
                     static_cast<unsigned long long>(remaining()));
    if (length > limit)
        return fault(at, "a text of %llu bytes is announced, more than the %llu allowed",
                     static_cast<unsigned long long>(length),
                     static_cast<unsigned long long>(limit));
    return length;
}

base::Done Window::skip_texts(uint64_t count, uint64_t limit) {
    for (uint64_t i = 0; i < count; ++i) {
        // Vocabularies have some 400,000 texts, most of which lie whole in the buffer.
        if (filled_ - at_ >= sizeof(uint64_t)) {
            const uint64_t length = load<uint64_t>();
            if (length <= filled_ - at_ - sizeof(uint64_t) && length <= limit) {
                at_ += sizeof(uint64_t) + static_cast<size_t>(length);
                continue;
            }
        }
        HWA_TRY(const uint64_t length, text_length(limit));
        HWA_CHECK(skip(length));
    }
    return {};
}

base::Result<std::string> Window::text(uint64_t limit) {
    HWA_TRY(uint64_t left, text_length(limit));
    std::string made;
    made.reserve(left);
    while (left > 0) {
        const size_t piece = static_cast<size_t>(std::min<uint64_t>(left, window_bytes));
        HWA_CHECK(need(piece, "a text"));
        made.append(buffer_.data() + at_, piece);
        at_ += piece;
        left -= piece;
    }
    return made;
}

template base::Result<uint32_t> Window::number<uint32_t>();
template base::Result<uint64_t> Window::number<uint64_t>();

} // namespace hwa::plan
