/* SPDX-License-Identifier: MIT */
/* An empty kernel launched and waited for, alone and in batches, by libhwa and by OpenCL itself,
   turn by turn. */
#include <hwa/hwa.h>

#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SKIPPED 77
enum { pairs = 10000, warm_up = 500, batch = 1000, batch_pairs = 400, batch_warm_up = 20 };

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

static double median(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, by_value);
    return values[count / 2];
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
typedef __typeof__(&clFlush) clFlush_type;

static cl_command_queue raw_queue;
static cl_kernel raw_kernel;
static clEnqueueNDRangeKernel_type enqueue;
static clWaitForEvents_type wait_for;
static clReleaseEvent_type release;
static clFlush_type flush;

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
    flush = CALL(clFlush);
    return raw_kernel != NULL;
}

static double run_raw(uint64_t timeout_ns) {
    (void)timeout_ns;
    const size_t one = 1;
    cl_event event = NULL;
    const double start = now_us();
    if (enqueue(raw_queue, raw_kernel, 1, NULL, &one, &one, 0, NULL, &event) != CL_SUCCESS ||
        wait_for(1, &event) != CL_SUCCESS)
        exit(1);
    release(event);
    return now_us() - start;
}

/* Only the last command has an event, and all are handed over at once. Ends with the last enqueue:
   what follows is the driver's time. */
static double raw_batch(uint64_t timeout_ns) {
    (void)timeout_ns;
    const size_t one = 1;
    cl_event event = NULL;
    const double start = now_us();
    for (int i = 0; i < batch; ++i)
        if (enqueue(raw_queue, raw_kernel, 1, NULL, &one, &one, 0, NULL,
                    i + 1 == batch ? &event : NULL) != CL_SUCCESS)
            exit(1);
    flush(raw_queue);
    const double passed = now_us() - start;
    if (wait_for(1, &event) != CL_SUCCESS)
        exit(1);
    release(event);
    return passed;
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

static double hwa_batch(uint64_t timeout_ns) {
    static hwa_launch_item_t items[batch];
    hwa_event_t *event = NULL;
    hwa_error_t error = {0};
    for (int i = 0; i < batch; ++i)
        items[i].program = program;
    const double start = now_us();
    need(hwa_launch_many(queue, items, batch, &event, &error), &error);
    const double passed = now_us() - start;
    need(hwa_event_wait(event, timeout_ns, &error), &error);
    hwa_event_free(event);
    return passed;
}

/* Two ways of the same, and how far the second may be behind the first. */
struct race {
    const char *what;
    double (*raw)(uint64_t timeout_ns);
    double (*ours)(uint64_t timeout_ns);
    uint64_t timeout_ns;
    int pairs, warm_up;
    int launches;
    double limit_ns; /* for each launch */
};

static const struct race races[] = {
    {"launch and wait forever", run_raw, run_hwa, HWA_FOREVER, pairs, warm_up, 1, 1000},
    {"launch and wait 1 s", run_raw, run_hwa, 1000000000, pairs, warm_up, 1, 1000},
    {"a launch of a batch of 1000", raw_batch, hwa_batch, HWA_FOREVER, batch_pairs, batch_warm_up,
     batch, 50},
};

static void run(const struct race *race) {
    static double raw[pairs], ours[pairs], difference[pairs];
    for (int i = -race->warm_up; i < race->pairs; ++i) {
        /* Who comes second finds the driver's threads awake: take turns. */
        double first = 0;
        double second = 0;
        if (i % 2 == 0) {
            first = race->raw(race->timeout_ns);
            second = race->ours(race->timeout_ns);
        } else {
            second = race->ours(race->timeout_ns);
            first = race->raw(race->timeout_ns);
        }
        if (i < 0)
            continue;
        raw[i] = first * 1e3 / race->launches;
        ours[i] = second * 1e3 / race->launches;
        difference[i] = ours[i] - raw[i];
    }
    const double apart = median(difference, race->pairs);
    const double a = median(raw, race->pairs);
    const double b = median(ours, race->pairs);
    printf("%s: %d pairs, raw %.0f ns, hwa %.0f ns, medians %+.0f ns, median of pairs %+.0f ns: %s "
           "%.0f ns\n",
           race->what, race->pairs, a, b, b - a, apart, apart <= race->limit_ns ? "within" : "OVER",
           race->limit_ns);
}

int main(void) {
    if (!open_hwa() || !open_raw()) {
        printf("there is no OpenCL device here\n");
        return SKIPPED;
    }
    for (size_t i = 0; i < sizeof races / sizeof races[0]; ++i)
        run(&races[i]);
    hwa_program_free(program);
    hwa_queue_free(queue);
    return 0;
}
