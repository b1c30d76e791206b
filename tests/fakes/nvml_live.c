/* SPDX-License-Identifier: MIT */
/* The part of NVML that tells how devices are doing, for any address that it is asked for. By
   NVIDIA/go-nvml gen/nvml/nvml.h; faults are those of fault.h. */
#include "fault.h"

#include <limits.h>
#include <stddef.h>

#define API __attribute__((visibility("default")))

enum { SUCCESS = 0, NOT_SUPPORTED = 3, LOST = 15 };

static int begin(const char *call, enum fault *fault) {
    *fault = fault_at(call);
    return *fault == FAULT_FAIL ? LOST : SUCCESS;
}

#define BEGIN(call)                                                                                \
    enum fault fault;                                                                              \
    const int result = begin(call, &fault);                                                        \
    if (result != SUCCESS)                                                                         \
    return result

API const char *nvmlErrorString(int code) {
    return code == LOST ? "GPU is lost" : "Some error";
}

API int nvmlInit_v2(void) {
    BEGIN("nvmlInit_v2");
    return SUCCESS;
}

API int nvmlDeviceGetHandleByPciBusId_v2(const char *address, const void **told) {
    BEGIN("nvmlDeviceGetHandleByPciBusId_v2");
    *told = address;
    return SUCCESS;
}

/* Whoever asks for a list is shown none. */
API int nvmlDeviceGetCount_v2(unsigned *told) {
    *told = 0;
    return SUCCESS;
}

API int nvmlDeviceGetHandleByIndex_v2(unsigned index, const void **told) {
    (void)index;
    (void)told;
    return NOT_SUPPORTED;
}

API int nvmlDeviceGetName(const void *device, char *told, unsigned length) {
    (void)device;
    (void)told;
    (void)length;
    return NOT_SUPPORTED;
}

API int nvmlDeviceGetPciInfo_v3(const void *device, void *told) {
    (void)device;
    (void)told;
    return NOT_SUPPORTED;
}

API int nvmlDeviceGetClockInfo(const void *device, int kind, unsigned *told) {
    (void)device;
    (void)kind;
    BEGIN("nvmlDeviceGetClockInfo");
    *told = 1980;
    return SUCCESS;
}

API int nvmlDeviceGetMemoryInfo(const void *device, unsigned long long *told) {
    (void)device;
    BEGIN("nvmlDeviceGetMemoryInfo");
    told[0] = fault == FAULT_HUGE ? ULLONG_MAX : 1000000;
    told[1] = 400000;
    told[2] = 600000;
    return SUCCESS;
}

API int nvmlDeviceGetPowerUsage(const void *device, unsigned *told) {
    (void)device;
    (void)told;
    return NOT_SUPPORTED;
}

API int nvmlDeviceGetTemperature(const void *device, int sensor, unsigned *told) {
    (void)device;
    (void)sensor;
    BEGIN("nvmlDeviceGetTemperature");
    *told = 61;
    return SUCCESS;
}

API int nvmlDeviceGetUtilizationRates(const void *device, unsigned *told) {
    (void)device;
    BEGIN("nvmlDeviceGetUtilizationRates");
    told[0] = 50;
    told[1] = 7;
    return SUCCESS;
}
