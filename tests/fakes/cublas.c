/* SPDX-License-Identifier: MIT */
/* cuBLASLt on the device of the fake CUDA driver, which is the host: a product is over when the
   call returns. It refuses what the document of cuBLAS has refused: handles that are none, formats
   that do not go together, matrices that do not fit, workspace and alignment less than promised.
   HWA_FAKE_CUBLAS names a function that fails, and with what: "cublasLtMatmul=13"; with the name of
   a file in front, it fails in that copy of this library alone: "libcublasLt.so.13:...". */
#include <dlfcn.h>
#include <link.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

enum { success = 0, not_initialized = 1, invalid = 7, unsupported = 15 };
enum { f32 = 0, f64 = 1, f16 = 2, bf16 = 14 };
enum { sums_f32 = 68, sums_pedantic = 69, sums_f64 = 70, sums_tf32 = 77 };
enum { magic_handle = 0x4c744831, magic_desc, magic_layout, magic_preference, magic_algo };

typedef struct handle_t {
    uint64_t magic;
} handle_t;
typedef struct desc_t {
    uint64_t magic;
    int compute, scale, transpose_a, transpose_b;
} desc_t;
typedef struct layout_t {
    uint64_t magic;
    int type;
    uint64_t rows, columns;
    int64_t leading;
} layout_t;
typedef struct preference_t {
    uint64_t magic, workspace;
    uint32_t alignment[4];
} preference_t;
typedef struct algo_t {
    uint64_t magic, workspace, alignment, rest[5];
} algo_t;
typedef struct result_t {
    algo_t algo;
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
} result_t;

EXPORT size_t cublasLtGetVersion(void) {
    return 120905;
}

static int fault(const char *name) {
    const char *wanted = getenv("HWA_FAKE_CUBLAS");
    const char *call = wanted == NULL ? NULL : strchr(wanted, ':');
    const size_t length = strlen(name);
    Dl_info self;
    if (call != NULL) {
        if (dladdr((const void *)cublasLtGetVersion, &self) == 0 ||
            strncmp(strrchr(self.dli_fname, '/') + 1, wanted, (size_t)(call - wanted)) != 0)
            return success;
        wanted = call + 1;
    }
    if (wanted == NULL || strncmp(wanted, name, length) != 0 || wanted[length] != '=')
        return success;
    return atoi(wanted + length + 1);
}

static int is(const void *object, uint64_t magic) {
    return object != NULL && *(const uint64_t *)object == magic;
}

static int make(void **out, size_t size, uint64_t magic) {
    if (out == NULL)
        return invalid;
    uint64_t *made = calloc(1, size);
    *made = magic;
    *out = made;
    return success;
}

static int drop(void *object, uint64_t magic) {
    if (!is(object, magic))
        return invalid;
    *(uint64_t *)object = 0;
    free(object);
    return success;
}

/* The driver that this process has loaded. */
static int find_driver(struct dl_phdr_info *info, size_t size, void *out) {
    (void)size;
    const char *slash = strrchr(info->dlpi_name, '/');
    if (slash == NULL || strcmp(slash + 1, "libcuda.so.1") != 0)
        return 0;
    *(void **)out = dlopen(info->dlpi_name, RTLD_NOW | RTLD_NOLOAD);
    return 1;
}

static void *driver_call(const char *name) {
    void *driver = NULL;
    dl_iterate_phdr(find_driver, &driver);
    return driver == NULL ? NULL : dlsym(driver, name);
}

/* Whether the caller has made a context current, as every call here needs one. */
static int has_context(void) {
    int (*current)(void **) = (int (*)(void **))driver_call("cuCtxGetCurrent");
    void *context = NULL;
    return current != NULL && current(&context) == 0 && context != NULL;
}

EXPORT int cublasLtCreate(void **handle) {
    if (fault("cublasLtCreate") != success)
        return fault("cublasLtCreate");
    return has_context() ? make(handle, sizeof(handle_t), magic_handle) : not_initialized;
}

EXPORT int cublasLtDestroy(void *handle) {
    return has_context() ? drop(handle, magic_handle) : not_initialized;
}

EXPORT int cublasLtMatmulDescCreate(void **out, int compute, int scale) {
    const int status = make(out, sizeof(desc_t), magic_desc);
    if (status != success)
        return status;
    desc_t *desc = *out;
    desc->compute = compute;
    desc->scale = scale;
    return success;
}

EXPORT int cublasLtMatmulDescDestroy(void *desc) {
    return drop(desc, magic_desc);
}

EXPORT int cublasLtMatmulDescSetAttribute(desc_t *desc, int which, const int32_t *value,
                                          size_t size) {
    if (!is(desc, magic_desc) || value == NULL || size != sizeof *value ||
        (*value != 0 && *value != 1) || (which != 3 && which != 4))
        return invalid;
    *(which == 3 ? &desc->transpose_a : &desc->transpose_b) = *value;
    return success;
}

