/* SPDX-License-Identifier: MIT */
/* Operations at the edges of what they take: factors that are 0 or too large, sizes past a grid,
   queues that are busy. */
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static hwa_attr_t number(const char *key, int64_t value) {
    const hwa_attr_t attr = {.key = key, .type = HWA_ATTR_INT, .i = value};
    return attr;
}

static hwa_attr_t real(const char *key, double value) {
    const hwa_attr_t attr = {.key = key, .type = HWA_ATTR_REAL, .r = value};
    return attr;
}

static hwa_attr_t text(const char *key, const char *value) {
    const hwa_attr_t attr = {.key = key, .type = HWA_ATTR_TEXT, .s = value};
    return attr;
}

static hwa_program_t *make(hwa_queue_t *queue, const char *op, const hwa_attr_t *attrs,
                           uint32_t count) {
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_op(queue, op, attrs, count, &program, error));
    return program;
}

/* A kernel that waits for the flag behind `user`, but not so long that a test would hang. */
static int32_t wait_for_flag(void *user, const hwa_host_call_t *call) {
    (void)call;
    for (int i = 0; i < 3000; ++i) {
        if (__atomic_load_n((int *)user, __ATOMIC_ACQUIRE))
            return 0;
        const struct timespec millisecond = {.tv_nsec = 1000000};
        nanosleep(&millisecond, NULL);
    }
    return 7;
}

/* To make a reduction does not wait for what the queue has to do before. */
static void makes_reductions_on_a_busy_queue(void **state) {
    (void)state;
    if (the_cpu() == NULL)
        skip();
    hwa_queue_t *first = open_on(the_cpu(), 0);
    hwa_queue_t *queue = open_queue(0);
    static const float x[3] = {1, 2, 4};
    hwa_arg_t args[] = {{.buffer = make_buffer(queue, sizeof x, x)},
                        {.buffer = make_buffer(queue, sizeof *x, NULL)}};
    int flag = 0;
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_HOST;
    kernel.host = wait_for_flag;
    kernel.host_user = &flag;
    const hwa_kernel_desc_t *const variants[] = {&kernel};
    hwa_program_t *program = NULL;
    hwa_event_t *event = NULL;
    CHECK(hwa_program_from_kernel(first, variants, 1, &program, error));
    CHECK(hwa_launch(first, program, NULL, 0, NULL, &event, error));
    CHECK(hwa_queue_wait(queue, event, error));
    const hwa_attr_t attrs[] = {number("n", 3)};
    hwa_program_t *sum = make(queue, "reduce", attrs, 1);
    CHECK(hwa_launch(queue, sum, args, 2, NULL, NULL, error));
    __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
    float y = 0;
    CHECK(hwa_buffer_read(args[1].buffer, 0, &y, sizeof y, NULL, error));
    assert_true(y == 7);
    hwa_buffer_free(args[0].buffer);
    hwa_buffer_free(args[1].buffer);
    hwa_event_free(event);
    hwa_program_free(program);
    hwa_program_free(sum);
    hwa_queue_free(queue);
    hwa_queue_free(first);
}

/* The whole of a product whose A holds `a` everywhere, B 1 and C `c`; C is to hold `want`. */
typedef struct product_t {
    const char *provider; /* NULL: the first */
    int64_t m, n, k;
    double alpha, beta;
    float a, c;
    double want;
} product_t;

static hwa_buffer_t *constant(hwa_queue_t *queue, int64_t count, float value) {
    float *content = malloc((size_t)count * sizeof value);
    for (int64_t i = 0; i < count; ++i)
        content[i] = value;
    hwa_buffer_t *made = make_buffer(queue, (uint64_t)count * sizeof value, content);
    free(content);
    return made;
}

static void multiply(hwa_queue_t *queue, const product_t *p) {
    const hwa_attr_t attrs[] = {number("m", p->m),     number("n", p->n),
                                number("k", p->k),     real("alpha", p->alpha),
                                real("beta", p->beta), text("provider", p->provider)};
    hwa_program_t *program = NULL;
    hwa_error_t why = {0};
    if (hwa_program_from_op(queue, "gemm", attrs, p->provider == NULL ? 5 : 6, &program, &why)) {
        assert_int_equal(why.status, HWA_ERROR_UNSUPPORTED); /* a library that is not here */
        assert_non_null(p->provider);
        assert_string_not_equal(p->provider, "builtin");
        return;
    }
    const hwa_arg_t args[] = {{.buffer = constant(queue, p->m * p->k, p->a)},
                              {.buffer = constant(queue, p->k * p->n, 1)},
                              {.buffer = constant(queue, p->m * p->n, p->c)}};
    const size_t count = (size_t)(p->m * p->n);
    float *got = malloc(count * sizeof *got);
    CHECK(hwa_launch(queue, program, args, 3, NULL, NULL, error));
    CHECK(hwa_buffer_read(args[2].buffer, 0, got, count * sizeof *got, NULL, error));
    for (size_t i = 0; i < count; ++i)
        if ((double)got[i] != p->want)
            fail_msg("%s, %d x %d: element %zu is %g, not %g", p->provider ? p->provider : "first",
                     (int)p->m, (int)p->n, i, (double)got[i], p->want);
    free(got);
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(args[i].buffer);
    hwa_program_free(program);
}

/* At an alpha of 0, A and B are not read, and at a beta of 0 C is not, whoever multiplies; nor does
   a factor count that is 0 in the format of the elements. */
