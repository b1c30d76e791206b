/* SPDX-License-Identifier: MIT */
/* The operation gemm against a product in double. */
#include "suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct product_t {
    int64_t m, n, k;
    int64_t transpose_a, transpose_b;
    double alpha, beta;
    int64_t pad; /* added to every leading dimension */
} product_t;

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

static double element(const void *at, int is_double, int64_t index) {
    return is_double ? ((const double *)at)[index] : (double)((const float *)at)[index];
}

static void *random_matrix(int is_double, int64_t count) {
    void *made = malloc((size_t)count * (is_double ? sizeof(double) : sizeof(float)));
    for (int64_t i = 0; i < count; ++i) {
        if (is_double)
            ((double *)made)[i] = random_number();
        else
            ((float *)made)[i] = (float)random_number();
    }
    return made;
}

/* The three matrices as they were, and C as it is afterwards. */
typedef struct matrices_t {
    void *a, *b, *c, *after;
    int64_t lda, ldb, ldc;
    int is_double;
} matrices_t;

/* And in `size` the sum of what was added, without the signs. */
static double reference(const product_t *p, const matrices_t *all, int64_t i, int64_t j,
                        double *size) {
    double sum = 0;
    *size = 0;
    for (int64_t q = 0; q < p->k; ++q) {
        const double one =
            element(all->a, all->is_double, p->transpose_a ? q * all->lda + i : i * all->lda + q) *
            element(all->b, all->is_double, p->transpose_b ? j * all->ldb + q : q * all->ldb + j);
        sum += one;
        *size += fabs(one);
    }
    const double old = p->beta == 0 ? 0 : element(all->c, all->is_double, i * all->ldc + j);
    *size = fabs(p->alpha) * *size + fabs(p->beta * old);
    return p->alpha * sum + p->beta * old;
}

static void check(const product_t *p, const matrices_t *all) {
    /* What roundings add up to if they are as often up as down (Higham and Mary, 2019), doubled. */
    const double rounding = all->is_double ? 1.2e-16 : 6e-8;
    const double factor = 2 * rounding * (sqrt((double)p->k) + 4);
    for (int64_t i = 0; i < p->m; ++i)
        for (int64_t j = 0; j < (i + 1 < p->m ? all->ldc : p->n); ++j) {
            const double old = element(all->c, all->is_double, i * all->ldc + j);
            const double got = element(all->after, all->is_double, i * all->ldc + j);
            if (j >= p->n && got != old && !(isnan(got) && isnan(old)))
                fail_msg("the gap behind row %d was written", (int)i);
            if (j >= p->n)
                continue;
            double size;
            const double want = reference(p, all, i, j, &size);
            if (!(fabs(got - want) <= factor * size + 1e-12))
                fail_msg("%d x %d x %d, transposed %d %d: C[%d][%d] is %.9g, not %.9g", (int)p->m,
                         (int)p->n, (int)p->k, (int)p->transpose_a, (int)p->transpose_b, (int)i,
                         (int)j, got, want);
        }
}

static hwa_program_t *make_gemm(hwa_queue_t *queue, const product_t *p, const matrices_t *all) {
    const hwa_attr_t attrs[] = {number("m", p->m),
                                number("n", p->n),
                                number("k", p->k),
                                number("transpose_a", p->transpose_a),
                                number("lda", all->lda),
                                number("transpose_b", p->transpose_b),
                                number("ldb", all->ldb),
                                number("ldc", all->ldc),
                                real("alpha", p->alpha),
                                real("beta", p->beta),
                                text("dtype", all->is_double ? "f64" : "f32")};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_op(queue, "gemm", attrs, sizeof attrs / sizeof *attrs, &program, error));
    return program;
}

