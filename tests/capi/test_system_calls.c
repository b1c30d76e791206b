/* SPDX-License-Identifier: MIT */
/* Counts the system calls of a detection without drivers, between two marker calls, and looks at
   each path that is opened. Exit status 77: this system lets nobody trace. With a folder as its
   argument, that machine is looked at in place of this one; printed are the calls and the
   accelerators, for another program to judge. */
#include <hwa/hwa.h>

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { skipped = 77, constant = 70 };

/* Devices other than processors. */
static unsigned detect(const char *root) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    options.sysroot = root;
    hwa_system_t *system = NULL;
    if (hwa_detect(&options, &system, NULL) != HWA_OK)
        _exit(2);
    unsigned found = 0;
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    for (uint32_t i = 0; hwa_device_info(hwa_system_device(system, i), &info) == HWA_OK; ++i)
        found += info.kind != HWA_KIND_CPU;
    hwa_system_free(system);
    return found;
}

static void run_traced(const char *root) {
    const unsigned found = detect(root); /* the first one also fills caches of the C library */
    if (root != NULL)
        dprintf(STDOUT_FILENO, "%u accelerators\n", found);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(skipped);
    raise(SIGSTOP);
    syscall(SYS_getppid);
    detect(root);
    syscall(SYS_getppid);
    _exit(0);
}

static unsigned count_entries(const char *path) {
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return 0;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* Steps of the longest path in /proc/self/cgroup. */
static unsigned count_ancestors(void) {
    unsigned most = 0;
    char line[4096];
    FILE *file = fopen("/proc/self/cgroup", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        unsigned steps = 0;
        for (const char *c = strchr(line, '/'); c != NULL && *c != '\0'; ++c)
            steps += *c == '/' && c[1] != '\n' && c[1] != '\0';
        most = steps > most ? steps : most;
    }
    if (file != NULL)
        fclose(file);
    return most;
}

static unsigned bound(void) {
    const unsigned functions = count_entries("/sys/bus/pci/devices");
    const unsigned processors = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    return constant + 4 * functions + 4 * processors + 3 * count_ancestors();
}

static int forbidden(const char *path) {
    static const char *const ends[] = {"/config", "/rom", "/boot_id", "/proc/cpuinfo", "/resource"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; ++i) {
        const size_t length = strlen(ends[i]);
        if (strlen(path) >= length && strcmp(path + strlen(path) - length, ends[i]) == 0)
            return 1;
    }
    return 0;
}

static void read_path(pid_t child, uint64_t address, char *path, size_t size) {
    struct iovec here = {path, size - 1};
    struct iovec there = {(void *)(uintptr_t)address, size - 1};
    const ssize_t got = process_vm_readv(child, &here, 1, &there, 1, 0);
    path[got > 0 ? got : 0] = '\0';
}

struct tally {
    unsigned markers;
    unsigned calls;
    int status;
};

static void look(pid_t child, struct tally *tally) {
    struct __ptrace_syscall_info info;
    memset(&info, 0, sizeof info);
    if (ptrace(PTRACE_GET_SYSCALL_INFO, child, (void *)sizeof info, &info) <= 0)
        tally->status = skipped;
    if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    if (info.entry.nr == SYS_getppid) {
        ++tally->markers;
        return;
    }
    if (tally->markers != 1)
        return;
    ++tally->calls;
    if (info.entry.nr == SYS_openat) {
        char path[512];
        read_path(child, info.entry.args[1], path, sizeof path);
        if (forbidden(path)) {
            printf("opens %s\n", path);
            tally->status = 1;
        }
    }
}

static struct tally trace(pid_t child) {
    struct tally tally = {0, 0, 0};
    int status = 0;
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        tally.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
        return tally;
    }
    ptrace(PTRACE_SETOPTIONS, child, NULL,
           (void *)(uintptr_t)(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
    while (ptrace(PTRACE_SYSCALL, child, NULL, NULL) == 0 && waitpid(child, &status, 0) == child &&
           !WIFEXITED(status) && !WIFSIGNALED(status))
        if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80))
            look(child, &tally);
    return tally;
}

int main(int argc, char **argv) {
    const char *root = argc > 1 ? argv[1] : NULL;
    const pid_t child = fork();
    if (child == 0)
        run_traced(root);
    const struct tally tally = trace(child);
    if (tally.status == skipped || tally.markers != 2) {
        printf("this system does not let a process trace its child\n");
        return skipped;
    }
    if (root != NULL) {
        printf("%u system calls\n", tally.calls);
        return tally.status != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    const unsigned most = bound();
    printf("%u system calls, at most %u\n", tally.calls, most);
    return tally.status != 0 || tally.calls > most ? EXIT_FAILURE : EXIT_SUCCESS;
}
