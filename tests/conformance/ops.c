/* SPDX-License-Identifier: MIT */
/* The operations on vectors, with fresh numbers in every run, against sums in double. */
#include "suite.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t state_of_fresh;

/* SplitMix64 by Steele, Lea and Flood. */
static uint64_t fresh(void) {
    uint64_t z = state_of_fresh += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static double fresh_real(void) {
    return (double)(fresh() >> 11) / 4503599627370496.0 - 1.0;
}

/* What a failure of this run is repeated with: HWA_TEST_SEED. */
static int take_seed(void **state) {
    (void)state;
    const char *given = getenv("HWA_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    state_of_fresh = given != NULL ? strtoull(given, NULL, 0)
                                   : (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
    print_message("HWA_TEST_SEED=%llu\n", (unsigned long long)state_of_fresh);
    return 0;
}

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

/* Formats of a test; `whole` for integers. */
typedef struct format_t {
    const char *name;
    hwa_dtype_t dtype;
    size_t bytes;
    int whole;
} format_t;

static const format_t f32 = {"f32", HWA_DTYPE_F32, 4, 0};
static const format_t f64 = {"f64", HWA_DTYPE_F64, 8, 0};

/* Whether the device says that it computes in f64; processors do. */
static int has_f64(void) {
    hwa_compute_info_t skill = HWA_INIT(hwa_compute_info_t);
    return is_host() || (hwa_device_compute(the_device, HWA_DTYPE_F64, &skill) == HWA_OK &&
                         skill.support == HWA_SUPPORT_NATIVE);
}

/* Where a range may start: what the queue asks for, and no less than a large element. */
static uint64_t step_of(hwa_queue_t *queue) {
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    return info.offset_alignment < 16 ? 16 : info.offset_alignment;
}

/* Runs an operation on `count` buffers of so many bytes. Each lies behind a margin of one step in a
   larger buffer, and what lies around the last one must stay as it was. */
typedef struct run_t {
    hwa_queue_t *queue;
    hwa_program_t *program;
    uint32_t count;
    const void *in[3]; /* NULL: random bytes */
    uint64_t bytes[3];
    void *out; /* of the last */
    int same;  /* the last argument is the range of the first */
} run_t;

static void run(const run_t *it) {
    const uint64_t step = step_of(it->queue);
    hwa_buffer_t *buffers[3] = {NULL, NULL, NULL};
    hwa_arg_t args[3];
    memset(args, 0, sizeof args);
    const uint32_t last = it->count - 1;
    uint8_t *before = NULL;
    const uint64_t whole = it->bytes[last] + 2 * step;
    for (uint32_t i = 0; i < it->count; ++i) {
        const uint64_t size = it->bytes[i] + 2 * step;
        uint8_t *content = malloc(size);
        for (uint64_t j = 0; j < size; ++j)
            content[j] = (uint8_t)fresh();
        if (it->in[i] != NULL)
            memcpy(content + step, it->in[i], it->bytes[i]);
        const int shared = i == last && it->same;
        buffers[i] = shared ? NULL : make_buffer(it->queue, size, content);
        args[i].buffer = shared ? buffers[0] : buffers[i];
        args[i].offset = step;
        args[i].size_bytes = it->bytes[i];
        if (i == (it->same ? 0 : last))
            before = content;
        else
            free(content);
    }
    CHECK(hwa_launch(it->queue, it->program, args, it->count, NULL, NULL, error));
    uint8_t *after = malloc(whole);
    CHECK(hwa_buffer_read(args[last].buffer, 0, after, whole, NULL, error));
    assert_memory_equal(after, before, step);
    assert_memory_equal(after + step + it->bytes[last], before + step + it->bytes[last], step);
    memcpy(it->out, after + step, it->bytes[last]);
    free(before);
    free(after);
    for (uint32_t i = 0; i < it->count; ++i)
        hwa_buffer_free(buffers[i]);
}

static hwa_program_t *make(hwa_queue_t *queue, const char *op, const hwa_attr_t *attrs,
                           uint32_t count) {
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_op(queue, op, attrs, count, &program, error));
    return program;
}

static const uint64_t sizes[] = {1, 2, 3, 7, 64, 1000, 1023, 4099, 32768, 65537, 1000003};
enum { size_count = sizeof sizes / sizeof *sizes };

/* A value in every format that fill takes, and the bytes it is stored as. */
typedef struct filling_t {
    const char *dtype;
    hwa_attr_t value;
    uint64_t bits;
    size_t bytes;
} filling_t;

static void fill_one(hwa_queue_t *queue, const filling_t *row, uint64_t n) {
    const hwa_attr_t attrs[] = {number("n", (int64_t)n), text("dtype", row->dtype), row->value};
    run_t it = {.queue = queue, .count = 1};
    it.program = make(queue, "fill", attrs, 3);
    it.bytes[0] = n * row->bytes;
    uint8_t *got = malloc(it.bytes[0]);
    it.out = got;
    run(&it);
    for (uint64_t i = 0; i < n; ++i)
        if (memcmp(got + i * row->bytes, &row->bits, row->bytes) != 0)
            fail_msg("%llu of %s: element %llu is wrong", (unsigned long long)n, row->dtype,
                     (unsigned long long)i);
    free(got);
    hwa_program_free(it.program);
}

static void fills(void **state) {
    (void)state;
    const filling_t rows[] = {
        {"f32", real("value", 1.5), 0x3fc00000, 4},
        {"f64", real("value", -2), 0xc000000000000000, 8},
        {"f16", real("value", 1.0 / 3), 0x3555, 2},
        {"bf16", real("value", 1.0 / 3), 0x3eab, 2},
        {"f16", real("value", 6e-8), 0x0001, 2},
        {"f16", real("value", 0), 0x0000, 2},
        {"bf16", real("value", -0.0), 0x8000, 2},
        {"bf16", real("value", -2), 0xc000, 2},
        {"i8", number("value", -3), 0xfd, 1},
        {"u8", number("value", 255), 0xff, 1},
        {"i16", number("value", -300), 0xfed4, 2},
        {"u32", number("value", 4000000000), 0xee6b2800, 4},
        {"i64", number("value", INT64_MIN), 0x8000000000000000, 8},
        {"i32", real("value", 7), 7, 4},
    };
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        for (size_t j = 0; j < size_count; j += i < 2 ? 1 : 3)
            fill_one(queue, &rows[i], sizes[j]);
    hwa_queue_free(queue);
}

static void copies(void **state) {
    (void)state;
    static const format_t rows[] = {{"f32", HWA_DTYPE_F32, 4, 0},
                                    {"f64", HWA_DTYPE_F64, 8, 0},
                                    {"bf16", HWA_DTYPE_BF16, 2, 0},
                                    {"u8", HWA_DTYPE_U8, 1, 1}};
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        for (size_t j = 0; j < size_count; ++j) {
            const uint64_t bytes = sizes[j] * rows[i].bytes;
            uint8_t *from = malloc(bytes);
            uint8_t *to = malloc(bytes);
            for (uint64_t k = 0; k < bytes; ++k)
                from[k] = (uint8_t)fresh();
            const hwa_attr_t attrs[] = {number("n", (int64_t)sizes[j]),
                                        text("dtype", rows[i].name)};
            run_t it = {.queue = queue, .count = 2, .in = {from}, .out = to};
            it.program = make(queue, "copy", attrs, 2);
            it.bytes[0] = it.bytes[1] = bytes;
            run(&it);
            assert_memory_equal(to, from, bytes);
            hwa_program_free(it.program);
            free(from);
            free(to);
        }
    hwa_queue_free(queue);
}

static double element(const format_t *format, const void *at, uint64_t i) {
    switch (format->dtype) {
    case HWA_DTYPE_F64:
        return ((const double *)at)[i];
    case HWA_DTYPE_I32:
        return ((const int32_t *)at)[i];
    case HWA_DTYPE_U32:
        return ((const uint32_t *)at)[i];
    case HWA_DTYPE_I64:
        return (double)((const int64_t *)at)[i];
    default:
        return (double)((const float *)at)[i];
    }
}

/* Reals of -1 to 1, or integers so small that their sum is exact in double. */
static void *vector(const format_t *format, uint64_t n) {
    uint8_t *made = malloc(n * format->bytes);
    for (uint64_t i = 0; i < n; ++i) {
        const int64_t whole =
            (int64_t)(fresh() % 2001) - (format->dtype == HWA_DTYPE_U32 ? 0 : 1000);
        const double wide = fresh_real();
        const float narrow = (float)fresh_real();
        const void *from = format->whole        ? (const void *)&whole
                           : format->bytes == 8 ? (const void *)&wide
                                                : (const void *)&narrow;
        memcpy(made + i * format->bytes, from, format->bytes);
    }
    return made;
}

static void add_one(hwa_queue_t *queue, const format_t *format, uint64_t n, double alpha,
                    double beta, int same) {
    void *x = vector(format, n);
    void *y = vector(format, n);
    void *z = malloc(n * format->bytes);
    if (beta == 0) /* then y is not read: not even what is no number */
        memset(y, 0xff, n * format->bytes);
    const hwa_attr_t attrs[] = {number("n", (int64_t)n), text("dtype", format->name),
                                real("alpha", alpha), real("beta", beta)};
    run_t it = {.queue = queue, .count = 3, .in = {x, y}, .out = z, .same = same};
    it.program = make(queue, "axpby", attrs, 4);
    for (int i = 0; i < 3; ++i)
        it.bytes[i] = n * format->bytes;
    run(&it);
    const double unit = format->bytes == 8 ? DBL_EPSILON : FLT_EPSILON;
    for (uint64_t i = 0; i < n; ++i) {
        const double a = alpha * element(format, x, i);
        const double b = beta == 0 ? 0 : beta * element(format, y, i);
        if (!(fabs(element(format, z, i) - (a + b)) <= 2 * unit * (fabs(a) + fabs(b))))
            fail_msg("%llu of %s: z[%llu] is %.17g, not %.17g", (unsigned long long)n, format->name,
                     (unsigned long long)i, element(format, z, i), a + b);
    }
    hwa_program_free(it.program);
    free(x);
    free(y);
    free(z);
}

static void adds(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < size_count; ++i) {
        add_one(queue, &f32, sizes[i], 1, 1, 0);
        add_one(queue, &f32, sizes[i], -0.75, i % 2 == 0 ? 0 : 2.5, i % 3 == 0);
        if (has_f64())
            add_one(queue, &f64, sizes[i], 0.1, -3, i % 2 == 0);
    }
    hwa_queue_free(queue);
}

/* The largest error of a sum, and the exact value of an extreme. */
static void reduce_one(hwa_queue_t *queue, const format_t *format, const char *how, uint64_t n) {
    void *x = vector(format, n);
    uint8_t y[8];
    const hwa_attr_t attrs[] = {number("n", (int64_t)n), text("dtype", format->name),
                                text("op", how)};
    run_t it = {.queue = queue, .count = 2, .in = {x}, .out = y};
    it.program = make(queue, "reduce", attrs, 3);
    it.bytes[0] = n * format->bytes;
    it.bytes[1] = format->bytes;
    run(&it);
    long double sum = 0;
    double scale = 0;
    double least = element(format, x, 0);
    double most = least;
    for (uint64_t i = 0; i < n; ++i) {
        const double value = element(format, x, i);
        sum += value;
        scale += fabs(value);
        least = value < least ? value : least;
        most = value > most ? value : most;
    }
    const double unit = format->whole ? 0 : format->bytes == 8 ? DBL_EPSILON : FLT_EPSILON;
    const double want = how[0] == 's' ? (double)sum : how[1] == 'i' ? least : most;
    const double allowed = how[0] == 's' ? unit * (fabs(want) + 1e-3 * scale) : 0;
    const double got = element(format, y, 0);
    if (!(fabs(got - want) <= allowed))
        fail_msg("%s of %llu %s is %.17g, not %.17g", how, (unsigned long long)n, format->name, got,
                 want);
    /* Once more on the same numbers: the same bits, and nothing left over from the first run. */
    uint8_t again[8];
    it.out = again;
    run(&it);
    assert_memory_equal(again, y, format->bytes);
    hwa_program_free(it.program);
    free(x);
}

static void reduces(void **state) {
    (void)state;
    static const format_t rows[] = {{"f32", HWA_DTYPE_F32, 4, 0},
                                    {"i32", HWA_DTYPE_I32, 4, 1},
                                    {"u32", HWA_DTYPE_U32, 4, 1},
                                    {"f64", HWA_DTYPE_F64, 8, 0},
                                    {"i64", HWA_DTYPE_I64, 8, 1}};
    static const char *const how[] = {"sum", "min", "max"};
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        if (rows[i].dtype == HWA_DTYPE_F64 && !has_f64())
            continue;
        for (size_t j = 0; j < 3; ++j)
            for (size_t k = (i + j) % 2; k < size_count; k += 2)
                reduce_one(queue, &rows[i], how[j], sizes[k]);
    }
    reduce_one(queue, &f32, "sum", 5000011);
    hwa_queue_free(queue);
}

