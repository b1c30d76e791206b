/* SPDX-License-Identifier: MIT */
/* OpenCL opened by name. */
#include "raw_opencl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

typedef __typeof__(&clBuildProgram) raw_clBuildProgram;
typedef __typeof__(&clCreateCommandQueueWithProperties) raw_clCreateCommandQueueWithProperties;
typedef __typeof__(&clCreateContext) raw_clCreateContext;
typedef __typeof__(&clCreateKernel) raw_clCreateKernel;
typedef __typeof__(&clCreateProgramWithSource) raw_clCreateProgramWithSource;
typedef __typeof__(&clGetDeviceIDs) raw_clGetDeviceIDs;
typedef __typeof__(&clGetPlatformIDs) raw_clGetPlatformIDs;

static void *library;

void *raw_opencl_symbol(const char *name) {
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        printf("OpenCL has no %s\n", name);
        exit(1);
    }
    return symbol;
}

int raw_opencl_open(raw_opencl_t *raw) {
    library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    cl_platform_id platform = NULL;
    if (library == NULL || RAW_CL(clGetPlatformIDs)(1, &platform, NULL) != CL_SUCCESS ||
        RAW_CL(clGetDeviceIDs)(platform, CL_DEVICE_TYPE_ALL, 1, &raw->device, NULL) != CL_SUCCESS)
        return 0;
    raw->context = RAW_CL(clCreateContext)(NULL, 1, &raw->device, NULL, NULL, NULL);
    raw->queue = RAW_CL(clCreateCommandQueueWithProperties)(raw->context, raw->device, NULL, NULL);
    return raw->queue != NULL;
}

cl_kernel raw_opencl_kernel(const raw_opencl_t *raw, const char *source, const char *entry) {
    cl_program program = RAW_CL(clCreateProgramWithSource)(raw->context, 1, &source, NULL, NULL);
    if (RAW_CL(clBuildProgram)(program, 1, &raw->device, "", NULL, NULL) != CL_SUCCESS)
        return NULL;
    return RAW_CL(clCreateKernel)(program, entry, NULL);
}
