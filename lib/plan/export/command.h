// SPDX-License-Identifier: MIT
// Command: a command line for a POSIX shell, one option a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::plan {

/// A word that the shell takes as this very text.
std::string shell_word(std::string_view text);

/// A word that the caller has to say: the value of a variable, and a sentence where it is not set.
/// `what` is printed in it as it is, less what a shell would act on.
std::string shell_wanted(std::string_view variable, std::string_view what);

/// Words given to add() are quoted already; values given to option() are not.
class Command {
  public:
    Command &set(std::string_view variable, std::string value); ///< for its environment; quoted
    Command &add(std::string word);
    Command &option(std::string_view name); ///< a flag
    Command &option(std::string_view name, std::string_view value);
    Command &option(std::string_view name, uint64_t value);
    /// The same with a value that is a word already.
    Command &option_word(std::string_view name, std::string_view word);

    /// Ends in a line end.
    std::string text() const;

  private:
    std::vector<std::string> parts_;
    size_t environment_ = 0; ///< of the parts, how many come before the program
};

} // namespace hwa::plan