EXPORT int cublasLtMatrixLayoutCreate(void **out, int type, uint64_t rows, uint64_t columns,
                                      int64_t leading) {
    if (rows == 0 || columns == 0 || leading < (int64_t)rows)
        return invalid;
    const int status = make(out, sizeof(layout_t), magic_layout);
    if (status != success)
        return status;
    layout_t *layout = *out;
    layout->type = type;
    layout->rows = rows;
    layout->columns = columns;
    layout->leading = leading;
    return success;
}

EXPORT int cublasLtMatrixLayoutDestroy(void *layout) {
    return drop(layout, magic_layout);
}

EXPORT int cublasLtMatmulPreferenceCreate(void **out) {
    return make(out, sizeof(preference_t), magic_preference);
}

EXPORT int cublasLtMatmulPreferenceDestroy(void *preference) {
    return drop(preference, magic_preference);
}

EXPORT int cublasLtMatmulPreferenceSetAttribute(preference_t *preference, int which,
                                                const void *value, size_t size) {
    if (!is(preference, magic_preference) || value == NULL)
        return invalid;
    if (which == 1 && size == sizeof preference->workspace) {
        memcpy(&preference->workspace, value, size);
        return success;
    }
    if (which < 5 || which > 8 || size != sizeof *preference->alignment)
        return invalid;
    memcpy(&preference->alignment[which - 5], value, size);
    return success;
}

/* Sums, factors and elements that go together (cublasLtMatmul(), table of supported types). */
static int agree(const desc_t *desc, const layout_t *a, const layout_t *b, const layout_t *c) {
    if (a->type != b->type || a->type != c->type)
        return 0;
    switch (a->type) {
    case f64:
        return desc->compute == sums_f64 && desc->scale == f64;
    case f32:
        return desc->scale == f32 && (desc->compute == sums_f32 || desc->compute == sums_pedantic ||
                                      desc->compute == sums_tf32);
    case f16:
    case bf16:
        return desc->scale == f32 && desc->compute == sums_f32;
    default:
        return 0;
    }
}

static int check(const desc_t *desc, const layout_t *const all[4]) {
    for (int i = 0; i < 4; ++i)
        if (!is(all[i], magic_layout))
            return invalid;
    const layout_t *a = all[0], *b = all[1], *c = all[2], *d = all[3];
    if (!is(desc, magic_desc) || !agree(desc, a, b, c) || d->type != c->type)
        return unsupported;
    const uint64_t rows = desc->transpose_a ? a->columns : a->rows;
    const uint64_t depth = desc->transpose_a ? a->rows : a->columns;
    const uint64_t columns = desc->transpose_b ? b->rows : b->columns;
    if (depth != (desc->transpose_b ? b->columns : b->rows) || c->rows != rows ||
        c->columns != columns || d->rows != rows || d->columns != columns)
        return invalid;
    return success;
}

/* The two calls with more arguments than a function of ours may have hand them on. */
typedef struct search_t {
    handle_t *handle;
    const desc_t *desc;
    const layout_t *layouts[4];
    const preference_t *preference;
    int wanted;
    result_t *results;
    int *found;
} search_t;

static int search(const search_t *it) {
    const preference_t *preference = it->preference;
    if (!is(it->handle, magic_handle) || !is(preference, magic_preference) || it->wanted < 1)
        return invalid;
    if (fault("cublasLtMatmulAlgoGetHeuristic") != success)
        return fault("cublasLtMatmulAlgoGetHeuristic");
    const int status = check(it->desc, it->layouts);
    if (status != success)
        return status;
    result_t *result = it->results;
    memset(result, 0, sizeof *result);
    result->algo.magic = magic_algo;
    result->algo.alignment = preference->alignment[0];
    /* The better the matrices lie, the more there is to work in. */
    result->workspace = preference->alignment[0] >= 16 ? 4096 : 0;
    if (result->workspace > preference->workspace)
        result->workspace = 0;
    result->algo.workspace = result->workspace;
    *it->found = 1;
    return success;
}

#define SEARCH                                                                                     \
    int cublasLtMatmulAlgoGetHeuristic(handle_t *handle, const desc_t *desc, const layout_t *a,    \
                                       const layout_t *b, const layout_t *c, const layout_t *d,    \
                                       const preference_t *preference, int wanted,                 \
                                       result_t *results, int *found)
EXPORT SEARCH;
SEARCH {
    const search_t it = {handle, desc, {a, b, c, d}, preference, wanted, results, found};
    return search(&it);
}

/* Half precision in integers: not every compiler here has a type for it. */
static double from_half(uint16_t bits) {
    const int exponent = bits >> 10 & 0x1f;
    const int digits = (bits & 0x3ff) | (exponent == 0 ? 0 : 0x400);
    const double size = ldexp(digits, (exponent == 0 ? 1 : exponent) - 25);
    return bits & 0x8000 ? -size : size;
}

