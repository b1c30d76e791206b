/* SPDX-License-Identifier: MIT */
/* Runs one check on the first device that CUDA drives: `gpu-check T2`. */
#include "check.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct raw raw;
void *raw_library;
int small;
hwa_system_t *the_system;
const hwa_device_t *the_device;
hwa_error_t error;
static const char *the_test;

const char cuda_kernels[] =
    "extern \"C\" __global__ void add(const float *a, const float *b, float *c, unsigned n) {\n"
    "    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < n) c[i] = a[i] + b[i];\n"
    "}\n"
    "extern \"C\" __global__ void empty() {}\n"
    "extern \"C\" __global__ void poke(int *at) { *(volatile int *)at = 1; }\n";
const size_t cuda_kernels_bytes = sizeof cuda_kernels - 1;

void row(const char *what, const char *verdict, const char *format, ...) {
    va_list arguments;
    printf("ROW\t%s\t%s\t", the_test, what);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\t%s\n", verdict);
    fflush(stdout);
}

void give_up(const char *call) {
    row(call, "FAIL", "%s (%d): %s", hwa_status_name(error.status), error.code, error.message);
    exit(1);
}

double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_size);
    return values[count / 2];
}

void random_bytes(void *into, size_t bytes) {
    static uint64_t seed = 88172645463325252u;
    unsigned char *at = into;
    for (size_t i = 0; i < bytes; i += sizeof seed) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        memcpy(at + i, &seed, bytes - i < sizeof seed ? bytes - i : sizeof seed);
    }
}

hwa_queue_t *open_cached(const char *folder) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    hwa_queue_t *queue = NULL;
    options.runtime = "cuda";
    options.cache_dir = folder;
    NEED(hwa_queue_open(the_device, &options, &queue, &error));
    return queue;
}

hwa_queue_t *open_queue(void) {
    return open_cached("");
}

hwa_buffer_t *make_buffer(hwa_queue_t *queue, uint64_t bytes) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    desc.size_bytes = bytes;
    NEED(hwa_buffer_create(queue, &desc, &buffer, &error));
    return buffer;
}

hwa_program_t *build(hwa_queue_t *queue, hwa_code_t kind, const void *code, size_t bytes,
                     const char *entry, const char *options) {
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    desc.code_kind = kind;
    desc.code = code;
    desc.code_bytes = bytes;
    desc.entry = entry;
    desc.build_options = options;
    memset(&error, 0, sizeof error);
    (void)hwa_program_from_kernel(queue, variants, 1, &program, &error);
    return program;
}

/* The same library that is loaded already. */
static void load_raw(void) {
    const char *folder = getenv("HWA_TEST_DRIVERS");
    char path[512] = "libcuda.so.1";
    if (folder != NULL)
        snprintf(path, sizeof path, "%s/libcuda.so.1", folder);
    raw_library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (raw_library == NULL)
        return;
#define CU_API(symbol, base, since, parameters)                                                    \
    do {                                                                                           \
        void *address = dlsym(raw_library, #symbol);                                               \
        memcpy(&raw.symbol, &address, sizeof address);                                             \
    } while (0);
#include "../fakes/cuda_entries.def"
#undef CU_API
}

static const hwa_device_t *find_device(void) {
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(the_system, i)) != NULL; ++i) {
        hwa_runtime_info_t info = HWA_INIT(hwa_runtime_info_t);
        for (uint32_t j = 0; hwa_device_runtime(device, j, &info) == HWA_OK; ++j)
            if (strcmp(info.name, "cuda") == 0 && info.status == HWA_OK)
                return device;
    }
    return NULL;
}

static const struct {
    const char *name;
    void (*check)(void);
} checks[] = {
    {"T1", check_identity},      {"T2", check_copies},   {"T3", check_programs},
    {"T4", check_cache},         {"T5", check_cost},     {"T6", check_bandwidth},
    {"T7", check_order},         {"T8", check_threads},  {"T9", check_gemm},
    {"T10", check_builtin_gemm}, {"T15", check_tensors}, {"T16", check_leaks},
};

int main(int argc, char **argv) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.library_path = getenv("HWA_TEST_DRIVERS");
    small = getenv("HWA_HARDWARE_FAKE") != NULL;
    if (argc < 2)
        return 2;
    the_test = argv[1];
    NEED(hwa_detect(&options, &the_system, &error));
    the_device = find_device();
    if (argc > 2 && strcmp(argv[2], "hidden") == 0) {
        row("no device where none is visible", VERDICT(the_device == NULL), "-");
        return 0;
    }
    if (the_device == NULL) {
        row("a device that CUDA drives", "not run", "there is none");
        return 77;
    }
    load_raw();
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; ++i)
        if (strcmp(checks[i].name, the_test) == 0) {
            checks[i].check();
            hwa_system_free(the_system);
            return 0;
        }
    return 2;
}
