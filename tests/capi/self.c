/* SPDX-License-Identifier: MIT */
/* Reads what this process is made of. */
#include "self.h"

#include <dirent.h>
#include <fenv.h>
#include <link.h>
#include <locale.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

enum { first_signal = 1, last_signal = 64 };

static void put_signals(FILE *out) {
    for (int number = first_signal; number <= last_signal; ++number) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        if (sigaction(number, NULL, &action) != 0)
            continue;
        fprintf(out, "signal %d %p %x", number, (void *)(uintptr_t)action.sa_handler,
                (unsigned)action.sa_flags);
        for (int other = first_signal; other <= last_signal; ++other)
            fputc(sigismember(&action.sa_mask, other) == 1 ? '1' : '0', out);
        fputc('\n', out);
    }
    sigset_t blocked;
    sigemptyset(&blocked);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    for (int number = first_signal; number <= last_signal; ++number)
        if (sigismember(&blocked, number) == 1)
            fprintf(out, "blocked %d\n", number);
}

static void put_environment(FILE *out) {
    fprintf(out, "environ %p\n", (void *)environ);
    for (char **each = environ; *each != NULL; ++each)
        fprintf(out, "%p %s\n", (void *)*each, *each);
    char folder[4096];
    fprintf(out, "folder %s\n", getcwd(folder, sizeof folder));
    fprintf(out, "locale %s\n", setlocale(LC_ALL, NULL));
    const mode_t mask = umask(0);
    umask(mask);
    fprintf(out, "umask %o\n", (unsigned)mask);
    /* Not the flags that any arithmetic raises, but what is done about them. */
    fprintf(out, "rounding %d traps %d\n", fegetround(), fegetexcept());
}

static void put_limits(FILE *out) {
    for (int which = 0; which < (int)RLIM_NLIMITS; ++which) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)which, &limit) == 0)
            fprintf(out, "limit %d %llu %llu\n", which, (unsigned long long)limit.rlim_cur,
                    (unsigned long long)limit.rlim_max);
    }
}

/* Names in a folder of /proc, and where they lead if they are links. */
static void put_folder(FILE *out, const char *path) {
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char link[512];
        char target[512];
        snprintf(link, sizeof link, "%s/%s", path, entry->d_name);
        const ssize_t length = readlink(link, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        fprintf(out, "%s %s\n", link, target);
    }
    closedir(folder);
}

static int put_object(struct dl_phdr_info *info, size_t size, void *out) {
    (void)size;
    fprintf(out, "object %s %p\n", info->dlpi_name, (void *)(uintptr_t)info->dlpi_addr);
    return 0;
}

char *self_snapshot(void) {
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        abort();
    put_signals(out);
    put_environment(out);
    put_limits(out);
    put_folder(out, "/proc/self/fd");
    put_folder(out, "/proc/self/task");
    dl_iterate_phdr(put_object, out);
    fclose(out);
    return text;
}

int maps(long pid, const char *text) {
    char line[1024];
    snprintf(line, sizeof line, "/proc/%ld/maps", pid);
    FILE *file = fopen(line, "re");
    int found = 0;
    while (file != NULL && !found && fgets(line, sizeof line, file) != NULL)
        found = strstr(line, text) != NULL;
    if (file != NULL)
        fclose(file);
    return found;
}
