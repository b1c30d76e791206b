// SPDX-License-Identifier: MIT
// JsonPull: the strict scanner all JSON passes through, one token at a time, in bounded memory.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::base {

/// What a document may cost before it is refused.
struct JsonLimits {
    uint64_t bytes = uint64_t{4} << 20;
    uint32_t depth = 64;
    uint32_t values = 1000000;
    uint32_t string_bytes = 1 << 20;
};

enum class JsonToken { ObjectBegin, ObjectEnd, ArrayBegin, ArrayEnd, Key, Text, Number, True, False, Null, End };

/// Reads one document from a source that hands out bytes in pieces. Refuses what RFC 8259 refuses,
/// and duplicate keys, integers beyond 2^53 - 1, numbers that are not finite, and NUL in strings.
/// Every error names the document, the byte and the key path.
class JsonPull {
  public:
    /// Puts the next bytes into `into` and tells how many; 0 at the end.
    using Source = std::function<Result<size_t>(std::span<char> into)>;

    JsonPull(std::string name, Source source, JsonLimits limits = {});
    /// Over text in memory, which must outlive the reader.
    JsonPull(std::string name, std::string_view text, JsonLimits limits = {});

    Result<JsonToken> next();
    /// Of the last token: a decoded key or string, or a number as written.
    const std::string &text() const { return text_; }
    /// Reads past the rest of the value that the last token began.
    Done skip();
    /// Bytes consumed so far.
    uint64_t offset() const { return offset_; }
    /// Where the reader is, such as `config.json: byte 17: $.layers`.
    std::string place() const;
  private: // to be filled by the implementation
    std::string text_;
    uint64_t offset_ = 0;
};

} // namespace hwa::base
