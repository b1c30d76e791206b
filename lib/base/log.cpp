// SPDX-License-Identifier: MIT
// Formats a line and hands it to the caller's function.
#include "base/log.h"

#include "base/text.h"

namespace hwa::base {

void LogSink::line(LogLevel level, const char *backend, const char *format, ...) const {
    va_list arguments;
    va_start(arguments, format);
    const std::string text = vformat(format, arguments);
    va_end(arguments);
    write_(user_, level, backend, text.c_str());
}

} // namespace hwa::base
