/* SPDX-License-Identifier: MIT */
/* The ways in which drivers have been seen to go wrong, each as an action of a scenario. */
#include "fault.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINES = 8 };

static struct line {
    char call[64];
    int nth;
    char action[16];
    int calls;
} lines[LINES];
static int line_count = -1;

static void read_scenario(void) {
    Dl_info self;
    char path[PATH_MAX + 16];
    line_count = 0;
    if (dladdr((const void *)&line_count, &self) == 0)
        return;
    snprintf(path, sizeof path, "%s", self.dli_fname);
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return;
    strcpy(slash, "/scenario");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    struct line *line = lines;
    while (line_count < LINES &&
           fscanf(file, "%63s %d %15s", line->call, &line->nth, line->action) == 3) {
        ++line_count;
        ++line;
    }
    fclose(file);
}

static void do_spin(void) {
    for (volatile unsigned long n = 0;; ++n) {
    }
}

static void do_hang(void) {
    for (;;)
        pause();
}

static void do_segv(void) {
    raise(SIGSEGV);
}

static void do_exit(void) {
    exit(0);
}

static void do_exit3(void) {
    _exit(3);
}

static void do_close(void) {
    for (int fd = 0; fd < 100; ++fd)
        close(fd);
}

static void do_closeall(void) {
    for (int fd = 0; fd < 1024; ++fd)
        close(fd);
}

/* Ten megabytes to each of the standard streams. */
static void do_print(void) {
    static char page[4096];
    memset(page, 'x', sizeof page);
    for (int i = 0; i < 2560; ++i)
        for (int fd = 1; fd <= 2; ++fd)
            if (write(fd, page, sizeof page) < 0)
                return;
}

/* Text into every descriptor there is, as if one of them were a log. */
static void do_scribble(void) {
    for (int fd = 3; fd < 1024; ++fd)
        if (write(fd, "driver: hello\n", 14) < 0)
            continue;
}

static void on_signal(int number) {
    (void)number;
}

static void do_meddle(void) {
    for (int number = 1; number < 32; ++number)
        signal(number, on_signal);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    setlocale(LC_ALL, "");
    umask(0777);
    setenv("LD_LIBRARY_PATH", "/nowhere", 1);
    if (chdir("/") != 0)
        abort();
}

static void *sleep_on(void *unused) {
    do_hang();
    return unused;
}

static void do_threads(void) {
    for (int i = 0; i < 8; ++i) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, sleep_on, NULL) != 0)
            abort();
    }
}

/* A grandchild of a session of its own that keeps every descriptor open. */
static void do_daemon(void) {
    if (fork() != 0)
        return;
    setsid();
    if (fork() != 0)
        _exit(0);
    sleep(5);
    _exit(0);
}

/* More memory than a probe has any use for. */
static void do_gorge(void) {
    const size_t size = (size_t)9 << 30;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        abort();
}

static const struct {
    const char *name;
    void (*act)(void);
    enum fault fault;
} actions[] = {
    {"abort", abort, FAULT_NONE},
    {"close", do_close, FAULT_NONE},
    {"closeall", do_closeall, FAULT_NONE},
    {"daemon", do_daemon, FAULT_NONE},
    {"exit", do_exit, FAULT_NONE},
    {"exit3", do_exit3, FAULT_NONE},
    {"fail", NULL, FAULT_FAIL},
    {"garbage", NULL, FAULT_GARBAGE},
    {"gorge", do_gorge, FAULT_NONE},
    {"hang", do_hang, FAULT_NONE},
    {"huge", NULL, FAULT_HUGE},
    {"many", NULL, FAULT_MANY},
    {"meddle", do_meddle, FAULT_NONE},
    {"name", NULL, FAULT_NAME},
    {"null", NULL, FAULT_NULL},
    {"print", do_print, FAULT_NONE},
    {"scribble", do_scribble, FAULT_NONE},
    {"segv", do_segv, FAULT_NONE},
    {"spin", do_spin, FAULT_NONE},
    {"threads", do_threads, FAULT_NONE},
};

__attribute__((destructor)) static void unload(void) {
    (void)fault_at("unload");
}

enum fault fault_at(const char *call) {
    if (line_count < 0)
        read_scenario();
    enum fault fault = FAULT_NONE;
    for (int i = 0; i < line_count; ++i) {
        if (strcmp(lines[i].call, call) != 0)
            continue;
        /* Number 0 means every call. */
        ++lines[i].calls;
        if (lines[i].nth != 0 && lines[i].nth != lines[i].calls)
            continue;
        for (size_t a = 0; a < sizeof actions / sizeof actions[0]; ++a) {
            if (strcmp(actions[a].name, lines[i].action) != 0)
                continue;
            if (actions[a].act != NULL)
                actions[a].act();
            fault = actions[a].fault;
        }
    }
    return fault;
}
