// SPDX-License-Identifier: MIT
// Status, Error and Result: how every fallible function inside the library answers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace hwa::base {

/// The values of hwa_status_t; lib/capi/enums.cpp asserts that they agree.
enum class Status : int32_t {
    Ok = 0,
    Invalid = 1,
    Range = 2,
    NotFound = 3,
    Unsupported = 4,
    Unavailable = 5,
    Denied = 6,
    Timeout = 7,
    HostMemory = 8,
    DeviceMemory = 9,
    NoFit = 10,
    Parse = 11,
    Io = 12,
    Driver = 13,
    Lost = 14,
    Cancelled = 15,
    Forked = 16,
    Internal = 17,
    Build = 18,
    Ambiguous = 19,
    Crashed = 20,
};

/// Short lower-case name; "unknown status" for a value this version does not know.
const char *status_name(Status status);

/// A failure: what kind, the foreign code behind it, and one sentence for people. Its special
/// members are defined once, out of line: every function that can fail would hold a copy of them.
struct Error {
    Error();
    Error(Status status, int32_t code, std::string backend, std::string message);
    Error(const Error &other);
    Error(Error &&other) noexcept;
    Error &operator=(const Error &other);
    Error &operator=(Error &&other) noexcept;
    ~Error();

    Status status = Status::Internal;
    int32_t code = 0; ///< errno or the vendor's result code
    std::string backend;
    std::string message;
};

/// An Error with a printf-formatted sentence.
Error error(Status status, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));

/// An Error of the operating system: the status that fits `code`, which is an errno.
Error os_error(int code, const char *format, ...) __attribute__((cold, format(printf, 2, 3)));

/// A value or the reason why there is none. Never thrown, never ignored.
template <class T> class [[nodiscard]] Result {
  public:
    Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

    explicit operator bool() const { return state_.index() == 0; }
    T &operator*() { return *std::get_if<0>(&state_); }
    const T &operator*() const { return *std::get_if<0>(&state_); }
    T *operator->() { return std::get_if<0>(&state_); }
    const T *operator->() const { return std::get_if<0>(&state_); }
    Error &error() { return *std::get_if<1>(&state_); }
    const Error &error() const { return *std::get_if<1>(&state_); }

  private:
    std::variant<T, Error> state_;
};

/// Success or the reason why not.
template <> class [[nodiscard]] Result<void> {
  public:
    /// Not defaulted: `return {};` would clear all of it first.
    Result() {}
    Result(Error error) : error_(std::move(error)) {}

    explicit operator bool() const { return !error_; }
    Error &error() { return *error_; }
    const Error &error() const { return *error_; }

  private:
    std::optional<Error> error_;
};

using Done = Result<void>;

} // namespace hwa::base

#define HWA_JOIN_(a, b) a##b
#define HWA_JOIN(a, b) HWA_JOIN_(a, b)

/// `HWA_TRY(auto x, f());` declares x from the value of f(), or returns its error.
#define HWA_TRY(declaration, expression)                                                           \
    auto HWA_JOIN(result_, __LINE__) = (expression);                                               \
    if (!HWA_JOIN(result_, __LINE__))                                                              \
        return std::move(HWA_JOIN(result_, __LINE__).error());                                     \
    declaration = std::move(*HWA_JOIN(result_, __LINE__))

/// Returns the error of `expression`, if it has one.
#define HWA_CHECK(expression)                                                                      \
    do {                                                                                           \
        if (auto checked_ = (expression); !checked_)                                               \
            return std::move(checked_.error());                                                    \
    } while (false)
