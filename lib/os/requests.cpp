// SPDX-License-Identifier: MIT
// A socket of packets, moved out of the way of drivers, and a thread that watches for its end.
#include "os/requests.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>

namespace hwa::os {

static constexpr int out_of_the_way = 100;
static constexpr size_t longest_request = 65536;

/// The socket's number travels as the pointer.
static void *watch(void *socket) {
    pollfd asker = {static_cast<int>(reinterpret_cast<intptr_t>(socket)), POLLRDHUP, 0};
    while (::poll(&asker, 1, -1) < 0 && errno == EINTR)
        ;
    ::_exit(0);
}

/// With no signal for this thread to run a driver's handler on.
static bool start_watch(int socket) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread = {};
    const int code = ::pthread_create(&thread, nullptr, watch,
                                      reinterpret_cast<void *>(static_cast<intptr_t>(socket)));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return code == 0 && ::pthread_detach(thread) == 0;
}

base::Result<Requests> Requests::take() {
    int moved = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, out_of_the_way);
    if (moved < 0 && errno == EINVAL) // the limit on descriptors is lower than that
        moved = ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    Descriptor socket(moved);
    const Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (socket.get() < 0 || null.get() < 0 || ::dup2(null.get(), STDIN_FILENO) < 0)
        return base::os_error(errno, "descriptor 0: %s", std::strerror(errno));
    if (!start_watch(socket.get()))
        return base::os_error(EAGAIN, "no thread to watch the asker with");
    ::prctl(PR_SET_PDEATHSIG, 0);
    return Requests(std::move(socket));
}

std::optional<std::string> Requests::next() const {
    std::string request(longest_request, '\0');
    ssize_t got = 0;
    do
        got = ::recv(socket_.get(), request.data(), request.size(), 0);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return std::nullopt;
    request.resize(static_cast<size_t>(got));
    return request;
}

} // namespace hwa::os
