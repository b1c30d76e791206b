/* SPDX-License-Identifier: MIT */
/* A product of 1024 x 1024 matrices and a sum of 1M elements in f32, by every device, runtime and
   provider here, beside the same work done by the library itself or by a kernel as anybody writes
   it first. `bench-gemm [ROWS [DEVICE [RUNTIME [PROVIDER]]]]` */
#include <hwa/hwa.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef NAIVE_SPIRV
#include "naive.h"
#endif

enum { elements = 1 << 20, most_rounds = 60 };

static int rows = 1024;
static const char *only[3]; /* device, runtime, provider */

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

static hwa_attr_t integer(const char *key, int64_t value) {
    const hwa_attr_t attr = {.key = key, .type = HWA_ATTR_INT, .i = value};
    return attr;
}

/* One thing to time, with its matrices on the device, or in memory for what is called directly. */
typedef struct work_t {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_launch_options_t shape;
    hwa_arg_t args[4];
    uint32_t arg_count;
    void (*direct)(void);
} work_t;

static double once(const work_t *work) {
    hwa_event_t *event = NULL;
    hwa_error_t error = {0};
    const double start = now_ms();
    if (work->direct != NULL) {
        work->direct();
        return now_ms() - start;
    }
    need(hwa_launch(work->queue, work->program, work->args, work->arg_count, &work->shape, &event,
                    &error),
         &error);
    need(hwa_event_wait(event, HWA_FOREVER, &error), &error);
    hwa_event_free(event);
    return now_ms() - start;
}

typedef struct times_t {
    double best, median;
} times_t;

static times_t summary(double *ms, int count) {
    qsort(ms, (size_t)count, sizeof *ms, by_value);
    const times_t times = {ms[0], ms[count / 2]};
    return times;
}

/* Both in turn, for about a second each, so that they meet the same machine. */
static void race(const work_t *ours, const work_t *other, times_t *mine, times_t *others) {
    static double a[most_rounds], b[most_rounds];
    double spent = 0;
    int count = -1; /* the first round does not count */
    while (count < most_rounds && (spent < 2000 || count < 2)) {
        const double x = once(ours);
        const double y = other != NULL ? once(other) : 0;
        if (count >= 0) {
            a[count] = x;
            b[count] = y;
        }
        spent += x + y;
        ++count;
    }
    *mine = summary(a, count);
    if (other != NULL)
        *others = summary(b, count);
}

/* The libraries, called as their own documents say. */
static float *host[3];
typedef void (*cblas_sgemm_t)(int, int, int, int, int, int, float, const float *, int,
                              const float *, int, float, float *, int);
typedef int (*dnnl_sgemm_t)(char, char, int64_t, int64_t, int64_t, float, const float *, int64_t,
                            const float *, int64_t, float, float *, int64_t);
static cblas_sgemm_t cblas_sgemm;
static dnnl_sgemm_t dnnl_sgemm;

static void call_cblas(void) {
    cblas_sgemm(101, 111, 111, rows, rows, rows, 1, host[0], rows, host[1], rows, 0, host[2], rows);
}

static void call_dnnl(void) {
    (void)dnnl_sgemm('N', 'N', rows, rows, rows, 1, host[0], rows, host[1], rows, 0, host[2], rows);
}

static void add_directly(void) {
    for (int i = 0; i < elements; ++i)
        host[2][i] = host[0][i] + host[1][i];
}

/* The library that a provider such as "openblas 0.3.21" is. */
static void (*direct_call(const char *provider))(void) {
    static const struct {
        const char *name;
        const char *soname;
    } libraries[] = {{"openblas", "libopenblas.so.0"},
                     {"blis", "libblis.so.4"},
                     {"onednn", "libdnnl.so.3"},
                     {"onednn", "libdnnl.so.2"}};
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; ++i) {
        if (strncmp(provider, libraries[i].name, strlen(libraries[i].name)) != 0)
            continue;
        void *library = dlopen(libraries[i].soname, RTLD_NOW | RTLD_LOCAL);
        if (library == NULL)
            continue;
        dnnl_sgemm = (dnnl_sgemm_t)dlsym(library, "dnnl_sgemm");
        cblas_sgemm = (cblas_sgemm_t)dlsym(library, "cblas_sgemm");
        return dnnl_sgemm != NULL ? call_dnnl : call_cblas;
    }
    return NULL;
}

