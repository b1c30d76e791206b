// SPDX-License-Identifier: MIT
// Screen: where data goes (stdout, whole, at the end) and where messages go (stderr, at once).
#pragma once

#include "exit.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hwa::tool {

/// The few looks there are; colour repeats what the words say and never says it alone.
enum class Look { Plain, Heading, Strong, Faint, Name, Good, Warn, Bad };

/// When to colour.
enum class Colour { Auto, Always, Never };

class Screen {
  public:
    /// Wide: as many columns as the data takes.
    Screen(Colour colour, bool wide);

    /// Text in a look, if this screen has colours. The text is shown as it is.
    std::string paint(Look look, std::string_view text) const;

    void print(std::string_view text) { out_ += text; }
    /// One line, cut at the screen's edge.
    void line(std::string_view text = {}, Look look = Look::Plain);
    /// A paragraph broken at blanks, beside its lead, such as a bullet.
    void paragraph(std::string_view text, std::string_view lead = {}, Look look = Look::Plain);

    /// The same beside a lead that is painted already and takes so many columns.
    void beside(std::string_view lead, size_t lead_columns, std::string_view text, Look look);

    /// Writes what was printed. A reader that has gone is no failure.
    int finish(int exit);

    /// Writes it now, as finish() does; nothing while there is more to come, else the exit status.
    std::optional<int> flush();

    size_t width() const { return width_; }
    /// Rows of the terminal, where stdout is one that can be written over; 0: it cannot.
    size_t height() const;
    bool wide() const { return wide_; }

  private:
    std::string out_;
    size_t width_;
    bool wide_;
    bool colour_;
};

/// "hwa: error: …" and, on a second line, what to do next; returns the exit status for `return`.
int fail(Exit exit, std::string_view sentence, std::string_view hint);
/// "hwa: warning: …".
void warn(std::string_view sentence);

/// Makes descriptors 0 to 2 exist, so that no file opened later takes their place, and has a
/// reader's leaving reported by write.
void prepare_streams();

} // namespace hwa::tool