static void multiply(hwa_queue_t *queue, const product_t *p, int is_double) {
    matrices_t all;
    all.is_double = is_double;
    all.lda = (p->transpose_a ? p->m : p->k) + p->pad;
    all.ldb = (p->transpose_b ? p->k : p->n) + p->pad;
    all.ldc = p->n + p->pad;
    const int64_t counts[] = {(p->transpose_a ? p->k : p->m) * all.lda,
                              (p->transpose_b ? p->n : p->k) * all.ldb, p->m * all.ldc};
    uint64_t sizes[3];
    for (int i = 0; i < 3; ++i)
        sizes[i] = (uint64_t)counts[i] * (is_double ? sizeof(double) : sizeof(float));
    all.a = random_matrix(is_double, counts[0]);
    all.b = random_matrix(is_double, counts[1]);
    all.c = random_matrix(is_double, counts[2]);
    all.after = malloc(sizes[2]);
    if (p->beta == 0) /* then C is not read: not even what is no number */
        memset(all.c, 0xff, sizes[2]);
    hwa_program_t *program = make_gemm(queue, p, &all);
    hwa_buffer_t *buffers[] = {make_buffer(queue, sizes[0], all.a),
                               make_buffer(queue, sizes[1], all.b),
                               make_buffer(queue, sizes[2], all.c)};
    const hwa_arg_t args[] = {
        {.buffer = buffers[0]}, {.buffer = buffers[1]}, {.buffer = buffers[2]}};
    CHECK(hwa_launch(queue, program, args, 3, NULL, NULL, error));
    CHECK(hwa_buffer_read(buffers[2], 0, all.after, sizes[2], NULL, error));
    check(p, &all);
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(buffers[i]);
    hwa_program_free(program);
    free(all.a);
    free(all.b);
    free(all.c);
    free(all.after);
}

static void multiplies(void **state) {
    (void)state;
    static const product_t products[] = {
        {1, 1, 1, 0, 0, 1, 0, 0},        {17, 33, 5, 0, 0, 1, 0, 0},
        {64, 64, 64, 0, 0, 2.5, 0, 0},   {97, 257, 259, 0, 0, 1, 1, 0},
        {100, 30, 70, 1, 0, -1, 0.5, 3}, {30, 100, 70, 0, 1, 1, 0, 1},
        {65, 66, 67, 1, 1, 0.25, 2, 5},  {1, 300, 40, 0, 0, 1, 0, 0},
        {300, 1, 40, 0, 1, 1, 0, 2},
    };
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < sizeof products / sizeof *products; ++i)
        multiply(queue, &products[i], 0);
    const product_t largest = {513, 300, 400, 0, 0, 1, 0, 0};
    multiply(queue, &largest, 0);
    hwa_queue_free(queue);
}

static void multiplies_in_double(void **state) {
    (void)state;
    hwa_compute_info_t skill = HWA_INIT(hwa_compute_info_t);
    if (!is_host() && (hwa_device_compute(the_device, HWA_DTYPE_F64, &skill) != HWA_OK ||
                       skill.support != HWA_SUPPORT_NATIVE)) {
        print_message("the device reports no f64\n");
        skip();
    }
    static const product_t products[] = {{50, 60, 70, 0, 0, 1, 0, 0}, {70, 50, 61, 1, 1, 2, 3, 1}};
    hwa_queue_t *queue = open_queue(0);
    for (size_t i = 0; i < 2; ++i)
        multiply(queue, &products[i], 1);
    hwa_queue_free(queue);
}

