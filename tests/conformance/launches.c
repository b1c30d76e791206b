/* SPDX-License-Identifier: MIT */
/* Launches: results against a reference in double, values, scratch, grids, ranges, compilers. */
#include "suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void adds_vectors(void **state) {
    (void)state;
    enum { count = 100003 };
    hwa_queue_t *queue = open_queue(HWA_QUEUE_TIMED);
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    float *a = malloc(count * sizeof(float));
    float *b = malloc(count * sizeof(float));
    float *c = malloc(count * sizeof(float));
    for (int round = 0; round < 3; ++round) {
        random_floats(a, count);
        random_floats(b, count);
        hwa_buffer_t *buffers[] = {make_buffer(queue, count * sizeof(float), a),
                                   make_buffer(queue, count * sizeof(float), b),
                                   make_buffer(queue, count * sizeof(float), NULL)};
        const uint32_t n = count;
        const hwa_arg_t args[] = {{.buffer = buffers[0]},
                                  {.buffer = buffers[1]},
                                  {.buffer = buffers[2]},
                                  {.data = &n, .size_bytes = sizeof n}};
        hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
        shape.group[0] = 32;
        shape.grid[0] = (count + 31) / 32;
        hwa_event_t *event = NULL;
        CHECK(hwa_launch(queue, program, args, 4, &shape, &event, error));
        CHECK(hwa_buffer_read(buffers[2], 0, c, count * sizeof(float), NULL, error));
        CHECK(hwa_event_wait(event, 0, error));
        assert_true(hwa_event_elapsed_ns(event) > 0 || !has_timer(queue));
        for (size_t i = 0; i < count; ++i)
            assert_true(fabs((double)c[i] - ((double)a[i] + (double)b[i])) <= 1.2e-7);
        hwa_event_free(event);
        for (int i = 0; i < 3; ++i)
            hwa_buffer_free(buffers[i]);
    }
    hwa_program_free(program);
    hwa_queue_free(queue);
    free(a);
    free(b);
    free(c);
}

