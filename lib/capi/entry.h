// SPDX-License-Identifier: MIT
// What every public function does at its door: contain exceptions, check and size structs, report.
#pragma once

#include <hwa/hwa.h>

#include "base/status.h"

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace hwa::capi {

/// The largest struct_size taken seriously; the header's own structs are far smaller.
inline constexpr uint32_t struct_size_limit = 64 * 1024;

/// Writes a failure into the caller's record, if there is one, and gives its status.
hwa_status_t report(const base::Error &why, hwa_error_t *error) noexcept;

/// Runs `body`, which returns base::Done, and turns all that can go wrong into a status. The texts
/// of what was thrown are so short that they take no memory themselves.
template <class Body> hwa_status_t guarded(hwa_error_t *error, Body &&body) noexcept {
    try {
        const base::Done done = body();
        return done ? HWA_OK : report(done.error(), error);
    } catch (const std::bad_alloc &) {
        return report({base::Status::HostMemory, 0, {}, "no host memory"}, error);
    } catch (...) {
        return report({base::Status::Internal, 0, {}, "an exception"}, error);
    }
}

/// As guarded(), for functions that hand out an object: clears `*out` first. `take` comes before
/// all else, so that no release hook among the arguments is missed.
template <class T, class Take, class Body>
hwa_status_t hand_out(T **out, hwa_error_t *error, Take &&take, Body &&body) noexcept {
    if (out != nullptr)
        *out = nullptr;
    return guarded(error, [&]() -> base::Done {
        HWA_CHECK(take());
        if (out == nullptr)
            return base::error(base::Status::Invalid, "the out_ pointer is NULL");
        HWA_TRY(std::unique_ptr<T> made, body());
        *out = made.release();
        return {};
    });
}

template <class T, class Body>
hwa_status_t hand_out(T **out, hwa_error_t *error, Body &&body) noexcept {
    return hand_out(
        out, error, [] { return base::Done(); }, std::forward<Body>(body));
}

base::Error null_argument(const char *name);

/// An enumerator from a caller as the number it is. It may be none of its enumeration's values, and
/// C++ leaves open what loading such a one as an enumerator does.
template <class Enum> int32_t number(const Enum &given) noexcept {
    static_assert(sizeof(Enum) == sizeof(int32_t));
    int32_t value = 0;
    std::memcpy(&value, &given, sizeof value);
    return value;
}

/// A copy of a growing struct that the caller passed in; NULL is the default. Bytes this version
/// does not know must be zero.
template <class T> base::Result<T> take_in(const T *given, const char *name) {
    T taken = HWA_INIT(T);
    if (given == nullptr)
        return taken;
    const uint32_t size = given->struct_size;
    if (size < sizeof(uint32_t) || size > struct_size_limit)
        return base::error(base::Status::Invalid,
                           "%s: struct_size is %u; start the struct with HWA_INIT()", name, size);
    const char *bytes = reinterpret_cast<const char *>(given);
    for (size_t i = sizeof(T); i < size; ++i)
        if (bytes[i] != 0)
            return base::error(base::Status::Unsupported,
                               "%s: byte %zu is set, and this version knows only %zu bytes", name,
                               i, sizeof(T));
    std::memcpy(&taken, given, size < sizeof(T) ? size : sizeof(T));
    taken.struct_size = sizeof(T);
    return taken;
}

/// Fills a growing struct of the caller's size: what fits is copied, its tail zeroed.
template <class T> hwa_status_t fill_out(T *given, const T &full) noexcept {
    if (given == nullptr)
        return HWA_ERROR_INVALID;
    const uint32_t size = given->struct_size;
    if (size < sizeof(uint32_t) || size > struct_size_limit)
        return HWA_ERROR_INVALID;
    const size_t filled = size < sizeof(T) ? size : sizeof(T);
    std::memcpy(given, &full, filled);
    std::memset(reinterpret_cast<char *>(given) + filled, 0, size - filled);
    given->struct_size = static_cast<uint32_t>(filled);
    return HWA_OK;
}

/// Text for C: NULL when there is none.
inline const char *or_null(const std::string &text) {
    return text.empty() ? nullptr : text.c_str();
}

/// Text from C: "" for NULL.
inline std::string or_empty(const char *text) {
    return text == nullptr ? std::string() : std::string(text);
}

} // namespace hwa::capi
