/* SPDX-License-Identifier: MIT */
/* Lane over OpenCL itself. */
#include "lane.h"
#include "raw_opencl.h"

#include <stdio.h>
#include <stdlib.h>

static raw_opencl_t raw;
static cl_kernel kernel;
static cl_mem arrays[3];
static int written;

static void need(cl_int code) {
    if (code == CL_SUCCESS)
        return;
    printf("OpenCL answered %d\n", code);
    exit(1);
}

static int open_lane(void) {
    static const char source[] =
        "__kernel void add(__global const float *a, __global const float *b, __global float *c)"
        "{ size_t i = get_global_id(0); c[i] = a[i] + b[i]; }";
    if (!raw_opencl_open(&raw))
        return 0;
    kernel = raw_opencl_kernel(&raw, source, "add");
    return kernel != NULL;
}

static uint64_t limit(void) {
    cl_ulong bytes = 0;
    need(RAW_CL(clGetDeviceInfo)(raw.device, CL_DEVICE_MAX_MEM_ALLOC_SIZE, sizeof bytes, &bytes,
                                 NULL));
    return bytes / sizeof(float);
}

static void allocate(uint64_t count) {
    cl_int code = CL_SUCCESS;
    for (int i = 0; i < 3; ++i) {
        arrays[i] = RAW_CL(clCreateBuffer)(raw.context, CL_MEM_READ_WRITE, count * sizeof(float),
                                           NULL, &code);
        need(code);
    }
    written = 0;
}

static void write_lane(const float *from, uint64_t count) {
    need(RAW_CL(clEnqueueWriteBuffer)(raw.queue, arrays[written++ % 2], CL_TRUE, 0,
                                      count * sizeof(float), from, 0, NULL, NULL));
}

static void read_lane(float *into, uint64_t count) {
    need(RAW_CL(clEnqueueReadBuffer)(raw.queue, arrays[2], CL_TRUE, 0, count * sizeof(float), into,
                                     0, NULL, NULL));
}

static void copy(uint64_t count) {
    need(RAW_CL(clEnqueueCopyBuffer)(raw.queue, arrays[0], arrays[2], 0, 0, count * sizeof(float),
                                     0, NULL, NULL));
    need(RAW_CL(clFinish)(raw.queue));
}

static void add(uint64_t count) {
    const size_t global = count;
    const size_t local = lane_group;
    for (cl_uint i = 0; i < 3; ++i)
        need(RAW_CL(clSetKernelArg)(kernel, i, sizeof arrays[i], &arrays[i]));
    need(
        RAW_CL(clEnqueueNDRangeKernel)(raw.queue, kernel, 1, NULL, &global, &local, 0, NULL, NULL));
    need(RAW_CL(clFinish)(raw.queue));
}

static void release(void) {
    for (int i = 0; i < 3; ++i)
        need(RAW_CL(clReleaseMemObject)(arrays[i]));
}

const lane_t lane_opencl = {open_lane, limit, allocate, write_lane, read_lane,
                            copy,      add,   NULL,     release};
