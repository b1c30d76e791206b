/* SPDX-License-Identifier: MIT */
/* An OpenCL loader with one platform of one device: the same as that of the fake Vulkan loader. */
#include "fault.h"

#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <stdint.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

/* Handles are opaque, so any address will do. */
static int platform;
static int device;

__attribute__((constructor)) static void construct(void) {
    fault_at("opencl.ctor");
}

static cl_uint told(enum fault fault) {
    return fault == FAULT_HUGE ? 0xffffffff : fault == FAULT_MANY ? 4096 : 1;
}

static void list(enum fault fault, void *only, cl_uint room, void **into, cl_uint *count) {
    const uintptr_t nowhere = 0xdeadbeef;
    for (cl_uint i = 0; into != NULL && i < room && i < told(fault); ++i)
        into[i] = fault == FAULT_GARBAGE ? (void *)nowhere : only;
    if (count != NULL)
        *count = told(fault);
}

EXPORT cl_int clGetPlatformIDs(cl_uint room, cl_platform_id *into, cl_uint *count) {
    const enum fault fault = fault_at("clGetPlatformIDs");
    if (fault == FAULT_FAIL)
        return CL_OUT_OF_RESOURCES;
    if (fault == FAULT_NULL)
        return CL_PLATFORM_NOT_FOUND_KHR;
    list(fault, &platform, room, (void **)into, count);
    return CL_SUCCESS;
}

EXPORT cl_int clGetDeviceIDs(cl_platform_id of, cl_device_type type, cl_uint room,
                             cl_device_id *into, cl_uint *count) {
    (void)type;
    const enum fault fault = fault_at("clGetDeviceIDs");
    if ((void *)of != &platform)
        *(volatile int *)(void *)of = 1;
    if (fault == FAULT_FAIL)
        return CL_OUT_OF_HOST_MEMORY;
    if (fault == FAULT_NULL)
        return CL_DEVICE_NOT_FOUND;
    list(fault, &device, room, (void **)into, count);
    return CL_SUCCESS;
}

static cl_int give(const void *from, size_t bytes, size_t room, void *into, size_t *size) {
    if (into != NULL && room < bytes)
        return CL_INVALID_VALUE;
    if (into != NULL)
        memcpy(into, from, bytes);
    if (size != NULL)
        *size = bytes;
    return CL_SUCCESS;
}

static cl_int give_text(const char *text, size_t room, void *into, size_t *size) {
    return give(text, strlen(text) + 1, room, into, size);
}

EXPORT cl_int clGetPlatformInfo(cl_platform_id of, cl_platform_info what, size_t room, void *into,
                                size_t *size) {
    (void)of;
    (void)fault_at("clGetPlatformInfo");
    return give_text(what == CL_PLATFORM_NAME ? "Fake" : "OpenCL 3.0 fake", room, into, size);
}

EXPORT cl_int clGetDeviceInfo(cl_device_id of, cl_device_info what, size_t room, void *into,
                              size_t *size) {
    static const cl_device_type type = CL_DEVICE_TYPE_GPU;
    static const cl_ulong bytes = (cl_ulong)8 << 30;
    static const cl_uint units = 64;
    static const cl_bool yes = CL_TRUE;
    static const cl_device_pci_bus_info_khr address = {0, 0xfa, 0, 0};
    const enum fault fault = fault_at("clGetDeviceInfo");
    if ((void *)of != &device)
        *(volatile int *)(void *)of = 1;
    if (fault == FAULT_FAIL)
        return CL_INVALID_DEVICE;
    if (fault == FAULT_HUGE && size != NULL) {
        *size = SIZE_MAX;
        return into != NULL ? CL_INVALID_VALUE : CL_SUCCESS;
    }
    switch (what) {
    case CL_DEVICE_TYPE:
        return give(&type, sizeof type, room, into, size);
    case CL_DEVICE_NAME:
        return give_text(fault == FAULT_NAME ? "\x1b[31mbad\xff\xc0" : "Fake GPU", room, into,
                         size);
    case CL_DEVICE_EXTENSIONS:
        return give_text("cl_khr_pci_bus_info cl_khr_fp16", room, into, size);
    case CL_DEVICE_PCI_BUS_INFO_KHR:
        return give(&address, sizeof address, room, into, size);
    case CL_DEVICE_GLOBAL_MEM_SIZE:
        return give(&bytes, sizeof bytes, room, into, size);
    case CL_DEVICE_MAX_COMPUTE_UNITS:
        return give(&units, sizeof units, room, into, size);
    case CL_DEVICE_AVAILABLE:
    case CL_DEVICE_COMPILER_AVAILABLE:
        return give(&yes, sizeof yes, room, into, size);
    case CL_DEVICE_VERSION:
    case CL_DRIVER_VERSION:
        return give_text("OpenCL 3.0 fake", room, into, size);
    default:
        return CL_INVALID_VALUE;
    }
}