/* A byte, a double and a float: each lies where C would put it. */
static void passes_values(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_SCALE);
    float x[9];
    for (int i = 0; i < 9; ++i)
        x[i] = (float)i;
    hwa_buffer_t *buffer = make_buffer(queue, sizeof x, x);
    uint8_t n = 8;
    double d = 0.5;
    float f = 3;
    hwa_arg_t args[] = {{.buffer = buffer},
                        {.data = &n, .size_bytes = sizeof n},
                        {.data = &d, .size_bytes = sizeof d},
                        {.data = &f, .size_bytes = sizeof f}};
    CHECK(hwa_launch(queue, program, args, 4, NULL, NULL, error));
    /* They were copied. */
    n = 0;
    d = f = 9;
    CHECK(hwa_buffer_read(buffer, 0, x, sizeof x, NULL, error));
    for (int i = 0; i < 8; ++i)
        assert_true(x[i] == (float)i * 3 + 0.5F);
    assert_true(x[8] == 8);
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void runs_every_group_once(void **state) {
    (void)state;
    static const uint32_t shapes[][6] = {{1, 1, 1, 1, 1, 1}, {7, 1, 1, 3, 1, 1},
                                         {5, 3, 1, 2, 4, 1}, {3, 2, 5, 4, 2, 1},
                                         {2, 3, 4, 1, 1, 2}, {0, 0, 0, 0, 0, 0}};
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_WHERE);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s) {
        hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
        uint32_t size[3];
        for (int i = 0; i < 3; ++i) {
            shape.grid[i] = shapes[s][i];
            shape.group[i] = shapes[s][i + 3];
            size[i] = (shape.grid[i] == 0 ? 1 : shape.grid[i]) *
                      (shape.group[i] == 0 ? 1 : shape.group[i]);
        }
        const size_t count = (size_t)size[0] * size[1] * size[2];
        uint32_t *at = calloc(count, sizeof *at);
        hwa_buffer_t *buffer = make_buffer(queue, count * sizeof *at, at);
        const hwa_arg_t args[] = {{.buffer = buffer}};
        CHECK(hwa_launch(queue, program, args, 1, &shape, NULL, error));
        CHECK(hwa_buffer_read(buffer, 0, at, count * sizeof *at, NULL, error));
        for (uint32_t z = 0, i = 0; z < size[2]; ++z)
            for (uint32_t y = 0; y < size[1]; ++y)
                for (uint32_t x = 0; x < size[0]; ++x, ++i)
                    assert_int_equal(at[i], x + 100 * y + 10000 * z);
        hwa_buffer_free(buffer);
        free(at);
    }
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void gives_scratch_to_each_group(void **state) {
    (void)state;
    enum { groups = 64 };
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_SUM);
    float from[groups * 16];
    float to[groups];
    random_floats(from, groups * 16);
    hwa_buffer_t *a = make_buffer(queue, sizeof from, from);
    hwa_buffer_t *b = make_buffer(queue, sizeof to, NULL);
    const hwa_arg_t args[] = {{.buffer = a}, {.buffer = b}, {.size_bytes = 16 * sizeof(float)}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = groups;
    shape.group[0] = 16;
    CHECK(hwa_launch(queue, program, args, 3, &shape, NULL, error));
    CHECK(hwa_buffer_read(b, 0, to, sizeof to, NULL, error));
    for (int g = 0; g < groups; ++g) {
        double sum = 0;
        for (int i = 0; i < 16; ++i)
            sum += (double)from[g * 16 + i];
        assert_true(fabs(sum - (double)to[g]) < 1e-5);
    }
    hwa_buffer_free(a);
    hwa_buffer_free(b);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

/* One value at every offset that the device takes, the last 4 bytes of the buffer included. */
static void takes_every_aligned_offset(void **state) {
    (void)state;
    enum { places = 40 };
    hwa_queue_t *queue = open_queue(0);
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    const uint64_t step = info.offset_alignment < 4 ? 4 : info.offset_alignment;
    const uint64_t size = (places - 1) * step + sizeof(float);
    unsigned char *model[3], *got = malloc(size);
    hwa_buffer_t *buffers[3];
    for (int i = 0; i < 3; ++i) {
        model[i] = malloc(size);
        random_floats((float *)(void *)model[i], size / sizeof(float));
        buffers[i] = make_buffer(queue, size, model[i]);
    }
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    const uint32_t one = 1;
    for (uint64_t place = 0; place < places; ++place) {
        const uint64_t at[] = {place * step, (places - 1 - place) * step,
                               (place * 7 % places) * step};
        hwa_arg_t args[4] = {{0}};
        float values[2], sum;
        for (int i = 0; i < 3; ++i)
            args[i] = (hwa_arg_t){.buffer = buffers[i], .offset = at[i], .size_bytes = 4};
        args[3] = (hwa_arg_t){.data = &one, .size_bytes = sizeof one};
        CHECK(hwa_launch(queue, program, args, 4, NULL, NULL, error));
        memcpy(&values[0], model[0] + at[0], 4);
        memcpy(&values[1], model[1] + at[1], 4);
        sum = values[0] + values[1];
        memcpy(model[2] + at[2], &sum, 4);
    }
    for (int i = 0; i < 3; ++i) {
        CHECK(hwa_buffer_read(buffers[i], 0, got, size, NULL, error));
        assert_true(memcmp(got, model[i], size) == 0);
        hwa_buffer_free(buffers[i]);
        free(model[i]);
    }
    hwa_program_free(program);
    hwa_queue_free(queue);
    free(got);
}

/* A kernel that is given a range sees nothing of what lies before it. */
static void passes_ranges(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    const uint64_t at = info.offset_alignment < 4 ? 4 : info.offset_alignment;
    const uint64_t size = at + 64 * sizeof(float);
    float *x = malloc(size);
    random_floats(x, size / sizeof(float));
    hwa_buffer_t *buffer = make_buffer(queue, size, x);
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    const uint32_t n = 64;
    hwa_arg_t args[] = {{.buffer = buffer, .offset = at},
                        {.buffer = buffer, .offset = at, .size_bytes = 64 * sizeof(float)},
                        {.buffer = buffer, .offset = at},
                        {.data = &n, .size_bytes = sizeof n}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = 2;
    shape.group[0] = 32;
    CHECK(hwa_launch(queue, program, args, 4, &shape, NULL, error));
    float *got = malloc(size);
    CHECK(hwa_buffer_read(buffer, 0, got, size, NULL, error));
    for (size_t i = 0; i < size / sizeof(float); ++i)
        assert_true(got[i] == (i < at / sizeof(float) ? x[i] : 2 * x[i]));
    if (info.offset_alignment > 1) {
        args[0].offset = at + 1;
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 4, &shape, NULL, error));
    }
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
    free(x);
    free(got);
}