static void multiplies_by_nothing(void **state) {
    (void)state;
    static const char *const providers[] = {NULL, "onednn", "openblas", "blis", "builtin"};
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < sizeof providers / sizeof *providers; ++i) {
        const product_t rows[] = {
            {providers[i], 40, 50, 300, 0, 2, NAN, 3, 6},
            {providers[i], 40, 50, 300, 0, 0, NAN, NAN, 0},
            {providers[i], 40, 50, 60, 1, 1e-60, 1, NAN, 60},
            {providers[i], 40, 50, 60, 1e-60, 1, INFINITY, 3, 3},
        };
        for (size_t j = 0; j < sizeof rows / sizeof *rows; ++j)
            multiply(queue, &rows[j]);
    }
    hwa_queue_free(queue);
}

/* More rows or columns than a grid has groups in one direction, on many devices. */
static void multiplies_past_a_grid(void **state) {
    (void)state;
    static const product_t rows[] = {{"builtin", 1048600, 1, 3, 1, 0, 2, 1, 6},
                                     {"builtin", 1, 4194400, 2, 1, 1, 2, 1, 5}};
    hwa_queue_t *queue = open_queue(0);
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    /* The fake has threads that are slow, and a grid that is large. */
    const size_t count = info.grid_limit[0] > 65535 ? 0 : sizeof rows / sizeof *rows;
    for (size_t i = 0; i < count; ++i)
        multiply(queue, &rows[i]);
    hwa_queue_free(queue);
}

static void refuses_factors_out_of_range(void **state) {
    (void)state;
    static const struct {
        const char *op, *key, *dtype;
        double value;
        hwa_status_t status;
    } rows[] = {
        {"gemm", "alpha", "f32", 1e300, HWA_ERROR_INVALID},
        {"gemm", "beta", "f32", -1e39, HWA_ERROR_INVALID},
        {"axpby", "alpha", "f32", 1e39, HWA_ERROR_INVALID},
        {"axpby", "beta", "f32", -1e300, HWA_ERROR_INVALID},
        {"axpby", "beta", "f32", -3e38, HWA_OK},
    };
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const hwa_attr_t attrs[] = {number("n", 4), text("dtype", rows[i].dtype),
                                    real(rows[i].key, rows[i].value), number("m", 4),
                                    number("k", 4)};
        hwa_program_t *program = NULL;
        assert_int_equal(hwa_program_from_op(queue, rows[i].op, attrs, rows[i].op[0] == 'g' ? 5 : 3,
                                             &program, NULL),
                         rows[i].status);
        hwa_program_free(program);
    }
    hwa_queue_free(queue);
}

/* What `op` makes of x, and of y if there is one, in one element of four bytes. */
static uint32_t compute(hwa_queue_t *queue, const char *op, const hwa_attr_t *attrs, uint32_t count,
                        const void *x, const void *y) {
    hwa_program_t *program = make(queue, op, attrs, count);
    const uint64_t bytes = (uint64_t)attrs[0].i * 4;
    hwa_arg_t args[3] = {{.buffer = make_buffer(queue, bytes, x)}};
    uint32_t last = 1;
    if (y != NULL)
        args[last++].buffer = make_buffer(queue, bytes, y);
    args[last].buffer = make_buffer(queue, bytes, NULL);
    uint32_t got = 0;
    CHECK(hwa_launch(queue, program, args, last + 1, NULL, NULL, error));
    CHECK(hwa_buffer_read(args[last].buffer, 0, &got, sizeof got, NULL, error));
    for (uint32_t i = 0; i <= last; ++i)
        hwa_buffer_free(args[i].buffer);
    hwa_program_free(program);
    return got;
}

/* Memory in place that starts within an element is no place for elements. */
static void refuses_memory_within_an_element(void **state) {
    (void)state;
    static float place[9];
    hwa_queue_t *queue = open_queue(0);
    const hwa_attr_t attrs[] = {number("n", 8)};
    hwa_program_t *program = make(queue, "fill", attrs, 1);
    for (uint64_t byte = 0; byte < 4 && is_host(); ++byte) {
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        desc.size_bytes = 32;
        desc.host = (char *)place + byte;
        hwa_arg_t y = {.size_bytes = 32};
        CHECK(hwa_buffer_create(queue, &desc, &y.buffer, error));
        assert_int_equal(hwa_launch(queue, program, &y, 1, NULL, NULL, NULL),
                         byte == 0 ? HWA_OK : HWA_ERROR_INVALID);
        CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
        hwa_buffer_free(y.buffer);
    }
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void adds_past_the_range(void **state) {
    (void)state;
    enum { n = 5000 };
    static int32_t x[n];
    uint32_t sum = 0;
    for (int i = 0; i < n; ++i) {
        x[i] = INT32_MAX - (int32_t)random_below(1000);
        sum += (uint32_t)x[i];
    }
    hwa_queue_t *queue = open_queue(0);
    const hwa_attr_t attrs[] = {number("n", n), text("dtype", "i32")};
    assert_int_equal(compute(queue, "reduce", attrs, 2, x, NULL), sum);
    /* A factor that is 0 in f32 is 0 everywhere. */
    const float one = 1, no_number = NAN;
    const hwa_attr_t factors[] = {number("n", 1), real("alpha", 2), real("beta", 1e-60)};
    const uint32_t bits = compute(queue, "axpby", factors, 3, &one, &no_number);
    float z;
    memcpy(&z, &bits, sizeof z);
    assert_true(z == 2);
    hwa_queue_free(queue);
}

static const struct CMUnitTest edges_tests[] = {
    cmocka_unit_test(makes_reductions_on_a_busy_queue),
    cmocka_unit_test(multiplies_by_nothing),
    cmocka_unit_test(multiplies_past_a_grid),
    cmocka_unit_test(refuses_factors_out_of_range),
    cmocka_unit_test(refuses_memory_within_an_element),
    cmocka_unit_test(adds_past_the_range),
};
GROUP(edges);
