// SPDX-License-Identifier: MIT
// Bell: an eventfd and a duplicate of it.
#include "os/bell.h"

#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace hwa::os {

base::Result<std::shared_ptr<Bell>> Bell::make(Descriptor &other) {
    Descriptor theirs(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (theirs.get() < 0)
        return base::os_error(errno, "there is no descriptor for an event");
    Descriptor ours(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, 0));
    if (ours.get() < 0)
        return base::os_error(errno, "there is no descriptor for an event");
    auto bell = std::make_shared<Bell>(std::move(ours));
    other = std::move(theirs);
    return bell;
}

void Bell::ring() const {
    const uint64_t one = 1;
    // It fails only if the counter is full, and then the descriptor is readable already.
    [[maybe_unused]] const ssize_t written = ::write(end_.get(), &one, sizeof one);
}

} // namespace hwa::os
