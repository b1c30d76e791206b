// SPDX-License-Identifier: MIT
// Counts the system calls of one reading of eight devices: one for each file, and none besides.
// Exit status 77: this system lets nobody trace.
#include "sample.h"

#include <csignal>
#include <cstdio>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static constexpr int skipped = 77;

static void run_traced() {
    const hwa::bench::Cards cards;
    hwa::monitor::Monitor monitor = cards.watch();
    monitor.read(0); // fills what the C library keeps
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0)
        ::_exit(skipped);
    ::raise(SIGSTOP);
    ::syscall(SYS_getppid);
    monitor.read(0);
    ::syscall(SYS_getppid);
}

/// Number of the call at a stop; -1 if this kernel does not tell.
static long call_at(pid_t child) {
#if defined(PTRACE_GET_SYSCALL_INFO)
    struct __ptrace_syscall_info info = {};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) <= 0)
        return -1;
    return info.op == PTRACE_SYSCALL_INFO_ENTRY ? static_cast<long>(info.entry.nr) : -2;
#else
    static_cast<void>(child);
    return -1;
#endif
}

static int fail(const char *what) {
    std::puts(what);
    return 1;
}

int main() {
    const pid_t child = ::fork();
    if (child == 0) {
        run_traced();
        ::_exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child)
        return fail("the child cannot be waited for");
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    size_t reads = 0, others = 0;
    int markers = 0;
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD);
    while (::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0 &&
           ::waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        const long call = call_at(child);
        if (call == -1)
            return skipped;
        markers += call == SYS_getppid ? 1 : 0;
        if (markers != 1 || call == -2 || call == SYS_getppid)
            continue;
        reads += call == SYS_pread64 ? 1 : 0;
        others += call == SYS_pread64 ? 0 : 1;
    }
    std::printf("%zu reads and %zu other system calls for %zu devices\n", reads, others,
                hwa::bench::cards);
    if (markers != 2)
        return fail("the marks were not seen");
    const size_t most = hwa::bench::cards * hwa::bench::files_of_a_card;
    return reads <= most && reads > 0 && others == 0 ? 0 : fail("that is too many");
}
