// SPDX-License-Identifier: MIT
// Json: a document of at most 4 MiB as a tree with typed, path-naming getters; JsonWriter: the one
// way the library writes JSON.
#pragma once

#include "base/json_pull.h"
#include "base/status.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct cJSON;

namespace hwa::base {

/// A value inside a JsonDocument, valid as long as the document. Its getters check the type and
/// name the place (`config.json: $.devices[2].kind: ...`) when it is not what was asked for.
class JsonValue {
  public:
    bool is_null() const;
    bool is_object() const;
    bool is_array() const;
    bool is_text() const;
    bool is_number() const;
    bool is_bool() const;

    /// The member of that key; nothing if it is absent, null, or this is no object.
    std::optional<JsonValue> find(std::string_view key) const;
    /// The member of that key, or an error that names what is missing.
    Result<JsonValue> require(std::string_view key) const;
    /// Members of an object or elements of an array, in order; none of anything else.
    std::vector<JsonValue> children() const;
    /// Key of a member, "" of an element.
    std::string_view key() const;

    Result<uint64_t> u64() const; ///< a whole number from 0 to 2^53 - 1
    Result<int64_t> i64() const;  ///< a whole number within 2^53 - 1 of 0
    Result<double> real() const;
    Result<std::string> text() const;
    Result<bool> boolean() const;

    /// `name: $.path`, for the caller's own complaints about the value.
    std::string place() const;
    /// A Parse error at that place.
    Error error(const char *format, ...) const __attribute__((format(printf, 2, 3)));

  private:
    friend class JsonDocument;
    struct Tree;
    JsonValue(const cJSON *node, const Tree *tree) : node_(node), tree_(tree) {}
    Result<double> whole(double least, const char *wanted) const;

    const cJSON *node_;
    const Tree *tree_;
};

/// A whole document, checked by JsonPull before cJSON sees it.
class JsonDocument {
  public:
    /// `name` is what errors call it: a path, or such as "system".
    static Result<JsonDocument> parse(std::string_view name, std::string_view text);
    JsonDocument(JsonDocument &&other) noexcept;
    JsonDocument &operator=(JsonDocument &&other) noexcept;
    ~JsonDocument();

    JsonValue root() const;

  private:
    explicit JsonDocument(std::unique_ptr<JsonValue::Tree> tree);
    std::unique_ptr<JsonValue::Tree> tree_;
};

/// Builds a text; commas, quotes, escapes and indentation are its own business.
class JsonWriter {
  public:
    /// `indent` spaces a level; 0 writes one line.
    explicit JsonWriter(int indent = 2) : indent_(indent) {}

    JsonWriter &begin_object();
    JsonWriter &end_object();
    JsonWriter &begin_array();
    JsonWriter &end_array();
    JsonWriter &key(std::string_view key);
    JsonWriter &text(std::string_view value);
    JsonWriter &u64(uint64_t value); ///< beyond 2^53 - 1 it is written as that bound
    JsonWriter &i64(int64_t value);
    JsonWriter &real(double value); ///< null when it is not finite
    JsonWriter &boolean(bool value);
    JsonWriter &null();

    /// The finished text; the writer is empty afterwards.
    std::string take();

  private:
    JsonWriter &begin(char bracket);
    JsonWriter &end(char bracket);
    JsonWriter &word(std::string_view word);
    void before_value();
    void new_line();
    void quoted(std::string_view value);

    std::string out_;
    int indent_;
    std::vector<bool> filled_; ///< for each open bracket: has it anything in it yet
    bool after_key_ = false;
};

} // namespace hwa::base
