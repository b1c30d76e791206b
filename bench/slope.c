/* SPDX-License-Identifier: MIT */
/* What memory stays behind for each buffer and each program, by libhwa and by OpenCL itself, each
   in a process of its own. Fails where libhwa leaves more than a byte on top. */
#include "raw_opencl.h"

#include <hwa/hwa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
enum { buffers = 100000, programs = 1000, buffer_bytes = 4096, limit_bytes = 1 };

static const char source[] = "__kernel void fill(__global int *x, int v) { x[0] = v; }";

typedef __typeof__(&clBuildProgram) raw_clBuildProgram;
typedef __typeof__(&clCreateKernel) raw_clCreateKernel;
typedef __typeof__(&clCreateProgramWithBinary) raw_clCreateProgramWithBinary;
typedef __typeof__(&clCreateProgramWithSource) raw_clCreateProgramWithSource;
typedef __typeof__(&clGetProgramInfo) raw_clGetProgramInfo;
typedef __typeof__(&clReleaseKernel) raw_clReleaseKernel;
typedef __typeof__(&clReleaseProgram) raw_clReleaseProgram;

static void need(int good, const char *what) {
    if (good)
        return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Memory of this process that is in use. */
static double resident_bytes(void) {
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    need(file != NULL && fscanf(file, "%lu %lu", &pages, &resident) == 2, "statm");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* One way to make and drop a buffer and a program. */
struct way {
    int (*open)(void);
    void (*buffer)(void);
    void (*program)(void);
};

/* ---- OpenCL itself ------------------------------------------------------------------------ */

static raw_opencl_t raw;
static unsigned char *binary;
static size_t binary_bytes;

static int raw_open(void) {
    if (!raw_opencl_open(&raw))
        return 0;
    const char *text = source;
    cl_program made = RAW_CL(clCreateProgramWithSource)(raw.context, 1, &text, NULL, NULL);
    need(RAW_CL(clBuildProgram)(made, 1, &raw.device, "", NULL, NULL) == CL_SUCCESS, "build");
    RAW_CL(clGetProgramInfo)
    (made, CL_PROGRAM_BINARY_SIZES, sizeof binary_bytes, &binary_bytes, NULL);
    binary = malloc(binary_bytes);
    RAW_CL(clGetProgramInfo)(made, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL);
    RAW_CL(clReleaseProgram)(made);
    return 1;
}

static void raw_buffer(void) {
    cl_int code = CL_SUCCESS;
    cl_mem made = RAW_CL(clCreateBuffer)(raw.context, CL_MEM_READ_WRITE, buffer_bytes, NULL, &code);
    need(code == CL_SUCCESS, "clCreateBuffer");
    RAW_CL(clReleaseMemObject)(made);
}

static void raw_program(void) {
    cl_int code = CL_SUCCESS;
    const unsigned char *bytes = binary;
    cl_program made = RAW_CL(clCreateProgramWithBinary)(raw.context, 1, &raw.device, &binary_bytes,
                                                        &bytes, NULL, &code);
    need(code == CL_SUCCESS, "clCreateProgramWithBinary");
    need(RAW_CL(clBuildProgram)(made, 1, &raw.device, "", NULL, NULL) == CL_SUCCESS, "build");
    cl_kernel kernel = RAW_CL(clCreateKernel)(made, "fill", &code);
    need(code == CL_SUCCESS, "clCreateKernel");
    RAW_CL(clReleaseKernel)(kernel);
    RAW_CL(clReleaseProgram)(made);
}

/* ---- libhwa ------------------------------------------------------------------------------- */

static hwa_queue_t *queue;

static int hwa_open(void) {
    hwa_system_t *system = NULL;
    if (!raw_open() || hwa_detect(NULL, &system, NULL) != HWA_OK)
        return 0;
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "opencl";
    options.cache_dir = "";
    const hwa_device_t *device;
    for (uint32_t i = 0; queue == NULL && (device = hwa_system_device(system, i)) != NULL; ++i)
        if (hwa_queue_open(device, &options, &queue, NULL) != HWA_OK)
            queue = NULL;
    hwa_system_free(system);
    return queue != NULL;
}

static void hwa_buffer(void) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = buffer_bytes;
    hwa_buffer_t *made = NULL;
    need(hwa_buffer_create(queue, &desc, &made, NULL) == HWA_OK, "hwa_buffer_create");
    hwa_buffer_free(made);
}

static void hwa_program(void) {
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    desc.code_kind = HWA_CODE_OPENCL_BINARY;
    desc.code = binary;
    desc.code_bytes = binary_bytes;
    desc.entry = "fill";
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *made = NULL;
    need(hwa_program_from_kernel(queue, variants, 1, &made, NULL) == HWA_OK, "hwa_program");
    hwa_program_free(made);
}

/* ---- Both --------------------------------------------------------------------------------- */

static const struct way ways[] = {{raw_open, raw_buffer, raw_program},
                                  {hwa_open, hwa_buffer, hwa_program}};

/* A tenth of them first, so that what is made once is there. */
static double slope(void (*act)(void), int count) {
    for (int i = 0; i < count / 10; ++i)
        act();
    const double before = resident_bytes();
    for (int i = 0; i < count; ++i)
        act();
    return (resident_bytes() - before) / count;
}

/* Both slopes, in a process that has done nothing else; 0 if there is no device. */
static int measure(const struct way *way, double result[2]) {
    int ends[2];
    need(pipe(ends) == 0, "pipe");
    const pid_t child = fork();
    if (child == 0) {
        if (!way->open())
            _exit(SKIPPED);
        result[0] = slope(way->buffer, buffers);
        result[1] = slope(way->program, programs);
        _exit(write(ends[1], result, 2 * sizeof *result) == 2 * sizeof *result ? 0 : 1);
    }
    int status = 0;
    close(ends[1]);
    need(waitpid(child, &status, 0) == child, "waitpid");
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        return 0;
    need(status == 0, "a child failed");
    need(read(ends[0], result, 2 * sizeof *result) == 2 * sizeof *result, "read");
    close(ends[0]);
    return 1;
}

/* The system keeps pages and not bytes: the least of a few goes. */
static int measure_least(const struct way *way, double least[2]) {
    enum { rounds = 3 };
    for (int i = 0; i < rounds; ++i) {
        double now[2];
        if (!measure(way, now))
            return 0;
        for (int j = 0; j < 2; ++j)
            least[j] = i == 0 || now[j] < least[j] ? now[j] : least[j];
    }
    return 1;
}

int main(void) {
    static const char *const names[] = {"buffer", "program"};
    static const int counts[] = {buffers, programs};
    double raws[2], ours[2];
    if (!measure_least(&ways[0], raws) || !measure_least(&ways[1], ours)) {
        printf("there is no OpenCL device here\n");
        return SKIPPED;
    }
    int failed = 0;
    for (int i = 0; i < 2; ++i) {
        const int good = ours[i] <= raws[i] + limit_bytes;
        printf("%d of a %s: raw %+.2f bytes each, hwa %+.2f: %s\n", counts[i], names[i], raws[i],
               ours[i], good ? "within a byte" : "OVER a byte");
        failed |= !good;
    }
    return failed;
}
