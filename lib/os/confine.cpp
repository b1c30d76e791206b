// SPDX-License-Identifier: MIT
// Limits and ties of a helper process.
#include "os/confine.h"

#include "base/units.h"
#include "os/descriptor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace hwa::os {

/// Drivers that close descriptors one by one, or take fixed ones, do so among the low numbers.
static constexpr int out_of_the_way = 100;

/// Private memory that can be written; address space alone is no measure, because drivers reserve
/// terabytes of it without using any.
static constexpr rlim_t memory_limit = 8 * base::GiB;

static void lower(auto resource, rlim_t to) {
    rlimit limit = {};
    if (::getrlimit(resource, &limit) != 0)
        return;
    limit.rlim_cur = std::min(limit.rlim_cur, to);
    limit.rlim_max = std::min(limit.rlim_max, to);
    ::setrlimit(resource, &limit);
}

/// If memory runs out, this process is the one to go, not its parent.
static void offer_to_oom_killer() {
    const Descriptor file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
    if (file.get() >= 0) [[maybe_unused]]
        const ssize_t written = ::write(file.get(), "1000", 4);
}

base::Result<int> confine(int reply) {
    int moved = ::fcntl(reply, F_DUPFD_CLOEXEC, out_of_the_way);
    if (moved < 0 && errno == EINVAL) // the limit on descriptors is lower than that
        moved = ::fcntl(reply, F_DUPFD_CLOEXEC, reply + 1);
    if (moved < 0)
        return base::os_error(errno, "descriptor %d: %s", reply, std::strerror(errno));
    ::close(reply);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // If the parent died before that took effect, nobody holds the other end of the pipe.
    pollfd reader = {moved, 0, 0};
    if (::poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR) != 0)
        return base::error(base::Status::Cancelled, "nobody waits for the answer");
    lower(RLIMIT_CORE, 0);
    lower(RLIMIT_DATA, memory_limit);
    offer_to_oom_killer();
    return moved;
}

base::Done write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR)
            return base::os_error(errno, "descriptor %d: %s", descriptor, std::strerror(errno));
        if (written > 0)
            bytes.remove_prefix(static_cast<size_t>(written));
    }
    return {};
}

void leave(int status) {
    ::_exit(status);
}

} // namespace hwa::os
