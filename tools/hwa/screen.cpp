// SPDX-License-Identifier: MIT
// Colour by no-color.org and bixense.com/clicolors; width by COLUMNS, else by the terminal.
#include "screen.h"

#include "text.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace hwa::tool {

namespace {

constexpr size_t unlimited = SIZE_MAX;
bool stdout_was_closed = false;

bool is_set(const char *name) {
    const char *value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

bool wants_colour(Colour colour) {
    if (colour != Colour::Auto)
        return colour == Colour::Always;
    if (is_set("NO_COLOR"))
        return false;
    if (const char *force = std::getenv("CLICOLOR_FORCE"))
        if (*force != '\0' && std::strcmp(force, "0") != 0)
            return true;
    const char *term = std::getenv("TERM");
    return isatty(STDOUT_FILENO) == 1 && term != nullptr && *term != '\0' &&
           std::strcmp(term, "dumb") != 0;
}

size_t find_width() {
    if (const char *text = std::getenv("COLUMNS")) {
        unsigned value = 0;
        const char *end = text + std::strlen(text);
        const auto parsed = std::from_chars(text, end, value);
        if (parsed.ec == std::errc() && parsed.ptr == end && value > 0)
            return value;
    }
    winsize size = {};
    if (isatty(STDOUT_FILENO) != 1)
        return unlimited;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

const char *code(Look look) {
    switch (look) {
    case Look::Plain:
        return "";
    case Look::Heading:
    case Look::Strong:
        return "\033[1m";
    case Look::Faint:
        return "\033[2m";
    case Look::Name:
        return "\033[36m";
    case Look::Good:
        return "\033[32m";
    case Look::Warn:
        return "\033[33m";
    case Look::Bad:
        return "\033[31m";
    }
    return "";
}

} // namespace

Screen::Screen(Colour colour, bool wide)
    : width_(wide ? unlimited : find_width()), wide_(wide), colour_(wants_colour(colour)) {}

std::string Screen::paint(Look look, std::string_view text) const {
    if (!colour_ || look == Look::Plain || text.empty())
        return std::string(text);
    return code(look) + std::string(text) + "\033[0m";
}

void Screen::line(std::string_view text, Look look) {
    out_ += paint(look, clip(text, width_));
    out_ += '\n';
}

void Screen::paragraph(std::string_view text, std::string_view lead, Look look) {
    beside(clip(lead, width_), columns(lead), text, look);
}

void Screen::beside(std::string_view lead, size_t lead_columns, std::string_view text, Look look) {
    // Prose is the one thing that is broken over lines, and on a wide screen not far apart.
    constexpr size_t readable = 100;
    const size_t limit = width_ == unlimited || width_ < readable ? width_ : readable;
    std::string margin(lead);
    std::string row;
    const auto flush = [&] {
        out_ += margin + paint(look, clip(row, limit - std::min(lead_columns, limit))) + '\n';
        margin.assign(std::min(lead_columns, width_), ' ');
        row.clear();
    };
    for (const std::string &word : split(text, ' ')) {
        if (!row.empty() && lead_columns + columns(row) + 1 + columns(word) > limit)
            flush();
        row += (row.empty() ? "" : " ") + word;
    }
    if (!row.empty())
        flush();
}

std::optional<int> Screen::flush() {
    int error = stdout_was_closed && !out_.empty() ? EBADF : 0;
    for (size_t done = 0; error == 0 && done < out_.size();) {
        const ssize_t wrote = write(STDOUT_FILENO, out_.data() + done, out_.size() - done);
        if (wrote >= 0)
            done += static_cast<size_t>(wrote);
        else if (errno != EINTR)
            error = errno;
    }
    out_.clear();
    if (error == 0)
        return std::nullopt;
    if (error == EPIPE)
        return ExitDone;
    return fail(ExitFailed, std::string("cannot write the output: ") + std::strerror(error),
                "see that the place it goes to has room and can be written");
}

int Screen::finish(int exit) {
    const std::optional<int> ended = flush();
    return ended && *ended != ExitDone ? *ended : exit;
}

size_t Screen::height() const {
    const char *term = std::getenv("TERM");
    winsize size = {};
    if (isatty(STDOUT_FILENO) != 1 || term == nullptr || std::strcmp(term, "dumb") == 0)
        return 0;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
}

int fail(Exit exit, std::string_view sentence, std::string_view hint) {
    const std::string shown = printable(sentence);
    std::fprintf(stderr, "hwa: error: %s\n", shown.c_str());
    if (!hint.empty())
        std::fprintf(stderr, "hwa: next: %s\n", printable(hint).c_str());
    return exit;
}

void warn(std::string_view sentence) {
    std::fprintf(stderr, "hwa: warning: %s\n", printable(sentence).c_str());
}

void prepare_streams() {
    for (int descriptor = 0; descriptor <= 2; ++descriptor) {
        if (fcntl(descriptor, F_GETFD) != -1)
            continue;
        stdout_was_closed = stdout_was_closed || descriptor == STDOUT_FILENO;
        if (open("/dev/null", O_RDWR) == -1)
            _exit(ExitFailed);
    }
    std::signal(SIGPIPE, SIG_IGN);
}

} // namespace hwa::tool
