// SPDX-License-Identifier: MIT
// NVML as a table of functions, opened at run time. Own declarations of what is used, by nvml.h of
// NVIDIA/go-nvml; no distribution has that header in its free part.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <cstddef>
#include <cstdint>

extern "C" {

typedef enum nvmlReturn_enum : int {
    NVML_SUCCESS = 0,
    NVML_ERROR_UNINITIALIZED = 1,
    NVML_ERROR_INVALID_ARGUMENT = 2,
    NVML_ERROR_NOT_SUPPORTED = 3,
    NVML_ERROR_NO_PERMISSION = 4,
    NVML_ERROR_NOT_FOUND = 6,
    NVML_ERROR_DRIVER_NOT_LOADED = 9,
    NVML_ERROR_TIMEOUT = 10,
    NVML_ERROR_GPU_IS_LOST = 15,
    NVML_ERROR_LIB_RM_VERSION_MISMATCH = 18,
    NVML_ERROR_MEMORY = 20,
    NVML_ERROR_UNKNOWN = 999
} nvmlReturn_t;

typedef struct nvmlDevice_st *nvmlDevice_t;

typedef struct nvmlUtilization_st {
    unsigned int gpu;    ///< percent of the last sixth to one second
    unsigned int memory; ///< percent of the time that memory was read or written
} nvmlUtilization_t;
static_assert(sizeof(nvmlUtilization_t) == 8);

typedef struct nvmlMemory_st {
    unsigned long long total;
    unsigned long long free;
    unsigned long long used; ///< with what the driver keeps for itself
} nvmlMemory_t;
static_assert(sizeof(nvmlMemory_t) == 24);

typedef enum nvmlTemperatureSensors_enum : int {
    NVML_TEMPERATURE_GPU = 0
} nvmlTemperatureSensors_t;
typedef enum nvmlClockType_enum : int {
    NVML_CLOCK_GRAPHICS = 0,
    NVML_CLOCK_SM = 1
} nvmlClockType_t;

const char *nvmlErrorString(nvmlReturn_t);
nvmlReturn_t nvmlInit_v2(void);
nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *, nvmlDevice_t *);
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t, nvmlClockType_t, unsigned int *);
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t, nvmlMemory_t *);
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t, unsigned int *);
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t, nvmlTemperatureSensors_t, unsigned int *);
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t, nvmlUtilization_t *);

} // extern "C"

namespace hwa::api {

/// What may lack is NULL then.
struct Nvml {
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) decltype(&::name) name = nullptr;
#include "api/nvml.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
    os::Library library;
};

/// Loads libnvidia-ml.so.1 from `directory` only, or, if that is empty, from where the system finds
/// it. The driver is not initialised by it.
base::Result<Nvml> load_nvml(const std::string &directory);

} // namespace hwa::api