static float reduce_floats(hwa_queue_t *queue, const char *how, const float *x, uint64_t n) {
    const hwa_attr_t attrs[] = {number("n", (int64_t)n), text("op", how)};
    float y = 0;
    run_t it = {.queue = queue, .count = 2, .in = {x}, .out = &y};
    it.program = make(queue, "reduce", attrs, 2);
    it.bytes[0] = n * sizeof *x;
    it.bytes[1] = sizeof y;
    run(&it);
    hwa_program_free(it.program);
    return y;
}

/* What is no number comes through, and so does what is infinite. */
static void reduces_what_is_no_number(void **state) {
    (void)state;
    enum { n = 70001 };
    float *x = vector(&f32, n);
    hwa_queue_t *queue = open_queue(0);
    x[12345] = INFINITY;
    assert_true(reduce_floats(queue, "sum", x, n) == INFINITY);
    assert_true(reduce_floats(queue, "max", x, n) == INFINITY);
    assert_true(isfinite(reduce_floats(queue, "min", x, n)));
    x[777] = NAN;
    assert_true(isnan(reduce_floats(queue, "sum", x, n)));
    assert_true(isnan(reduce_floats(queue, "max", x, n)));
    assert_true(isnan(reduce_floats(queue, "min", x, n)));
    hwa_queue_free(queue);
    free(x);
}

