/* SPDX-License-Identifier: MIT */
/* OpenCL as any other program would use it, to measure libhwa against. */
#ifndef BENCH_RAW_OPENCL_H
#define BENCH_RAW_OPENCL_H

#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>

#include <stddef.h>
#include <stdint.h>

typedef struct raw_opencl_t {
    cl_context context;
    cl_device_id device;
    cl_command_queue queue;
} raw_opencl_t;

/* The first device of the first platform; 0 if there is none. */
int raw_opencl_open(raw_opencl_t *raw);
cl_kernel raw_opencl_kernel(const raw_opencl_t *raw, const char *source, const char *entry);

/* The library is opened by name, so that nothing links it. */
#define RAW_CL(name) ((raw_##name)raw_opencl_symbol(#name))
void *raw_opencl_symbol(const char *name);
typedef __typeof__(&clCreateBuffer) raw_clCreateBuffer;
typedef __typeof__(&clGetDeviceInfo) raw_clGetDeviceInfo;
typedef __typeof__(&clEnqueueCopyBuffer) raw_clEnqueueCopyBuffer;
typedef __typeof__(&clEnqueueNDRangeKernel) raw_clEnqueueNDRangeKernel;
typedef __typeof__(&clEnqueueReadBuffer) raw_clEnqueueReadBuffer;
typedef __typeof__(&clEnqueueWriteBuffer) raw_clEnqueueWriteBuffer;
typedef __typeof__(&clFinish) raw_clFinish;
typedef __typeof__(&clReleaseMemObject) raw_clReleaseMemObject;
typedef __typeof__(&clSetKernelArg) raw_clSetKernelArg;

#endif