/* Half precision: elements with few bits, sums in f32. Only some providers have it. */
static void multiply_half(hwa_queue_t *queue, int is_bf16) {
    enum { m = 33, n = 40, k = 65 };
    static uint16_t a[m * k], b[n * k], c[m * n];
    const uint16_t one = is_bf16 ? 0x3f80 : 0x3c00;
    const uint16_t zero_or_one[] = {0, one, (uint16_t)(one | 0x8000)};
    const int values[] = {0, 1, -1};
    static int x[m * k], y[n * k];
    for (int i = 0; i < m * k; ++i) {
        const int pick = (int)((random_number() + 1) * 1.5) % 3;
        a[i] = zero_or_one[pick];
        x[i] = values[pick];
    }
    for (int i = 0; i < n * k; ++i) {
        const int pick = (int)((random_number() + 1) * 1.5) % 3;
        b[i] = zero_or_one[pick];
        y[i] = values[pick];
    }
    const hwa_attr_t attrs[] = {number("m", m), number("n", n), number("k", k),
                                number("transpose_b", 1), text("dtype", is_bf16 ? "bf16" : "f16")};
    hwa_program_t *program = NULL;
    hwa_error_t why = {0};
    if (hwa_program_from_op(queue, "gemm", attrs, 5, &program, &why) != HWA_OK) {
        assert_int_equal(why.status, HWA_ERROR_UNSUPPORTED);
        assert_non_null(strstr(why.message, "f16"));
        print_message("%s\n", why.message);
        return;
    }
    hwa_buffer_t *buffers[] = {make_buffer(queue, sizeof a, a), make_buffer(queue, sizeof b, b),
                               make_buffer(queue, sizeof c, c)};
    const hwa_arg_t args[] = {
        {.buffer = buffers[0]}, {.buffer = buffers[1]}, {.buffer = buffers[2]}};
    CHECK(hwa_launch(queue, program, args, 3, NULL, NULL, error));
    CHECK(hwa_buffer_read(buffers[2], 0, c, sizeof c, NULL, error));
    for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
            int want = 0;
            for (int q = 0; q < k; ++q)
                want += x[i * k + q] * y[j * k + q];
            /* Of a whole number below 128, both formats keep all. */
            const int mantissa = is_bf16 ? 7 : 10;
            const uint16_t got = c[i * n + j];
            const int exponent = (got & 0x7fff) >> mantissa;
            const double size = exponent == 0
                                    ? 0
                                    : ldexp((double)((got & ((1 << mantissa) - 1)) | 1 << mantissa),
                                            exponent - (is_bf16 ? 127 : 15) - mantissa);
            if ((got & 0x8000 ? -size : size) != want)
                fail_msg("C[%d][%d] is 0x%04x, not %d", i, j, got, want);
        }
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(buffers[i]);
    hwa_program_free(program);
}

static void multiplies_in_half(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    multiply_half(queue, 0);
    multiply_half(queue, 1);
    hwa_queue_free(queue);
}

static void describes_itself(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    const hwa_attr_t attrs[] = {number("m", 2), number("n", 3), number("k", 4),
                                number("transpose_b", 1), real("beta", 1)};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_op(queue, "gemm", attrs, 5, &program, error));
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    assert_int_equal(hwa_program_info(program, &info), HWA_OK);
    assert_string_equal(info.name, "gemm");
    assert_int_equal(info.binding_count, 3);
    print_message("gemm is run by %s\n", info.provider);
    static const struct {
        const char *name;
        uint32_t flags;
        int64_t dims[2];
    } want[] = {{"A", HWA_BINDING_INPUT, {2, 4}},
                {"B", HWA_BINDING_INPUT, {3, 4}},
                {"C", HWA_BINDING_INPUT | HWA_BINDING_OUTPUT, {2, 3}}};
    for (uint32_t i = 0; i < 3; ++i) {
        hwa_binding_t binding = HWA_INIT(hwa_binding_t);
        assert_int_equal(hwa_program_binding(program, i, &binding), HWA_OK);
        assert_string_equal(binding.name, want[i].name);
        assert_int_equal(binding.flags, want[i].flags);
        assert_int_equal(binding.dtype, HWA_DTYPE_F32);
        assert_int_equal(binding.rank, 2);
        assert_int_equal(binding.dims[0], want[i].dims[0]);
        assert_int_equal(binding.dims[1], want[i].dims[1]);
    }
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void refuses_wrong_attributes(void **state) {
    (void)state;
    static const struct {
        hwa_status_t status;
        hwa_attr_t last; /* after m, n and k */
    } rows[] = {
        {HWA_ERROR_INVALID, {.key = "m", .type = HWA_ATTR_INT, .i = 5}},
        {HWA_ERROR_INVALID, {.key = "speed", .type = HWA_ATTR_INT, .i = 5}},
        {HWA_ERROR_INVALID, {.key = "lda", .type = HWA_ATTR_INT, .i = 3}},
        {HWA_ERROR_INVALID, {.key = "lda", .type = HWA_ATTR_INT, .i = -1}},
        {HWA_ERROR_INVALID, {.key = "lda", .type = HWA_ATTR_REAL, .r = 8}},
        {HWA_ERROR_INVALID, {.key = "lda", .type = HWA_ATTR_INT, .i = INT64_MAX}},
        {HWA_ERROR_INVALID, {.key = "transpose_a", .type = HWA_ATTR_INT, .i = 2}},
        {HWA_ERROR_INVALID, {.key = "alpha", .type = HWA_ATTR_TEXT, .s = "1"}},
        {HWA_ERROR_INVALID, {.key = "alpha", .type = HWA_ATTR_REAL, .r = NAN}},
        {HWA_ERROR_INVALID, {.key = "dtype", .type = HWA_ATTR_TEXT, .s = "f33"}},
        {HWA_ERROR_INVALID, {.key = "dtype", .type = HWA_ATTR_TEXT, .s = NULL}},
        {HWA_ERROR_INVALID, {.key = NULL, .type = HWA_ATTR_INT, .i = 1}},
        {HWA_ERROR_INVALID, {.key = "alpha", .type = (hwa_attr_type_t)99, .i = 1}},
        {HWA_ERROR_UNSUPPORTED, {.key = "dtype", .type = HWA_ATTR_TEXT, .s = "i8"}},
    };
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const hwa_attr_t attrs[] = {number("m", 4), number("n", 4), number("k", 4), rows[i].last};
        REFUSED(rows[i].status, hwa_program_from_op(queue, "gemm", attrs, 4, &program, error));
        assert_null(program);
    }
    const hwa_attr_t zero[] = {number("m", 0), number("n", 4), number("k", 4)};
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_op(queue, "gemm", zero, 3, &program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_op(queue, "gemm", zero + 1, 2, &program, error));
    hwa_error_t why = {0};
    assert_int_equal(hwa_program_from_op(queue, "gemmm", NULL, 0, &program, &why),
                     HWA_ERROR_NOT_FOUND);
    assert_non_null(strstr(why.message, "gemm")); /* what there is */
    hwa_queue_free(queue);
}

