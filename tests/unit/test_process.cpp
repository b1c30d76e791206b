// SPDX-License-Identifier: MIT
// os/process: what a child inherits, how its end is told, and that nothing of it stays.
#include "check.h"

#include "os/host.h"
#include "os/process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace hwa;
using os::Child;
using os::Ending;

static base::Result<Child> shell(const std::string &script) {
    return Child::start({"/bin/sh", {"sh", "-c", script}, {"ONLY=this"}});
}

static constexpr uint64_t second = 1000000000;

/// All that the child says until it ends, and how that was; gives up after ten seconds.
static std::string listen(Child &child, Ending &ending) {
    std::string said;
    const uint64_t until = os::clock_ns() + 10 * second;
    while (os::clock_ns() < until) {
        const auto end = child.ending();
        std::array<char, 256> piece;
        for (size_t got = child.read(piece); got > 0; got = child.read(piece))
            said.append(piece.data(), got);
        if (end) {
            ending = *end;
            return said;
        }
        Child *const one[] = {&child};
        os::wait_for(one, until);
    }
    fail_msg("the child did not end");
    return said;
}

static std::string output_of(const std::string &script) {
    auto child = shell(script);
    assert_true(static_cast<bool>(child));
    Ending ending;
    return listen(*child, ending);
}

static int open_descriptors() {
    int count = 0;
    for (int fd = 0; fd < 256; ++fd)
        count += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return count;
}

static void tells_how_it_ended(void **) {
    const struct {
        const char *script;
        Ending::Kind kind;
        int value;
        const char *said;
    } rows[] = {
        {"printf hello >&3; exit 7", Ending::Kind::Exited, 7, "hello"},
        {"printf early >&3; kill -SEGV $$", Ending::Kind::Killed, SIGSEGV, "early"},
        {"exec 3>&-; exit 0", Ending::Kind::Exited, 0, ""},
    };
    for (const auto &row : rows) {
        auto child = shell(row.script);
        assert_true(static_cast<bool>(child));
        Ending ending;
        assert_string_equal(listen(*child, ending).c_str(), row.said);
        assert_true(ending.kind == row.kind);
        assert_int_equal(ending.value, row.value);
    }
}

static void inherits_nothing(void **) {
    ::setenv("SECRET", "42", 1);
    const int leak = ::dup(1); // not close-on-exec
    ::signal(SIGHUP, SIG_IGN);
    sigset_t usr2;
    sigset_t before;
    ::sigemptyset(&usr2);
    ::sigaddset(&usr2, SIGUSR2);
    ::sigprocmask(SIG_BLOCK, &usr2, &before);
    assert_string_equal(output_of("env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= >&3").c_str(),
                        "ONLY=this\n");
    assert_string_equal(output_of("x=$(readlink /proc/$$/fd/[012]); echo \"$x\" >&3").c_str(),
                        "/dev/null\n/dev/null\n/dev/null\n");
    assert_string_equal(output_of("for n in 0 1 2 3 4 5 6 7 8 9 10 11 12; do "
                                  "if [ -e /proc/$$/fd/$n ]; then x=$x$n; fi; done; "
                                  "echo $x >&3")
                            .c_str(),
                        "0123\n");
    // A shell clears its own mask, so another program has to tell. The C library keeps two
    // real-time signals of its own ignored; those below count.
    auto teller = Child::start({"/bin/dd", {"dd", "if=/proc/self/status", "of=/dev/fd/3"}, {}});
    assert_true(static_cast<bool>(teller));
    Ending ending;
    const std::string status = listen(*teller, ending);
    assert_true(status.find("SigBlk:\t0000000000000000\n") != std::string::npos);
    assert_true(status.substr(status.find("SigIgn:"), 24).ends_with("0000000"));
    assert_string_equal(
        output_of("set -- $(cat /proc/$$/stat); echo $5 $6 | sed s/$$/own/g >&3").c_str(),
        "own own\n"); // group and session
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGHUP, SIG_DFL);
    ::close(leak);
}

/// True once the process of that number, one a line, is gone. It is for init to reap, so it may be
/// seen as a zombie, and it dies in its own time.
static bool dies(const std::string &line) {
    const std::string sleeper = "/proc/" + line.substr(0, line.find('\n'));
    const std::string alive = "test -e " + sleeper + " && ! grep -q 'State:.Z' " + sleeper +
                              "/status && echo alive >&3; :";
    for (int looks = 0; looks < 200; ++looks) {
        if (output_of(alive) != "alive\n")
            return true;
        ::usleep(10000);
    }
    return false;
}

