/* SPDX-License-Identifier: MIT */
/* A product of 1024 x 1024 matrices in f32, by libhwa and by the same OpenBLAS called directly. */
#include <hwa/hwa.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SKIPPED 77
enum { size = 1024, rounds = 60, warm_up = 5 };

typedef void (*sgemm_t)(int, int, int, int, int, int, float, const float *, int, const float *, int,
                        float, float *, int);

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void need(hwa_status_t status, const hwa_error_t *error) {
    if (status == HWA_OK)
        return;
    printf("%s\n", error->message);
    exit(1);
}

static hwa_queue_t *queue;
static hwa_program_t *program;
static hwa_arg_t args[3];
static float *matrices[3];
static sgemm_t sgemm;

static hwa_attr_t extent(const char *key) {
    const hwa_attr_t attr = {.key = key, .type = HWA_ATTR_INT, .i = size};
    return attr;
}

static void open_all(void) {
    hwa_error_t error = {0};
    hwa_system_t *system = NULL;
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    need(hwa_detect(&options, &system, &error), &error);
    need(hwa_queue_open(hwa_system_find_device(system, "cpu-0"), NULL, &queue, &error), &error);
    hwa_system_free(system);
    const hwa_attr_t attrs[] = {extent("m"), extent("n"), extent("k")};
    need(hwa_program_from_op(queue, "gemm", attrs, 3, &program, &error), &error);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = (uint64_t)size * size * sizeof(float);
    for (int i = 0; i < 3; ++i) {
        matrices[i] = aligned_alloc(64, desc.size_bytes);
        for (int j = 0; j < size * size; ++j)
            matrices[i][j] = (float)rand() / (float)RAND_MAX;
        desc.host = matrices[i];
        need(hwa_buffer_create(queue, &desc, &args[i].buffer, &error), &error);
    }
}

static double run_hwa(void) {
    hwa_event_t *event = NULL;
    hwa_error_t error = {0};
    const double start = now_ms();
    need(hwa_launch(queue, program, args, 3, NULL, &event, &error), &error);
    need(hwa_event_wait(event, HWA_FOREVER, &error), &error);
    hwa_event_free(event);
    return now_ms() - start;
}

static double run_raw(void) {
    const double start = now_ms();
    sgemm(101, 111, 111, size, size, size, 1, matrices[0], size, matrices[1], size, 0, matrices[2],
          size);
    return now_ms() - start;
}

int main(void) {
    open_all();
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    void *blas = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (hwa_program_info(program, &info) != HWA_OK || blas == NULL ||
        strncmp(info.provider, "openblas", 8) != 0) {
        printf("there is no OpenBLAS here\n");
        return SKIPPED;
    }
    sgemm = (sgemm_t)dlsym(blas, "cblas_sgemm");
    static double raw[rounds], ours[rounds];
    for (int i = -warm_up; i < rounds; ++i) {
        const double first = i % 2 == 0 ? run_raw() : run_hwa();
        const double second = i % 2 == 0 ? run_hwa() : run_raw();
        if (i < 0)
            continue;
        raw[i] = i % 2 == 0 ? first : second;
        ours[i] = i % 2 == 0 ? second : first;
    }
    qsort(raw, rounds, sizeof *raw, by_value);
    qsort(ours, rounds, sizeof *ours, by_value);
    const double flop = 2.0 * size * size * size;
    const double a = raw[rounds / 2];
    const double b = ours[rounds / 2];
    printf("gemm %d f32 by %s: direct %.2f ms (%.0f GFLOP/s), hwa %.2f ms (%.0f GFLOP/s), "
           "ratio %.3f (best %.3f): %s\n",
           size, info.provider, a, flop / a * 1e-6, b, flop / b * 1e-6, a / b, raw[0] / ours[0],
           a / b >= 0.97 ? "at least 0.97" : "BELOW 0.97");
    hwa_program_free(program);
    for (int i = 0; i < 3; ++i) {
        hwa_buffer_free(args[i].buffer);
        free(matrices[i]);
    }
    hwa_queue_free(queue);
    return 0;
}