/* SPIR-V has been compiled already: what is wrong with it is told by the word. */
static void quotes_the_word(void) {
    hwa_queue_t *queue = open_queue(0);
    hwa_kernel_desc_t kernel = spirv_of(KERNEL_ADD);
    const hwa_kernel_desc_t *variants[] = {&kernel};
    hwa_program_t *program = NULL;
    hwa_error_t why = {0};
    kernel.code_bytes -= 4;
    assert_int_equal(hwa_program_from_kernel(queue, variants, 1, &program, &why), HWA_ERROR_BUILD);
    assert_null(program);
    assert_non_null(strstr(why.message, "word "));
    assert_string_equal(hwa_queue_build_log(queue), why.message);
    kernel.code_bytes += 4;
    kernel.entry = "other";
    assert_int_equal(hwa_program_from_kernel(queue, variants, 1, &program, &why),
                     HWA_ERROR_NOT_FOUND);
    assert_non_null(strstr(why.message, "main"));
    assert_null(hwa_queue_build_log(queue));
    hwa_queue_free(queue);
}

static void quotes_the_compiler(void **state) {
    (void)state;
    if (is_host())
        return; /* its kernels are built already */
    if (strcmp(the_runtime, "vulkan") == 0) {
        quotes_the_word();
        return;
    }
    hwa_queue_t *queue = open_queue(0);
    const int cuda = strcmp(the_runtime, "cuda") == 0;
    const char *start = cuda ? "extern \"C\" __global__ void" : "__kernel void";
    const char *space = cuda ? "" : "__global ";
    char code[20000];
    snprintf(code, sizeof code, "%s k(%sint *x) { x[0] = undeclared_name; }\n", start, space);
    for (int i = 0; strlen(code) < 9000; ++i)
        snprintf(code + strlen(code), 200, "%s k%d(%sint *x) { *x = wrong_%d; }\n", start, i, space,
                 i);
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = cuda ? HWA_CODE_CUDA_C : HWA_CODE_OPENCL_C;
    kernel.code = code;
    kernel.code_bytes = strlen(code);
    kernel.entry = "k";
    const hwa_kernel_desc_t *variants[] = {&kernel};
    hwa_program_t *program = NULL;
    hwa_error_t why = {0};
    assert_int_equal(hwa_program_from_kernel(queue, variants, 1, &program, &why), HWA_ERROR_BUILD);
    assert_null(program);
    assert_non_null(strstr(why.message, "undeclared_name"));
    const char *log = hwa_queue_build_log(queue);
    assert_non_null(log);
    assert_non_null(strstr(log, "undeclared_name"));
    assert_non_null(strstr(log, "wrong_9"));

    const hwa_attr_t attrs[] = {{.key = "m", .type = HWA_ATTR_INT, .i = 2},
                                {.key = "n", .type = HWA_ATTR_INT, .i = 2},
                                {.key = "k", .type = HWA_ATTR_INT, .i = 2}};
    CHECK(hwa_program_from_op(queue, "gemm", attrs, 3, &program, error));
    log = hwa_queue_build_log(queue); /* now of the operation */
    assert_true(log == NULL || strstr(log, "undeclared_name") == NULL);
    hwa_program_free(program);

    kernel.code = cuda ? "extern \"C\" __global__ void other() {}" : "__kernel void other(void) {}";
    kernel.code_bytes = strlen(kernel.code);
    REFUSED(HWA_ERROR_NOT_FOUND, hwa_program_from_kernel(queue, variants, 1, &program, error));
    kernel.entry = "other";
    CHECK(hwa_program_from_kernel(queue, variants, 1, &program, error));
    log = hwa_queue_build_log(queue);
    assert_true(log == NULL || strstr(log, "undeclared_name") == NULL);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static const struct CMUnitTest launches_tests[] = {
    cmocka_unit_test(adds_vectors),
    cmocka_unit_test(passes_values),
    cmocka_unit_test(runs_every_group_once),
    cmocka_unit_test(gives_scratch_to_each_group),
    cmocka_unit_test(takes_every_aligned_offset),
    cmocka_unit_test(passes_ranges),
    cmocka_unit_test(quotes_the_compiler),
};
GROUP(launches);