static hwa_status_t naive(hwa_queue_t *queue, hwa_program_t **program, hwa_error_t *error) {
    static const char opencl[] =
        "__kernel void naive(__global const float *a, __global const float *b,\n"
        "                    __global float *c, uint n) {\n"
        "    const size_t j = get_global_id(0), i = get_global_id(1);\n"
        "    if (i >= n || j >= n) return;\n"
        "    float sum = 0;\n"
        "    for (uint p = 0; p < n; ++p) sum += a[i * n + p] * b[p * n + j];\n"
        "    c[i * n + j] = sum;\n"
        "}\n";
    static const char cuda[] =
        "extern \"C\" __global__ void naive(const float *a, const float *b, float *c,\n"
        "                                 unsigned n) {\n"
        "    const size_t j = blockIdx.x * blockDim.x + threadIdx.x;\n"
        "    const size_t i = blockIdx.y * blockDim.y + threadIdx.y;\n"
        "    if (i >= n || j >= n) return;\n"
        "    float sum = 0;\n"
        "    for (unsigned p = 0; p < n; ++p) sum += a[i * n + p] * b[p * n + j];\n"
        "    c[i * n + j] = sum;\n"
        "}\n";
    hwa_kernel_desc_t kernels[3];
    const hwa_kernel_desc_t *variants[3];
    uint32_t count = 0;
    for (int i = 0; i < 3; ++i) {
        hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
        kernel.code_kind = i == 0 ? HWA_CODE_OPENCL_C : i == 1 ? HWA_CODE_CUDA_C : HWA_CODE_SPIRV;
        kernel.code = i == 0 ? opencl : cuda;
        kernel.code_bytes = i == 0 ? sizeof opencl - 1 : sizeof cuda - 1;
        kernel.entry = i == 2 ? "main" : "naive";
        if (i == 2) {
#ifdef NAIVE_SPIRV
            kernel.code = naive_spirv;
            kernel.code_bytes = sizeof naive_spirv;
#else
            continue;
#endif
        }
        kernels[count] = kernel;
        variants[count] = &kernels[count];
        ++count;
    }
    return hwa_program_from_kernel(queue, variants, count, program, error);
}

static hwa_buffer_t *filled(hwa_queue_t *queue, uint64_t bytes, const float *from) {
    hwa_error_t error = {0};
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = bytes;
    hwa_buffer_t *buffer = NULL;
    need(hwa_buffer_create(queue, &desc, &buffer, &error), &error);
    need(hwa_buffer_write(buffer, 0, from, bytes, NULL, &error), &error);
    return buffer;
}

static const char *name_of(const hwa_program_t *program) {
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    return hwa_program_info(program, &info) == HWA_OK ? info.provider : "?";
}

/* One provider of the product, beside its library, or beside the naive kernel. */
static void multiply(const char *where, work_t work, const char *provider) {
    hwa_error_t error = {0};
    const hwa_attr_t attrs[] = {integer("m", rows),
                                integer("n", rows),
                                integer("k", rows),
                                {.key = "provider", .type = HWA_ATTR_TEXT, .s = provider}};
    const uint32_t count = provider == NULL ? 3 : 4;
    if (hwa_program_from_op(work.queue, "gemm", attrs, count, &work.program, &error) != HWA_OK) {
        if (error.status != HWA_ERROR_UNSUPPORTED || strstr(error.message, "no provider") == NULL)
            printf("gemm %d  %-28s %-24s %s\n", rows, where, provider, error.message);
        return;
    }
    const double flop = 2.0 * rows * rows * rows;
    work_t other = work;
    other.direct = direct_call(name_of(work.program));
    int beside = other.direct != NULL;
    if (!beside && naive(work.queue, &other.program, &error) == HWA_OK) {
        beside = 1;
        other.shape.grid[0] = other.shape.grid[1] = ((uint32_t)rows + 15) / 16;
        other.shape.group[0] = other.shape.group[1] = 16;
        const hwa_arg_t extent = {.data = &rows, .size_bytes = sizeof rows};
        other.args[other.arg_count++] = extent;
    }
    times_t mine = {0, 0};
    times_t others = {0, 0};
    race(&work, beside ? &other : NULL, &mine, &others);
    printf("gemm %d  %-28s %-24s %9.2f ms %8.1f GFLOP/s", rows, where, name_of(work.program),
           mine.median, flop / mine.median * 1e-6);
    if (other.direct != NULL)
        printf("  library %.2f ms, ratio %.3f (best %.3f)", others.median,
               others.median / mine.median, others.best / mine.best);
    else if (beside)
        printf("  naive %.2f ms, %.1f times as fast", others.median, others.median / mine.median);
    printf("%s\n", provider == NULL ? "  <- chosen" : "");
    if (other.program != work.program)
        hwa_program_free(other.program);
    hwa_program_free(work.program);
}

