/* SPDX-License-Identifier: MIT */
/* What a program costs a new process on pocl until its first launch is over: with nothing on disk,
   with the binary that libhwa kept, and with that alone, where the driver's own folder is empty. */
#include <hwa/hwa.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "need.h"

#define SKIPPED 77
enum { most = 9 };

static const char source[] =
    "__kernel void add(__global const float *a, __global const float *b, __global float *c)"
    "{ size_t i = get_global_id(0); c[i] = a[i] + b[i]; }";

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* The child: prints the milliseconds of build, launch and wait. */
static int measure(const char *folder) {
    hwa_system_t *system = NULL;
    NEED(hwa_detect(NULL, &system, error));
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "opencl";
    options.cache_dir = folder;
    hwa_queue_t *queue = NULL;
    const hwa_device_t *device;
    for (uint32_t i = 0; queue == NULL && (device = hwa_system_device(system, i)) != NULL; ++i)
        if (hwa_queue_open(device, &options, &queue, NULL) != HWA_OK)
            queue = NULL;
    hwa_system_free(system);
    if (queue == NULL)
        return SKIPPED;
    enum { group = 64, groups = 64 };
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = group * groups * sizeof(float);
    hwa_arg_t args[3] = {0};
    hwa_buffer_t *buffers[3] = {0};
    for (int i = 0; i < 3; ++i) {
        NEED(hwa_buffer_create(queue, &desc, &buffers[i], error));
        args[i].buffer = buffers[i];
    }
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_OPENCL_C;
    kernel.code = source;
    kernel.code_bytes = sizeof source - 1;
    kernel.entry = "add";
    const hwa_kernel_desc_t *variants[] = {&kernel};
    const hwa_launch_options_t shape = {
        .struct_size = sizeof shape, .grid = {groups, 1, 1}, .group = {group, 1, 1}};
    hwa_program_t *program = NULL;
    const double start = now_ms();
    NEED(hwa_program_from_kernel(queue, variants, 1, &program, error));
    NEED(hwa_launch(queue, program, args, 3, &shape, NULL, error));
    NEED(hwa_queue_finish(queue, HWA_FOREVER, error));
    printf("%.3f\n", now_ms() - start);
    hwa_program_free(program);
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(buffers[i]);
    hwa_queue_free(queue);
    return 0;
}

static char root[] = "/tmp/hwa-bench-XXXXXX";

/* A new process with these folders below the root; negative if there is no device. */
static double run(const char *self, const char *ours, const char *drivers) {
    char line[1024];
    snprintf(line, sizeof line, "%s/%s", root, drivers);
    mkdir(line, 0700);
    snprintf(line, sizeof line, "POCL_CACHE_DIR=%s/%s %s %s/%s", root, drivers, self, root, ours);
    FILE *child = popen(line, "r");
    double ms = -1;
    if (child == NULL || fscanf(child, "%lf", &ms) != 1)
        ms = -1;
    if (child != NULL)
        pclose(child);
    return ms;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void tell(const char *what, double *ms, size_t count) {
    qsort(ms, count, sizeof *ms, by_value);
    printf("%s: %zu processes, least %.2f ms, median %.2f ms\n", what, count, ms[0], ms[count / 2]);
}

static int forget(const char *path, const struct stat *facts, int kind, struct FTW *where) {
    (void)facts, (void)kind, (void)where;
    return remove(path);
}

int main(int argc, char **argv) {
    if (argc == 2)
        return measure(argv[1]);
    char self[512] = {0};
    if (readlink("/proc/self/exe", self, sizeof self - 1) <= 0 || mkdtemp(root) == NULL)
        return 1;
    double ms[most] = {run(self, "kept", "pocl")};
    if (ms[0] >= 0) {
        tell("nothing on disk", ms, 1);
        for (int i = 0; i < most; ++i)
            ms[i] = run(self, "kept", "pocl");
        tell("kept", ms, most);
        for (int i = 0; i < most; ++i) {
            char fresh[16];
            snprintf(fresh, sizeof fresh, "pocl-%d", i);
            ms[i] = run(self, "kept", fresh);
        }
        tell("kept, the driver's own folder empty", ms, most);
    }
    nftw(root, forget, 16, FTW_DEPTH | FTW_PHYS);
    return ms[0] >= 0 ? 0 : SKIPPED;
}
