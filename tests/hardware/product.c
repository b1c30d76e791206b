/* SPDX-License-Identifier: MIT */
/* T9: the vendor's product of matrices. T10: the built-in one beside it. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 256 };

static hwa_attr_t number(const char *key, int64_t value) {
    const hwa_attr_t attr = {.key = key, .type = HWA_ATTR_INT, .i = value};
    return attr;
}

static hwa_attr_t word(const char *key, const char *value) {
    const hwa_attr_t attr = {.key = key, .type = HWA_ATTR_TEXT, .s = value};
    return attr;
}

static hwa_program_t *product(hwa_queue_t *queue, int size, const char *dtype,
                              const char *provider) {
    const hwa_attr_t attrs[] = {number("m", size), number("n", size), number("k", size),
                                word("dtype", dtype), word("provider", provider)};
    hwa_program_t *program = NULL;
    memset(&error, 0, sizeof error);
    (void)hwa_program_from_op(queue, "gemm", attrs, provider == NULL ? 4 : 5, &program, &error);
    return program;
}

/* bf16 is the upper half of a float. */
static float value_at(const void *data, size_t at, int bytes) {
    float value = 0;
    if (bytes == 4)
        return ((const float *)data)[at];
    memcpy((char *)&value + 2, (const char *)data + 2 * at, 2);
    return value;
}

static void fill(void *data, size_t count, int bytes) {
    for (size_t i = 0; i < count; ++i) {
        const float value = (float)rand() / (float)RAND_MAX - 0.5f;
        memcpy((char *)data + (size_t)bytes * i, (const char *)&value + 4 - bytes, (size_t)bytes);
    }
}

/* The largest error of samples, relative to the sum of the sizes of what was added up. */
static double worst(const void *a, const void *b, const void *c, int size, int bytes) {
    double most = 0;
    for (int s = 0; s < SAMPLES; ++s) {
        const size_t i = (size_t)(rand() % size), j = (size_t)(rand() % size), n = (size_t)size;
        double sum = 0, sizes = 0;
        for (size_t k = 0; k < n; ++k) {
            const double term =
                (double)value_at(a, i * n + k, bytes) * (double)value_at(b, k * n + j, bytes);
            sum += term;
            sizes += fabs(term);
        }
        const double off = fabs((double)value_at(c, i * n + j, bytes) - sum) / sizes;
        most = off > most ? off : most;
    }
    return most;
}

/* Operations per second; 0 where there is no such product. The rest goes into a row. */
static double measure(const char *what, int size, const char *dtype, const char *provider,
                      double allowed) {
    const int bytes = strcmp(dtype, "f32") == 0 ? 4 : 2;
    const size_t count = (size_t)size * (size_t)size, all = count * (size_t)bytes;
    hwa_queue_t *queue = open_queue();
    hwa_program_t *program = product(queue, size, dtype, provider);
    if (program == NULL) {
        row(what, "not run", "%s", error.message);
        hwa_queue_free(queue);
        return 0;
    }
    void *data[3];
    hwa_buffer_t *buffers[3];
    for (int i = 0; i < 3; ++i) {
        data[i] = malloc(all);
        if (data[i] == NULL)
            give_up("malloc");
        fill(data[i], count, bytes);
        buffers[i] = make_buffer(queue, all);
        NEED(hwa_buffer_write(buffers[i], 0, data[i], all, NULL, &error));
    }
    const hwa_arg_t args[] = {
        {.buffer = buffers[0]}, {.buffer = buffers[1]}, {.buffer = buffers[2]}};
    const int times = small ? 1 : 20;
    double fastest = 1e9;
    for (int round = 0; round < 3; ++round) {
        NEED(hwa_queue_finish(queue, HWA_FOREVER, &error));
        const double start = now_s();
        for (int i = 0; i < times; ++i)
            NEED(hwa_launch(queue, program, args, 3, NULL, NULL, &error));
        NEED(hwa_queue_finish(queue, HWA_FOREVER, &error));
        const double took = (now_s() - start) / times;
        fastest = took < fastest ? took : fastest;
    }
    NEED(hwa_buffer_read(buffers[2], 0, data[2], all, NULL, &error));
    const double off = worst(data[0], data[1], data[2], size, bytes);
    const double rate = 2.0 * size * (double)count / fastest;
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    NEED(hwa_program_info(program, &info));
    row(what, VERDICT(off <= allowed), "%s: %.1f TFLOP/s, error %.1e", info.provider, rate * 1e-12,
        off);
    for (int i = 0; i < 3; ++i) {
        hwa_buffer_free(buffers[i]);
        free(data[i]);
    }
    hwa_program_free(program);
    hwa_queue_free(queue);
    return rate;
}

void check_gemm(void) {
    const int size = small ? 96 : 8192;
    (void)measure("f32, the best that is there", small ? 96 : 4096, "f32", NULL, 1e-5);
    (void)measure("f32, cuBLASLt", small ? 96 : 4096, "f32", "cublaslt", 1e-5);
    const double rate = measure("bf16, the best that is there", size, "bf16", NULL, 1e-2);
    if (rate > 0)
        row("bf16 of 8192", JUDGED(rate >= 700e12), "%.0f TFLOP/s", rate * 1e-12);
    else
        row("bf16 of 8192", "not run", "no provider takes bf16");
}

void check_builtin_gemm(void) {
    const int size = small ? 96 : 4096;
    const double own = measure("f32, built in", size, "f32", "builtin", 1e-5);
    const double theirs = measure("f32, cuBLASLt", size, "f32", "cublaslt", 1e-5);
    if (own > 0 && theirs > 0)
        row("built in by cuBLASLt", "recorded", "%.3f", own / theirs);
}