static void kills_the_whole_group(void **) {
    auto child = shell("sleep 600 & echo $! >&3; wait");
    assert_true(static_cast<bool>(child));
    std::string said;
    while (said.empty() || said.back() != '\n') {
        std::array<char, 64> piece;
        Child *const one[] = {&*child};
        os::wait_for(one, os::clock_ns() + second);
        said.append(piece.data(), child->read(piece));
    }
    { const Child gone = std::move(*child); }
    os::reap_children(30000);
    assert_int_equal(::waitpid(-1, nullptr, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_true(dies(said));
}

/// True if this kernel can name a process group by a pidfd, as from Linux 6.9 on.
static bool groups_have_pidfds() {
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    const bool can = ::syscall(SYS_pidfd_send_signal, pidfd, 0, nullptr, 4) == 0 || errno != EINVAL;
    ::close(pidfd);
    return can;
}

static void kills_the_group_of_a_child_reaped_by_others(void **) {
    ::signal(SIGCHLD, SIG_IGN);
    auto child = shell("sleep 600 & echo $! >&3; sleep 0.2");
    assert_true(static_cast<bool>(child));
    Ending ending;
    const std::string said = listen(*child, ending);
    ::signal(SIGCHLD, SIG_DFL);
    assert_true(!groups_have_pidfds() || dies(said));
}

static void waits_no_longer_than_told(void **) {
    auto child = shell("sleep 600");
    assert_true(static_cast<bool>(child));
    const uint64_t start = os::clock_ns();
    Child *const one[] = {&*child};
    os::wait_for(one, start + second / 20);
    assert_true(os::clock_ns() - start < 10 * second);
    assert_false(child->ending().has_value());
}

static void leaves_no_descriptor(void **) {
    const int before = open_descriptors();
    for (int i = 0; i < 5; ++i) {
        auto child = shell("sleep 600");
        assert_true(static_cast<bool>(child));
    }
    assert_int_equal(open_descriptors(), before);
    auto missing = Child::start({"/nonexistent/hwa-probe", {"hwa-probe"}, {}});
    assert_false(static_cast<bool>(missing));
    assert_int_equal(missing.error().code, ENOENT);
    assert_int_equal(open_descriptors(), before);
}

static void says_what_it_lacks(void **) {
    struct rlimit before = {};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const int saved = ::fcntl(2, F_DUPFD_CLOEXEC, 4);
    ::close(2);
    // Numbers 2 and 3 are left, and none above those that the child is given.
    const struct rlimit low = {4, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &low);
    const auto child = shell("exit 0");
    ::setrlimit(RLIMIT_NOFILE, &before);
    ::dup2(saved, 2);
    ::close(saved);
    assert_false(static_cast<bool>(child));
    assert_int_equal(child.error().code, EMFILE);
}

static void works_without_standard_descriptors(void **) {
    const int saved[] = {::dup(0), ::dup(1), ::dup(2)};
    for (int fd = 0; fd <= 2; ++fd)
        ::close(fd);
    Ending ending;
    std::string said;
    auto child = shell("printf alive >&3; exit 4");
    if (child)
        said = listen(*child, ending);
    bool still_closed = true;
    for (int fd = 0; fd <= 2; ++fd) {
        still_closed = still_closed && ::fcntl(fd, F_GETFD) < 0;
        ::dup2(saved[fd], fd);
        ::close(saved[fd]);
    }
    assert_string_equal(said.c_str(), "alive");
    assert_int_equal(ending.value, 4);
    assert_true(still_closed);
}

static void a_caller_that_ignores_its_children(void **) {
    ::signal(SIGCHLD, SIG_IGN);
    auto child = shell("printf whole >&3; exit 3");
    assert_true(static_cast<bool>(child));
    Ending ending;
    const std::string said = listen(*child, ending);
    ::signal(SIGCHLD, SIG_DFL);
    assert_string_equal(said.c_str(), "whole");
    assert_true(ending.kind == Ending::Kind::Unknown);
}

static void a_caller_that_reaps_all(void **) {
    auto child = shell("printf whole >&3");
    assert_true(static_cast<bool>(child));
    // A child that another test has let go of may take its time to end.
    pid_t reaped = -1;
    do
        reaped = ::waitpid(-1, nullptr, 0);
    while (reaped > 0 && reaped != child->pid());
    assert_int_equal(reaped, child->pid());
    Ending ending;
    assert_string_equal(listen(*child, ending).c_str(), "whole");
    assert_true(ending.kind == Ending::Kind::Unknown);
}

static void four_turns(void **) {
    std::array<std::optional<os::Turn>, 4> taken;
    for (auto &turn : taken) {
        turn = os::Turn::try_take();
        assert_true(turn.has_value());
    }
    assert_false(os::Turn::try_take().has_value());
    assert_false(os::Turn::wait_briefly().has_value());
    // A process forked now has none of its parent's helpers to wait for.
    const pid_t forked = ::fork();
    if (forked == 0)
        ::_exit(os::Turn::try_take() ? 0 : 1);
    int status = -1;
    assert_int_equal(::waitpid(forked, &status, 0), forked);
    assert_int_equal(status, 0);
    taken[2].reset();
    assert_true(os::Turn::wait_briefly().has_value());
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_it_ended),
        cmocka_unit_test(inherits_nothing),
        cmocka_unit_test(kills_the_whole_group),
        cmocka_unit_test(kills_the_group_of_a_child_reaped_by_others),
        cmocka_unit_test(waits_no_longer_than_told),
        cmocka_unit_test(leaves_no_descriptor),
        cmocka_unit_test(says_what_it_lacks),
        cmocka_unit_test(works_without_standard_descriptors),
        cmocka_unit_test(a_caller_that_ignores_its_children),
        cmocka_unit_test(a_caller_that_reaps_all),
        cmocka_unit_test(four_turns),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
