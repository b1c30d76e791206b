/* SPDX-License-Identifier: MIT */
/* An empty kernel launched and waited for, by libhwa and by OpenCL itself, turn by turn. */
#include <hwa/hwa.h>

#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SKIPPED 77
enum { pairs = 10000, warm_up = 500 };

static const char source[] = "__kernel void empty(void) {}";

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values) {
    qsort(values, pairs, sizeof *values, by_value);
    return values[pairs / 2];
}

/* Loaded like any other program would, without linking: the headers are all there is here. */
static void *opencl;
#define CALL(name) ((name##_type)dlsym(opencl, #name))
typedef __typeof__(&clGetPlatformIDs) clGetPlatformIDs_type;
typedef __typeof__(&clGetDeviceIDs) clGetDeviceIDs_type;
typedef __typeof__(&clCreateContext) clCreateContext_type;
typedef __typeof__(&clCreateCommandQueueWithProperties) clCreateCommandQueueWithProperties_type;
typedef __typeof__(&clCreateProgramWithSource) clCreateProgramWithSource_type;
typedef __typeof__(&clBuildProgram) clBuildProgram_type;
typedef __typeof__(&clCreateKernel) clCreateKernel_type;
typedef __typeof__(&clEnqueueNDRangeKernel) clEnqueueNDRangeKernel_type;
typedef __typeof__(&clWaitForEvents) clWaitForEvents_type;
typedef __typeof__(&clReleaseEvent) clReleaseEvent_type;

static cl_command_queue raw_queue;
static cl_kernel raw_kernel;
static clEnqueueNDRangeKernel_type enqueue;
static clWaitForEvents_type wait_for;
static clReleaseEvent_type release;

static int open_raw(void) {
    opencl = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    cl_platform_id platform = NULL;
    cl_device_id device = NULL;
    if (opencl == NULL || CALL(clGetPlatformIDs)(1, &platform, NULL) != CL_SUCCESS ||
        CALL(clGetDeviceIDs)(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL) != CL_SUCCESS)
        return 0;
    const char *text = source;
    cl_context context = CALL(clCreateContext)(NULL, 1, &device, NULL, NULL, NULL);
    raw_queue = CALL(clCreateCommandQueueWithProperties)(context, device, NULL, NULL);
    cl_program program = CALL(clCreateProgramWithSource)(context, 1, &text, NULL, NULL);
    if (CALL(clBuildProgram)(program, 1, &device, "", NULL, NULL) != CL_SUCCESS)
        return 0;
    raw_kernel = CALL(clCreateKernel)(program, "empty", NULL);
    enqueue = CALL(clEnqueueNDRangeKernel);
    wait_for = CALL(clWaitForEvents);
    release = CALL(clReleaseEvent);
    return raw_kernel != NULL;
}

static double run_raw(void) {
    const size_t one = 1;
    cl_event event = NULL;
    const double start = now_us();
    if (enqueue(raw_queue, raw_kernel, 1, NULL, &one, &one, 0, NULL, &event) != CL_SUCCESS ||
        wait_for(1, &event) != CL_SUCCESS)
        exit(1);
    release(event);
    return now_us() - start;
}

static hwa_queue_t *queue;
static hwa_program_t *program;

static void need(hwa_status_t status, const hwa_error_t *error) {
    if (status == HWA_OK)
        return;
    printf("%s\n", error->message);
    exit(1);
}

static int open_hwa(void) {
    hwa_error_t error = {0};
    hwa_system_t *system = NULL;
    need(hwa_detect(NULL, &system, &error), &error);
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "opencl";
    const hwa_device_t *device;
    for (uint32_t i = 0; queue == NULL && (device = hwa_system_device(system, i)) != NULL; ++i)
        if (hwa_queue_open(device, &options, &queue, &error) != HWA_OK)
            queue = NULL;
    hwa_system_free(system);
    if (queue == NULL)
        return 0;
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_OPENCL_C;
    kernel.code = source;
    kernel.code_bytes = strlen(source);
    kernel.entry = "empty";
    const hwa_kernel_desc_t *variants[] = {&kernel};
    need(hwa_program_from_kernel(queue, variants, 1, &program, &error), &error);
    return 1;
}

static double run_hwa(uint64_t timeout_ns) {
    hwa_event_t *event = NULL;
    hwa_error_t error = {0};
    const double start = now_us();
    need(hwa_launch(queue, program, NULL, 0, NULL, &event, &error), &error);
    need(hwa_event_wait(event, timeout_ns, &error), &error);
    hwa_event_free(event);
    return now_us() - start;
}

static void compare(const char *what, uint64_t timeout_ns) {
    static double raw[pairs], ours[pairs], difference[pairs];
    for (int i = -warm_up; i < pairs; ++i) {
        /* Who comes second finds the driver's threads awake: take turns. */
        double first = 0;
        double second = 0;
        if (i % 2 == 0) {
            first = run_raw();
            second = run_hwa(timeout_ns);
        } else {
            second = run_hwa(timeout_ns);
            first = run_raw();
        }
        if (i < 0)
            continue;
        raw[i] = first;
        ours[i] = second;
        difference[i] = second - first;
    }
    const double apart = median(difference);
    const double a = median(raw);
    const double b = median(ours);
    printf(
        "%s: %d pairs, raw %.2f us, hwa %.2f us, medians %+.2f us, median of pairs %+.2f us: %s\n",
        what, pairs, a, b, b - a, apart, apart <= 1 ? "within 1 us" : "OVER 1 us");
}

int main(void) {
    if (!open_hwa() || !open_raw()) {
        printf("there is no OpenCL device here\n");
        return SKIPPED;
    }
    compare("launch and wait forever", HWA_FOREVER);
    compare("launch and wait 1 s", 1000000000);
    hwa_program_free(program);
    hwa_queue_free(queue);
    return 0;
}
