// SPDX-License-Identifier: MIT
// Window: a file read front to back through one buffer, with every length checked against the file.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace hwa::plan {

/// Bytes with a name and a size: a file, or memory in tests.
struct Source {
    std::string name;
    uint64_t size = 0;
    /// Puts bytes from `offset` on into the span; fewer only at the end.
    std::function<base::Result<size_t>(uint64_t offset, std::span<char> into)> read;
};

/// A little-endian reader of a Source. Reads forward only, in pieces of `window_bytes`, and never
/// more than `budget` bytes in all, so that holes in sparse files cannot keep it busy.
class Window {
  public:
    static constexpr size_t window_bytes = 64 * 1024;

    Window(const Source &source, uint64_t budget);

    /// Byte the next read starts at.
    uint64_t offset() const { return start_ + at_; }
    uint64_t remaining() const { return source_.size - offset(); }

    base::Result<uint32_t> u32() { return number<uint32_t>(); }
    base::Result<uint64_t> u64() { return number<uint64_t>(); }
    /// A number of 1, 2, 4 or 8 bytes, not extended by its sign.
    base::Result<uint64_t> bits(uint32_t bytes);
    /// Text with its length before it; `limit` bounds the length.
    base::Result<std::string> text(uint64_t limit);
    base::Done skip(uint64_t bytes);
    /// Passes over `count` texts, each with its length before it.
    base::Done skip_texts(uint64_t count, uint64_t limit);

    /// A Parse error at byte `at`.
    base::Error fault(uint64_t at, const char *format, ...) const
        __attribute__((format(printf, 3, 4)));

  private:
    template <class T> base::Result<T> number();
    base::Done need(uint64_t bytes, const char *what);
    base::Done refill(size_t bytes);
    /// The little-endian number of that type at at_, which is known to be there.
    template <class T> T load() const;
    base::Result<uint64_t> text_length(uint64_t limit);

    const Source &source_;
    std::vector<char> buffer_;
    uint64_t start_ = 0; ///< offset of buffer_[0]
    size_t at_ = 0;      ///< next byte in the buffer
    size_t filled_ = 0;
    uint64_t budget_;
};

} // namespace hwa::plan
