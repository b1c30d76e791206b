/* SPDX-License-Identifier: MIT */
/* By filters of system calls (seccomp(2)), mounts of its own (mount_namespaces(7)) and limits. */
#include "conditions.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define ARCHITECTURE 0
#endif

#define FAIL_WITH(code) (SECCOMP_RET_ERRNO | (code))

/* One call, if any of these bits is in its first argument (0: whatever is), and its answer. */
struct rule {
    long call;
    uint32_t bits, answer;
};

enum { STEPS = 5, RULES = 6 };

static int filter(const struct rule *rules, size_t count) {
    struct sock_filter code[4 + STEPS * RULES] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    size_t length = 3;
    for (size_t i = 0; i < count; ++i) {
        const struct sock_filter steps[STEPS] = {
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)rules[i].call, 0, 3),
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
            BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, rules[i].bits, 0, rules[i].bits != 0),
            BPF_STMT(BPF_RET | BPF_K, rules[i].answer),
        };
        memcpy(code + length, steps, sizeof steps);
        length += STEPS;
    }
    code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    const struct sock_fprog program = {(unsigned short)length, code};
    return ARCHITECTURE != 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int without_threads(void) {
    /* What clone3() is asked for lies in memory; without it, the C library takes clone(). */
    const struct rule rules[] = {{SYS_clone3, 0, FAIL_WITH(ENOSYS)},
                                 {SYS_clone, CLONE_THREAD, FAIL_WITH(EAGAIN)}};
    return filter(rules, 2);
}

int without_processes(void) {
    const struct rule rules[] = {
        {SYS_clone3, 0, FAIL_WITH(EAGAIN)},
        {SYS_clone, 0, FAIL_WITH(EAGAIN)},
#ifdef SYS_vfork
        {SYS_vfork, 0, FAIL_WITH(EAGAIN)},
        {SYS_fork, 0, FAIL_WITH(EAGAIN)},
#endif
    };
    return filter(rules, sizeof rules / sizeof rules[0]);
}

static int answer_execve(uint32_t answer) {
    const struct rule rules[] = {{SYS_execve, 0, answer}, {SYS_execveat, 0, answer}};
    return filter(rules, 2);
}

int without_execve(void) {
    return answer_execve(FAIL_WITH(EPERM));
}

int without_execve_or_life(void) {
    return answer_execve(SECCOMP_RET_KILL_PROCESS);
}

int without_kill(void) {
    const struct rule rules[] = {{SYS_kill, 0, FAIL_WITH(0)},
                                 {SYS_pidfd_send_signal, 0, FAIL_WITH(0)}};
    return filter(rules, 2);
}

static int own_mounts(void) {
    return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
           mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static int cover(const char *path) {
    return own_mounts() && mount("none", path, "tmpfs", MS_RDONLY, NULL) == 0;
}

int without_sys(void) {
    return cover("/sys") && access("/sys/bus", F_OK) != 0;
}

int without_proc(void) {
    return cover("/proc") && access("/proc/self", F_OK) != 0;
}

int without_writing(void) {
#if defined(SYS_mount_setattr) && defined(MOUNT_ATTR_RDONLY)
    struct mount_attr all = {.attr_set = MOUNT_ATTR_RDONLY};
    return own_mounts() &&
           syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &all, sizeof all) == 0 &&
           mkdir("/tmp/hwa-must-fail", 0700) != 0 && errno == EROFS;
#else
    return 0;
#endif
}

struct rlimit leave_descriptors(int room) {
    struct rlimit before;
    const int next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &before);
    const struct rlimit few = {(rlim_t)(next + room), before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
    return before;
}

static rlim_t address_space(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%lu", &pages) != 1)
        abort();
    fclose(file);
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

struct hoard leave_memory(size_t room) {
    struct hoard hoard = {NULL, {0, 0}};
    getrlimit(RLIMIT_AS, &hoard.limit);
    struct rlimit limit = {address_space(), hoard.limit.rlim_max};
    setrlimit(RLIMIT_AS, &limit);
    for (size_t size = (size_t)1 << 20; size >= sizeof(void *); size /= 2)
        for (void **piece = malloc(size); piece != NULL; piece = malloc(size)) {
            *piece = hoard.pieces;
            hoard.pieces = piece;
        }
    limit.rlim_cur += room;
    setrlimit(RLIMIT_AS, &limit);
    return hoard;
}

void give_memory_back(struct hoard *hoard) {
    setrlimit(RLIMIT_AS, &hoard->limit);
    while (hoard->pieces != NULL) {
        void **const piece = hoard->pieces;
        hoard->pieces = *piece;
        free(piece);
    }
}
