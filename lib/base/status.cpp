// SPDX-License-Identifier: MIT
// Names of statuses and the making of errors.
#include "base/status.h"

#include "base/text.h"

#include <cerrno>
#include <cstdarg>

namespace hwa::base {

Error::Error() = default;
Error::Error(const Error &other) = default;
Error::Error(Error &&other) noexcept = default;
Error &Error::operator=(const Error &other) = default;
Error &Error::operator=(Error &&other) noexcept = default;
Error::~Error() = default;

Error::Error(Status what, int32_t foreign, std::string who, std::string sentence)
    : status(what), code(foreign), backend(std::move(who)), message(std::move(sentence)) {}

const char *status_name(Status status) {
    switch (status) {
    case Status::Ok:
        return "ok";
    case Status::Invalid:
        return "invalid";
    case Status::Range:
        return "range";
    case Status::NotFound:
        return "not found";
    case Status::Unsupported:
        return "unsupported";
    case Status::Unavailable:
        return "unavailable";
    case Status::Denied:
        return "denied";
    case Status::Timeout:
        return "timeout";
    case Status::HostMemory:
        return "out of host memory";
    case Status::DeviceMemory:
        return "out of device memory";
    case Status::NoFit:
        return "no fit";
    case Status::Parse:
        return "parse";
    case Status::Io:
        return "i/o";
    case Status::Driver:
        return "driver";
    case Status::Lost:
        return "device lost";
    case Status::Cancelled:
        return "cancelled";
    case Status::Forked:
        return "forked";
    case Status::Internal:
        return "internal";
    case Status::Build:
        return "build";
    case Status::Ambiguous:
        return "ambiguous";
    case Status::Crashed:
        return "crashed";
    }
    return "unknown status";
}

Error error(Status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Error made{status, 0, {}, vformat(format, arguments)};
    va_end(arguments);
    return made;
}

static Status status_of_errno(int code) {
    switch (code) {
    case ENOENT:
    case ENOTDIR:
        return Status::NotFound;
    case EACCES:
    case EPERM:
        return Status::Denied;
    case ENOMEM:
        return Status::HostMemory;
    case ETIMEDOUT:
        return Status::Timeout;
    default:
        return Status::Io;
    }
}

Error os_error(int code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    Error made{status_of_errno(code), code, {}, vformat(format, arguments)};
    va_end(arguments);
    return made;
}

} // namespace hwa::base
