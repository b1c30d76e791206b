// SPDX-License-Identifier: MIT
// HIP's runtime as a table of functions, opened at run time. Own declarations of what is used, at
// the prototypes of HIP 5.2; tests/api/layout.py holds them equal to a hip_runtime_api.h where one
// is.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <cstddef>

extern "C" {

typedef int hipDevice_t;

typedef struct hipUUID_t {
    char bytes[16];
} hipUUID;
static_assert(sizeof(hipUUID) == 16);

// An enumeration of four bytes in HIP's own header; what is not named here may come too.
typedef enum hipError_t : int {
    hipSuccess = 0,
    hipErrorOutOfMemory = 2,
    hipErrorNotInitialized = 3,
    hipErrorInsufficientDriver = 35,
    hipErrorNoDevice = 100,
    hipErrorInvalidDevice = 101,
} hipError_t;

// prototypes
const char *hipGetErrorName(hipError_t code);
hipError_t hipInit(unsigned flags);
hipError_t hipRuntimeGetVersion(int *version);
hipError_t hipGetDeviceCount(int *count);
hipError_t hipDeviceGetName(char *name, int size, hipDevice_t device);
hipError_t hipDeviceGetPCIBusId(char *address, int size, int device);
hipError_t hipDeviceTotalMem(size_t *bytes, hipDevice_t device);
hipError_t hipDeviceGetUuid(hipUUID *uuid, hipDevice_t device);
// end of prototypes

} // extern "C"

namespace hwa::api {

/// Newest first: each ROCm has its own, and what is used here is the same in all.
inline constexpr const char *hip_sonames[] = {"libamdhip64.so.7", "libamdhip64.so.6",
                                              "libamdhip64.so.5"};

/// The functions; NULL where an optional one is not there.
struct Hip {
    os::Library library;
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) decltype(&::name) name = nullptr;
#include "api/hip.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED

    /// Name of a code, never NULL.
    const char *error_name(hipError_t code) const;
};

/// Opens the newest runtime, in `directory` only unless that is empty.
base::Result<Hip> load_hip(const std::string &directory);

} // namespace hwa::api