static void refuses_attributes(void **state) {
    (void)state;
    const struct {
        const char *op;
        hwa_status_t status;
        hwa_attr_t attrs[2];
        uint32_t count;
    } rows[] = {
        {"fill", HWA_ERROR_INVALID, {text("dtype", "f32")}, 1},
        {"fill", HWA_ERROR_INVALID, {number("n", 0)}, 1},
        {"fill", HWA_ERROR_INVALID, {number("n", INT64_MAX)}, 1},
        {"fill", HWA_ERROR_INVALID, {number("n", 4), number("n", 4)}, 2},
        {"fill", HWA_ERROR_INVALID, {number("n", 4), text("value", "1")}, 2},
        {"fill", HWA_ERROR_INVALID, {number("n", 4), real("value", 1e300)}, 2},
        {"fill", HWA_ERROR_UNSUPPORTED, {number("n", 4), text("dtype", "q4_k")}, 2},
        {"copy", HWA_ERROR_INVALID, {number("n", 4), real("alpha", 1)}, 2},
        {"axpby", HWA_ERROR_UNSUPPORTED, {number("n", 4), text("dtype", "i32")}, 2},
        {"axpby", HWA_ERROR_INVALID, {number("n", 4), text("alpha", "x")}, 2},
        {"reduce", HWA_ERROR_INVALID, {number("n", 4), text("op", "mean")}, 2},
        {"reduce", HWA_ERROR_INVALID, {number("n", 4), number("op", 1)}, 2},
        {"reduce", HWA_ERROR_UNSUPPORTED, {number("n", 4), text("provider", "nobody")}, 2},
        {"reduce", HWA_ERROR_INVALID, {number("n", 4), number("provider", 1)}, 2},
    };
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i)
        REFUSED(rows[i].status, hwa_program_from_op(queue, rows[i].op, rows[i].attrs, rows[i].count,
                                                    &program, error));
    hwa_queue_free(queue);
}

