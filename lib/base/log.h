// SPDX-License-Identifier: MIT
// Log: a level test and one finished line handed to the caller's function.
#pragma once

#include <cstdint>
#include <memory>

namespace hwa::base {

enum class LogLevel : int32_t { None = 0, Error = 1, Warning = 2, Info = 3, Debug = 4 };

/// The caller's log function and its hook for release, which runs when the last owner is gone.
class LogSink {
  public:
    using Write = void (*)(void *user, LogLevel level, const char *backend, const char *message);
    using Release = void (*)(void *user);

    LogSink(LogLevel level, Write write, void *user, Release release)
        : level_(level), write_(write), user_(user), release_(release) {}
    ~LogSink() {
        if (release_ != nullptr)
            release_(user_);
    }
    LogSink(const LogSink &) = delete;
    LogSink &operator=(const LogSink &) = delete;

    bool wants(LogLevel level) const { return write_ != nullptr && level <= level_; }
    void line(LogLevel level, const char *backend, const char *format, ...) const
        __attribute__((format(printf, 4, 5)));

  private:
    LogLevel level_;
    Write write_;
    void *user_;
    Release release_;
};

/// Shared by a system and all that is made from it; NULL is silence.
using Log = std::shared_ptr<const LogSink>;

} // namespace hwa::base

/// Writes one line if anybody listens at that level; the arguments are not evaluated otherwise.
#define HWA_LOG(log, level, backend, ...)                                                          \
    do {                                                                                           \
        if ((log) != nullptr && (log)->wants(level))                                               \
            (log)->line(level, backend, __VA_ARGS__);                                              \
    } while (false)
