// SPDX-License-Identifier: MIT
// posix_spawn of a child, its pipe and its pidfd, and its end.
#include "os/process.h"

#include "os/children.h"
#include "os/descriptor.h"
#include "os/host.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace hwa::os {

/// Signal the whole process group of a pidfd, from linux/pidfd.h of 6.9.
static constexpr unsigned pidfd_process_group = 4;

/// The same open file above the child's own descriptors: a caller who closed 0, 1 or 2 would
/// otherwise get our pipe as one of them, and spawning would trip over itself.
static base::Result<Descriptor> lifted(Descriptor low, const char *what) {
    if (low.get() > reply_descriptor)
        return low;
    Descriptor high(low.get() < 0 ? -1 : ::fcntl(low.get(), F_DUPFD_CLOEXEC, reply_descriptor + 1));
    if (high.get() >= 0)
        return high;
    // F_DUPFD calls it invalid when even the first number asked for is above the limit.
    const int code = errno == EINVAL ? EMFILE : errno;
    return base::os_error(code, "%s: %s", what, std::strerror(code));
}

namespace {

struct Pipe {
    Descriptor read;
    Descriptor write;
};

} // namespace

static base::Result<Pipe> make_pipe() {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return base::os_error(errno, "a pipe: %s", std::strerror(errno));
    Descriptor low_read(ends[0]);
    Descriptor low_write(ends[1]);
    Pipe pipe;
    HWA_TRY(pipe.read, lifted(std::move(low_read), "a pipe"));
    HWA_TRY(pipe.write, lifted(std::move(low_write), "a pipe"));
    if (::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK) != 0)
        return base::os_error(errno, "a pipe: %s", std::strerror(errno));
    return pipe;
}

namespace {

struct Sockets {
    Descriptor ours;
    Descriptor theirs;
};

} // namespace

static base::Result<Sockets> make_sockets() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return base::os_error(errno, "a socket: %s", std::strerror(errno));
    Descriptor low_ours(ends[0]);
    Descriptor low_theirs(ends[1]);
    Sockets sockets;
    HWA_TRY(sockets.ours, lifted(std::move(low_ours), "a socket"));
    HWA_TRY(sockets.theirs, lifted(std::move(low_theirs), "a socket"));
    return sockets;
}

namespace {

/// Attributes and file actions of one spawn, released at its end.
struct SpawnSetup {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    bool ok;

    SpawnSetup(int null, int input, int reply, bool on_output) {
        sigset_t none;
        sigset_t all;
        ::sigemptyset(&none);
        ::sigfillset(&all);
        // A session has a process group of its own, which its leader cannot leave.
        int flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
        if (elevated())
            flags |= POSIX_SPAWN_RESETIDS;
        ok = ::posix_spawnattr_init(&attributes) == 0;
        ok = ::posix_spawn_file_actions_init(&actions) == 0 && ok;
        ok = ok && ::posix_spawnattr_setflags(&attributes, static_cast<short>(flags)) == 0;
        ok = ok && ::posix_spawnattr_setsigmask(&attributes, &none) == 0;
        ok = ok && ::posix_spawnattr_setsigdefault(&attributes, &all) == 0;
        for (int standard = 0; standard <= 2; ++standard)
            ok = ok && ::posix_spawn_file_actions_adddup2(&actions,
                                                          standard == 0 ? input
                                                          : on_output   ? reply
                                                                        : null,
                                                          standard) == 0;
        if (!on_output)
            ok = ok && ::posix_spawn_file_actions_adddup2(&actions, reply, reply_descriptor) == 0;
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
        const int first_closed = on_output ? reply_descriptor : reply_descriptor + 1;
        ok = ok && ::posix_spawn_file_actions_addclosefrom_np(&actions, first_closed) == 0;
#endif
    }
    ~SpawnSetup() {
        ::posix_spawnattr_destroy(&attributes);
        ::posix_spawn_file_actions_destroy(&actions);
    }
    SpawnSetup(const SpawnSetup &) = delete;
    SpawnSetup &operator=(const SpawnSetup &) = delete;
};

} // namespace

static std::vector<char *> pointers(const std::vector<std::string> &texts) {
    std::vector<char *> list;
    list.reserve(texts.size() + 1);
    for (const std::string &text : texts)
        list.push_back(const_cast<char *>(text.c_str()));
    list.push_back(nullptr);
    return list;
}