static void add(const char *where, work_t work) {
    hwa_error_t error = {0};
    const hwa_attr_t attrs[] = {integer("n", elements)};
    need(hwa_program_from_op(work.queue, "axpby", attrs, 1, &work.program, &error), &error);
    work_t other = {.direct = add_directly};
    times_t mine = {0, 0};
    times_t others = {0, 0};
    const int beside = strstr(where, "cpu-0 cpu") != NULL;
    race(&work, beside ? &other : NULL, &mine, &others);
    printf("add 1M     %-28s %-24s %9.3f ms %8.1f GB/s", where, name_of(work.program), mine.median,
           3.0 * elements * sizeof(float) / mine.median * 1e-6);
    if (beside)
        printf("  loop on one thread %.3f ms, ratio %.3f", others.median,
               others.median / mine.median);
    printf("\n");
    hwa_program_free(work.program);
}

static void try_runtime(const hwa_device_t *device, const char *id, const char *runtime) {
    static const char *const providers[] = {NULL,     "onednn",   "openblas", "blis",
                                            "cublas", "cublaslt", "builtin"};
    if ((only[0] != NULL && strcmp(only[0], id) != 0) ||
        (only[1] != NULL && strcmp(only[1], runtime) != 0))
        return;
    char where[64];
    snprintf(where, sizeof where, "%s %s", id, runtime);
    hwa_error_t error = {0};
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = runtime;
    work_t work = {.shape = HWA_INIT(hwa_launch_options_t), .arg_count = 3};
    if (hwa_queue_open(device, &options, &work.queue, &error) != HWA_OK) {
        printf("%s: %s\n", where, error.message);
        return;
    }
    const uint64_t matrix = (uint64_t)rows * (uint64_t)rows * sizeof(float);
    const uint64_t bytes = matrix > elements * sizeof(float) ? matrix : elements * sizeof(float);
    for (int i = 0; i < 3; ++i)
        work.args[i].buffer = filled(work.queue, bytes, host[i]);
    add(where, work);
    for (size_t i = 0; i < sizeof providers / sizeof *providers; ++i)
        if (only[2] == NULL || (providers[i] != NULL && strcmp(only[2], providers[i]) == 0))
            multiply(where, work, providers[i]);
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(work.args[i].buffer);
    hwa_queue_free(work.queue);
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1)
        rows = atoi(argv[1]);
    for (int i = 0; i < 3 && argc > 2 + i; ++i)
        only[i] = argv[2 + i];
    if (rows < 1 || rows > 16384)
        return 2;
    const size_t count =
        (size_t)rows * (size_t)rows > elements ? (size_t)rows * (size_t)rows : (size_t)elements;
    for (int i = 0; i < 3; ++i) {
        host[i] = aligned_alloc(64, count * sizeof(float));
        for (size_t j = 0; j < count; ++j)
            host[i][j] = (float)rand() / (float)RAND_MAX;
    }
    hwa_error_t error = {0};
    hwa_system_t *system = NULL;
    need(hwa_detect(NULL, &system, &error), &error);
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; ++i) {
        hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
        if (hwa_device_info(device, &info) != HWA_OK)
            continue;
        for (uint32_t j = 0; j < info.runtime_count; ++j) {
            hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
            if (hwa_device_runtime(device, j, &row) == HWA_OK && row.status == HWA_OK)
                try_runtime(device, info.id, row.name);
        }
    }
    hwa_system_free(system);
    for (int i = 0; i < 3; ++i)
        free(host[i]);
    return 0;
}