static void refuses_wrong_buffers(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    const hwa_attr_t attrs[] = {number("m", 4), number("n", 4), number("k", 4)};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_op(queue, "gemm", attrs, 3, &program, error));
    hwa_buffer_t *good[3];
    for (int i = 0; i < 3; ++i)
        good[i] = make_buffer(queue, 64, NULL);
    hwa_buffer_t *small = make_buffer(queue, 63, NULL);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 64;
    desc.flags = HWA_BUFFER_READ_ONLY;
    hwa_buffer_t *read_only = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &read_only, error));
    hwa_arg_t args[] = {{.buffer = good[0]}, {.buffer = good[1]}, {.buffer = good[2]}};
    for (int i = 0; i < 3; ++i) {
        args[i].buffer = small;
        REFUSED(HWA_ERROR_RANGE, hwa_launch(queue, program, args, 3, NULL, NULL, error));
        args[i].buffer = NULL;
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 3, NULL, NULL, error));
        args[i].buffer = good[i];
    }
    args[2].buffer = good[0]; /* C over A */
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 3, NULL, NULL, error));
    args[2].buffer = read_only;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 3, NULL, NULL, error));
    args[2].buffer = good[2];
    const int64_t wrong[] = {4, 5};
    args[1].shape = wrong;
    args[1].rank = 2;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 3, NULL, NULL, error));
    args[1].shape = NULL;
    args[1].dtype = HWA_DTYPE_F64;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 3, NULL, NULL, error));
    args[1].dtype = HWA_DTYPE_F32;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    CHECK(hwa_launch(queue, program, args, 3, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(good[i]);
    hwa_buffer_free(small);
    hwa_buffer_free(read_only);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static const struct CMUnitTest gemm_tests[] = {
    cmocka_unit_test(multiplies),
    cmocka_unit_test(multiplies_in_double),
    cmocka_unit_test(multiplies_in_half),
    cmocka_unit_test(describes_itself),
    cmocka_unit_test(refuses_wrong_attributes),
    cmocka_unit_test(refuses_wrong_buffers),
};
GROUP(gemm);