/// True while the pid can only mean our child: it runs, or nobody has reaped it.
static bool is_ours(pid_t pid) {
    siginfo_t unused = {};
    return ::waitid(P_PID, static_cast<id_t>(pid), &unused, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// A stable name for a child that is still ours, or -1; a pidfd is close-on-exec by itself.
static int open_pidfd(pid_t pid) {
    Descriptor pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (pidfd.get() < 0 || !is_ours(pid))
        return -1;
    auto high = lifted(std::move(pidfd), "a pidfd");
    return high ? high->release() : -1;
}

static void kill_group(pid_t pid, int pidfd) {
    if (pidfd >= 0 &&
        ::syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, nullptr, pidfd_process_group) == 0)
        return;
    if (is_ours(pid))
        ::kill(-pid, SIGKILL);
}

base::Result<Child> Child::start(const Command &command) {
    reap_children(0);
    if (too_many_unreaped())
        return base::os_error(EAGAIN, "%s: earlier children do not end", command.path.c_str());
    HWA_TRY(Pipe pipe, make_pipe());
    HWA_TRY(const Descriptor null,
            lifted(Descriptor(::open("/dev/null", O_RDWR | O_CLOEXEC)), "/dev/null"));
    Sockets sockets;
    if (command.takes_requests) {
        HWA_TRY(sockets, make_sockets());
    }
    const SpawnSetup setup(null.get(), command.takes_requests ? sockets.theirs.get() : null.get(),
                           pipe.write.get(), command.answers_on_output);
    if (!setup.ok)
        return base::os_error(ENOMEM, "%s: out of memory to start it", command.path.c_str());
    const auto arguments = pointers(command.arguments);
    const auto environment = pointers(command.environment);
    pid_t pid = -1;
    const int code = ::posix_spawn(&pid, command.path.c_str(), &setup.actions, &setup.attributes,
                                   arguments.data(), environment.data());
    if (code != 0)
        return base::os_error(code, "%s: cannot be started: %s", command.path.c_str(),
                              std::strerror(code));
    return Child(pid, open_pidfd(pid), pipe.read.release(), sockets.ours.release());
}

Child::Child(Child &&other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::exchange(other.pidfd_, -1)),
      reply_(std::exchange(other.reply_, -1)), requests_(std::exchange(other.requests_, -1)),
      ending_(other.ending_) {}

Child &Child::operator=(Child &&other) noexcept {
    std::swap(pid_, other.pid_);
    std::swap(pidfd_, other.pidfd_);
    std::swap(reply_, other.reply_);
    std::swap(requests_, other.requests_);
    std::swap(ending_, other.ending_);
    return *this;
}

Child::~Child() {
    if (pid_ < 0)
        return;
    if (!ending_) {
        kill_group(pid_, pidfd_);
        leave_unreaped(pid_);
    }
    if (pidfd_ >= 0)
        ::close(pidfd_);
    if (requests_ >= 0)
        ::close(requests_);
    close_reply();
}

void Child::close_reply() {
    if (reply_ >= 0)
        ::close(std::exchange(reply_, -1));
}

base::Done Child::ask(std::string_view request) {
    // No signal comes if the child is gone, unlike with a pipe.
    if (::send(requests_, request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return {};
    const int code = errno;
    return base::os_error(code, "a request: %s", std::strerror(code));
}

size_t Child::read(std::span<char> into) {
    while (reply_ >= 0) {
        const ssize_t got = ::read(reply_, into.data(), into.size());
        if (got > 0)
            return static_cast<size_t>(got);
        if (got < 0 && errno == EINTR)
            continue;
        if (got == 0 || errno != EAGAIN)
            close_reply();
        break;
    }
    return 0;
}

std::optional<Ending> Child::ending() {
    if (ending_)
        return ending_;
    siginfo_t facts = {};
    if (::waitid(P_PID, static_cast<id_t>(pid_), &facts, WEXITED | WNOHANG | WNOWAIT) != 0) {
        // ECHILD: somebody else has reaped it, but not the rest of its group.
        kill_group(pid_, pidfd_);
        return ending_ = Ending{};
    }
    if (facts.si_pid == 0)
        return std::nullopt;
    // The rest of the group goes first, while the child that has ended still keeps its number.
    kill_group(pid_, pidfd_);
    ::waitid(P_PID, static_cast<id_t>(pid_), &facts, WEXITED | WNOHANG);
    const auto kind = facts.si_code == CLD_EXITED ? Ending::Kind::Exited : Ending::Kind::Killed;
    return ending_ = Ending{kind, facts.si_status};
}

void wait_for(std::span<Child *const> children, uint64_t until_ns) {
    // Without pidfds an end shows as the end of the pipe or, if a grandchild holds that open, by
    // looking again every 10 ms.
    uint64_t longest_ms = 60000;
    std::vector<pollfd> list;
    for (const Child *child : children) {
        if (child->reply_ >= 0)
            list.push_back({child->reply_, POLLIN, 0});
        if (child->pidfd_ >= 0 && !child->ending_)
            list.push_back({child->pidfd_, POLLIN, 0});
        else
            longest_ms = 10;
    }
    const uint64_t now = clock_ns();
    const uint64_t left_ms = until_ns > now ? (until_ns - now + 999999) / 1000000 : 0;
    ::poll(list.data(), list.size(), static_cast<int>(std::min(left_ms, longest_ms)));
}

} // namespace hwa::os