static void refuses_buffers(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_queue_t *sharing = open_sharing(queue);
    const hwa_attr_t attrs[] = {number("n", 64)};
    hwa_program_t *add = make(queue, "axpby", attrs, 1);
    hwa_program_t *move = make(queue, "copy", attrs, 1);
    hwa_program_t *sum = make(queue, "reduce", attrs, 1);
    const uint64_t step = step_of(queue);
    hwa_buffer_t *buffer = make_buffer(queue, 512 + 2 * step, NULL);
    hwa_buffer_t *other = make_buffer(queue, 256, NULL);
    hwa_arg_t args[] = {{.buffer = buffer}, {.buffer = other}, {.buffer = buffer}};
    args[2].offset = step; /* over a part of x */
    if (step < 256)
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, add, args, 3, NULL, NULL, error));
    args[2].offset = 0;
    CHECK(hwa_launch(queue, add, args, 3, NULL, NULL, error));
    args[1].buffer = buffer;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, move, args, 2, NULL, NULL, error));
    args[1].buffer = other;
    args[1].offset = 255;
    args[1].size_bytes = 1;
    hwa_error_t why = {0};
    assert_int_not_equal(hwa_launch(queue, sum, args, 2, NULL, NULL, &why), HWA_OK);
    args[1].offset = 0;
    args[1].size_bytes = 0;
    CHECK(hwa_launch(queue, sum, args, 2, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    REFUSED(HWA_ERROR_INVALID, hwa_launch(sharing, sum, args, 2, NULL, NULL, error));
    CHECK(hwa_launch(sharing, add, args, 3, NULL, NULL, error));
    CHECK(hwa_queue_finish(sharing, HWA_FOREVER, error));
    hwa_buffer_free(buffer);
    hwa_buffer_free(other);
    hwa_program_free(add);
    hwa_program_free(move);
    hwa_program_free(sum);
    hwa_queue_free(sharing);
    hwa_queue_free(queue);
}

static const struct CMUnitTest ops_tests[] = {
    cmocka_unit_test_setup(fills, take_seed),
    cmocka_unit_test_setup(copies, take_seed),
    cmocka_unit_test_setup(adds, take_seed),
    cmocka_unit_test_setup(reduces, take_seed),
    cmocka_unit_test_setup(reduces_what_is_no_number, take_seed),
    cmocka_unit_test(refuses_attributes),
    cmocka_unit_test(refuses_buffers),
};
GROUP(ops);
