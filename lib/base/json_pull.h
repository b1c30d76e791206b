// SPDX-License-Identifier: MIT
// JsonPull: the strict scanner all JSON passes through, one token at a time, in bounded memory.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <functional>
#include <optional>
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

/// The largest whole number a document may hold: what every reader of JSON keeps exactly.
inline constexpr uint64_t json_integer_limit = (uint64_t{1} << 53) - 1;

enum class JsonToken {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Key,
    Text,
    Number,
    True,
    False,
    Null,
    End
};

/// Remembers the keys of one object by their hashes, so that a second use of one is noticed.
class JsonKeys {
  public:
    /// False if the key was there already.
    bool add(std::string_view key);
    void clear();

  private:
    bool place(uint64_t hash);
    void grow();

    std::vector<uint64_t> few_;   ///< hashes in order of arrival, until there are many
    std::vector<uint64_t> table_; ///< open addressing; 0 is an empty slot
    size_t count_ = 0;            ///< in table_
    uint64_t multiplier_ = 1;     ///< that picks the slots
};

/// Reads one document from a source that hands out bytes in pieces. Refuses what RFC 8259 refuses,
/// and duplicate keys, integers beyond 2^53 - 1, numbers that are not finite or longer than 63
/// characters, and NUL in strings. Every error names the document, the byte and the key path.
class JsonPull {
  public:
    /// Puts the next bytes into `into` and tells how many; 0 at the end.
    using Source = std::function<Result<size_t>(std::span<char> into)>;

    JsonPull(std::string name, Source source, JsonLimits limits = {});
    /// Over text in memory, which must outlive the reader.
    JsonPull(std::string name, std::string_view text, JsonLimits limits = {});
    JsonPull(JsonPull &&) = default;
    JsonPull &operator=(JsonPull &&) = default;

    /// The next token. After End comes End again; after an error, the same error.
    Result<JsonToken> next();
    /// Of the last token: a decoded key or string, or a number as written.
    const std::string &text() const { return text_; }
    /// Reads past the rest of the value that the last token began; after a key, past its value.
    Done skip();
    /// Bytes consumed so far.
    uint64_t offset() const { return before_ + static_cast<uint64_t>(at_ - begin_); }
    /// Values met so far, as JsonLimits counts them.
    uint32_t values() const { return values_; }
    /// Where the reader is, such as `config.json: byte 17: $.layers`.
    std::string place() const;

  private:
    enum class Expect { Value, FirstValue, FirstKey, Separator, Nothing };
    /// An open bracket.
    struct Frame {
        bool object = false;
        uint64_t index = 0; ///< of the element under way
        std::string key;    ///< of the member under way, its first bytes
        JsonKeys keys;
    };

    // All return false after a failure, which is then in failure_.
    bool fail(const char *format, ...) __attribute__((format(printf, 2, 3)));
    bool refill();
    bool more() { return at_ != end_ || refill(); }
    bool blanks();
    bool step(JsonToken &token);
    bool separator(JsonToken &token);
    bool value(JsonToken &token);
    bool open(bool object, JsonToken &token);
    bool close(JsonToken &token);
    bool key(JsonToken &token);
    bool word(std::string_view rest, const char *wanted);
    bool string();
    bool append(const char *bytes, size_t count);
    bool escape();
    bool hex4(uint32_t &unit);
    bool sequence();
    bool number();
    bool digits();
    bool number_char(char c);
    bool check_number(bool whole);
    bool unexpected(const char *wanted);

    std::string name_;
    Source source_;
    JsonLimits limits_;
    std::vector<char> buffer_; ///< of a source; empty over text in memory
    const char *begin_ = nullptr;
    const char *at_ = nullptr;
    const char *end_ = nullptr;
    uint64_t before_ = 0; ///< bytes of the document before begin_
    bool ended_ = false;  ///< the source has no more

    std::string text_;
    std::vector<Frame> frames_; ///< the first depth_ are open; the rest keep their memory
    size_t depth_ = 0;
    uint32_t values_ = 0;
    Expect expect_ = Expect::Value;
    JsonToken last_ = JsonToken::End;
    std::optional<Error> failure_;
};

} // namespace hwa::base
