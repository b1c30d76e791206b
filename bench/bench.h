/* SPDX-License-Identifier: MIT */
/* What the benchmarks share: a clock, a median, and the memory of this process. */
#ifndef BENCH_H
#define BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline double bench_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static inline int bench_order(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static inline double bench_median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, bench_order);
    return values[count / 2];
}

/* A line of a file of /proc in KiB, such as "MemAvailable" of /proc/meminfo. */
static inline long bench_kib(const char *path, const char *name) {
    char line[256];
    long kib = 0;
    const size_t length = strlen(name);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ':')
            kib = strtol(line + length + 1, NULL, 10);
    if (file != NULL)
        fclose(file);
    return kib;
}

/* The same of this process, such as "VmRSS". */
static inline long bench_status_kib(const char *name) {
    return bench_kib("/proc/self/status", name);
}

#endif
