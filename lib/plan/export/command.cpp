// SPDX-License-Identifier: MIT
// A command line for a POSIX shell.
#include "plan/export/command.h"

namespace hwa::plan {

static bool is_plain(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') ||
           std::string_view("_-./,:+=@").find(letter) != std::string_view::npos;
}

std::string shell_word(std::string_view text) {
    bool plain = !text.empty();
    for (const char letter : text)
        plain = plain && is_plain(letter);
    if (plain)
        return std::string(text);
    std::string word = "'";
    for (const char letter : text)
        word += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return word + "'";
}

std::string shell_wanted(std::string_view variable, std::string_view what) {
    std::string word = "\"${" + std::string(variable) + ":?";
    for (const char letter : what)
        word += is_plain(letter) || letter == ' ' ? letter : '_';
    return word + "}\"";
}

Command &Command::set(std::string_view variable, std::string value) {
    parts_.insert(parts_.begin() + static_cast<std::ptrdiff_t>(environment_),
                  std::string(variable) + "=" + std::move(value));
    ++environment_;
    return *this;
}

Command &Command::add(std::string word) {
    parts_.push_back(std::move(word));
    return *this;
}

Command &Command::option(std::string_view name) {
    return add(std::string(name));
}

Command &Command::option(std::string_view name, std::string_view value) {
    return option_word(name, shell_word(value));
}

Command &Command::option(std::string_view name, uint64_t value) {
    return option_word(name, std::to_string(value));
}

Command &Command::option_word(std::string_view name, std::string_view word) {
    return add(std::string(name) + " " + std::string(word));
}

std::string Command::text() const {
    std::string text;
    for (size_t i = 0; i < parts_.size(); ++i)
        text += (i == 0 ? "" : " \\\n") + std::string(i > environment_ ? "  " : "") + parts_[i];
    return text + "\n";
}

} // namespace hwa::plan
