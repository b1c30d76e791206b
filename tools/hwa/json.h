// SPDX-License-Identifier: MIT
// JSON of the tool's own answers, and the parts it takes over from the library's documents.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hwa::tool {

/// Writes one object, members in the order they come: indented by two, or all in one line.
class Json {
  public:
    explicit Json(bool one_line = false);

    Json &open(const char *key); ///< an object; key NULL inside a list
    Json &open_list(const char *key);
    Json &close();                                  ///< the innermost object or list
    Json &text(const char *key, const char *value); ///< NULL becomes null
    Json &text(const char *key, const std::string &value) { return text(key, value.c_str()); }
    Json &integer(const char *key, uint64_t value);
    Json &real(const char *key, double value); ///< not finite becomes null
    Json &boolean(const char *key, bool value);
    Json &null(const char *key);
    /// A value that is JSON already.
    Json &raw(const char *key, std::string_view value);

    /// The finished document, ending in a line end.
    std::string finish();

  private:
    void lead(const char *key);
    void indent();
    void quote(std::string_view value);

    std::string out_;
    std::string closers_;
    bool first_ = true;
    bool one_line_;
};

/// The value of a member of the object that valid JSON text holds, as text; empty if it has none.
std::string_view json_member(std::string_view object, std::string_view key);

/// The element at an index of a list, as text; empty past its end.
std::string_view json_element(std::string_view list, size_t index);

} // namespace hwa::tool