static uint16_t to_half(double value) {
    int exponent = 0;
    const double size = fabs(value);
    (void)frexp(size, &exponent);
    const int scale = size == 0 || exponent - 1 < -14 ? -14 : exponent - 1;
    const long digits = lrint(ldexp(size, 10 - scale));
    return (uint16_t)((digits + ((long)(scale + 14) << 10)) | (value < 0 ? 0x8000 : 0));
}

static double load(int type, const void *from, uint64_t at) {
    uint32_t bits;
    float narrow;
    switch (type) {
    case f64:
        return ((const double *)from)[at];
    case f16:
        return from_half(((const uint16_t *)from)[at]);
    case bf16:
        bits = (uint32_t)((const uint16_t *)from)[at] << 16;
        memcpy(&narrow, &bits, sizeof narrow);
        return (double)narrow;
    default:
        return (double)((const float *)from)[at];
    }
}

static void store(int type, void *to, uint64_t at, double value) {
    const float narrow = (float)value;
    uint32_t bits;
    switch (type) {
    case f64:
        ((double *)to)[at] = value;
        return;
    case f16:
        ((uint16_t *)to)[at] = to_half(value);
        return;
    case bf16:
        memcpy(&bits, &narrow, sizeof bits);
        ((uint16_t *)to)[at] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
        return;
    default:
        ((float *)to)[at] = narrow;
    }
}

static double factor(const desc_t *desc, const void *at) {
    return desc->scale == f64 ? *(const double *)at : (double)*(const float *)at;
}

/* Columns lie one behind the other. */
static uint64_t place(const layout_t *layout, uint64_t row, uint64_t column) {
    return column * (uint64_t)layout->leading + row;
}

typedef struct product_t {
    handle_t *handle;
    const desc_t *desc;
    const void *alpha, *a, *b, *beta, *c;
    const layout_t *layouts[4];
    void *d;
    const algo_t *algo;
    void *workspace;
    size_t workspace_bytes;
    void *stream;
} product_t;

static int refuse(const product_t *it) {
    const algo_t *algo = it->algo;
    if (!is(it->handle, magic_handle) || !is(algo, magic_algo) || !has_context())
        return invalid;
    if (fault("cublasLtMatmul") != success)
        return fault("cublasLtMatmul");
    const int status = check(it->desc, it->layouts);
    if (status != success)
        return status;
    const uintptr_t starts = (uintptr_t)it->a | (uintptr_t)it->b | (uintptr_t)it->c;
    if (it->workspace_bytes < algo->workspace || (algo->workspace != 0 && it->workspace == NULL) ||
        starts % algo->alignment != 0)
        return invalid;
    return success;
}

static double sum_of(const product_t *it, uint64_t i, uint64_t j) {
    const desc_t *desc = it->desc;
    const layout_t *a = it->layouts[0], *b = it->layouts[1];
    const uint64_t depth = desc->transpose_a ? a->rows : a->columns;
    double sum = 0;
    for (uint64_t p = 0; p < depth; ++p)
        sum += load(a->type, it->a, desc->transpose_a ? place(a, p, i) : place(a, i, p)) *
               load(b->type, it->b, desc->transpose_b ? place(b, j, p) : place(b, p, j));
    return sum;
}

static int multiply(const product_t *it) {
    const int status = refuse(it);
    if (status != success)
        return status;
    int (*synchronize)(void *) = (int (*)(void *))driver_call("cuStreamSynchronize");
    if (synchronize == NULL || synchronize(it->stream) != 0)
        return 13;
    if (it->algo->workspace != 0)
        memset(it->workspace, 0x5a, it->algo->workspace);
    const layout_t *d = it->layouts[3];
    const double times = factor(it->desc, it->alpha), old = factor(it->desc, it->beta);
    for (uint64_t j = 0; j < d->columns; ++j)
        for (uint64_t i = 0; i < d->rows; ++i) {
            const uint64_t at = place(d, i, j);
            const double before = old == 0 ? 0 : old * load(d->type, it->c, at);
            store(d->type, it->d, at, times * sum_of(it, i, j) + before);
        }
    return success;
}

#define MULTIPLY                                                                                   \
    int cublasLtMatmul(handle_t *handle, const desc_t *desc, const void *alpha, const void *a,     \
                       const layout_t *a_layout, const void *b, const layout_t *b_layout,          \
                       const void *beta, const void *c, const layout_t *c_layout, void *d,         \
                       const layout_t *d_layout, const algo_t *algo, void *workspace,              \
                       size_t workspace_bytes, void *stream)
EXPORT MULTIPLY;
MULTIPLY {
    const product_t it = {handle, desc, alpha,     a,
                          b,      beta, c,         {a_layout, b_layout, c_layout, d_layout},
                          d,      algo, workspace, workspace_bytes,
                          stream};
    return multiply(&it);
}
