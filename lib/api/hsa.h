// SPDX-License-Identifier: MIT
// AMD's HSA runtime as a table of functions, opened at run time. Own declarations of what is used,
// by the HSA Runtime Programmer's Reference Manual 1.2 and AMD's extensions to it;
// tests/api/layout.py holds them equal to a hsa_ext_amd.h where one is.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <cstddef>
#include <cstdint>

extern "C" {

// Enumerations of four bytes in HSA's own headers; what is not named here may come too.
typedef enum hsa_status_t : int {
    HSA_STATUS_SUCCESS = 0x0,
    HSA_STATUS_INFO_BREAK = 0x1,
    HSA_STATUS_ERROR = 0x1000,
    HSA_STATUS_ERROR_INVALID_ARGUMENT = 0x1001,
    HSA_STATUS_ERROR_INVALID_AGENT = 0x1004,
    HSA_STATUS_ERROR_OUT_OF_RESOURCES = 0x1008,
    HSA_STATUS_ERROR_NOT_INITIALIZED = 0x100B,
    HSA_STATUS_ERROR_REFCOUNT_OVERFLOW = 0x100C,
} hsa_status_t;

typedef enum hsa_device_type_t : int {
    HSA_DEVICE_TYPE_CPU = 0,
    HSA_DEVICE_TYPE_GPU = 1,
    HSA_DEVICE_TYPE_DSP = 2,
} hsa_device_type_t;

typedef enum hsa_system_info_t : int {
    HSA_SYSTEM_INFO_VERSION_MAJOR = 0,
    HSA_SYSTEM_INFO_VERSION_MINOR = 1,
} hsa_system_info_t;

/// Those of AMD among them, which its header has in an enumeration of their own.
typedef enum hsa_agent_info_t : int {
    HSA_AGENT_INFO_NAME = 0,
    HSA_AGENT_INFO_DEVICE = 17,
    HSA_AMD_AGENT_INFO_CHIP_ID = 0xA000,
    HSA_AMD_AGENT_INFO_COMPUTE_UNIT_COUNT = 0xA002,
    HSA_AMD_AGENT_INFO_MAX_CLOCK_FREQUENCY = 0xA003,
    HSA_AMD_AGENT_INFO_DRIVER_NODE_ID = 0xA004,
    HSA_AMD_AGENT_INFO_BDFID = 0xA006,
    HSA_AMD_AGENT_INFO_MEMORY_MAX_FREQUENCY = 0xA008,
    HSA_AMD_AGENT_INFO_PRODUCT_NAME = 0xA009,
    HSA_AMD_AGENT_INFO_DOMAIN = 0xA00F,
    HSA_AMD_AGENT_INFO_UUID = 0xA011,
} hsa_agent_info_t;

typedef enum hsa_amd_segment_t : int {
    HSA_AMD_SEGMENT_GLOBAL = 0,
} hsa_amd_segment_t;

typedef enum hsa_amd_memory_pool_info_t : int {
    HSA_AMD_MEMORY_POOL_INFO_SEGMENT = 0,
    HSA_AMD_MEMORY_POOL_INFO_SIZE = 2,
} hsa_amd_memory_pool_info_t;

typedef struct hsa_agent_s {
    uint64_t handle;
} hsa_agent_t;
static_assert(sizeof(hsa_agent_t) == 8);

typedef struct hsa_amd_memory_pool_s {
    uint64_t handle;
} hsa_amd_memory_pool_t;
static_assert(sizeof(hsa_amd_memory_pool_t) == 8);

// prototypes
hsa_status_t hsa_init(void);
hsa_status_t hsa_shut_down(void);
hsa_status_t hsa_system_get_info(hsa_system_info_t attribute, void *value);
hsa_status_t hsa_iterate_agents(hsa_status_t (*callback)(hsa_agent_t agent, void *data),
                                void *data);
hsa_status_t hsa_agent_get_info(hsa_agent_t agent, hsa_agent_info_t attribute, void *value);
hsa_status_t hsa_amd_agent_iterate_memory_pools(hsa_agent_t agent,
                                                hsa_status_t (*callback)(hsa_amd_memory_pool_t pool,
                                                                         void *data),
                                                void *data);
hsa_status_t hsa_amd_memory_pool_get_info(hsa_amd_memory_pool_t pool,
                                          hsa_amd_memory_pool_info_t attribute, void *value);
// end of prototypes

} // extern "C"

namespace hwa::api {

/// The functions; NULL where an optional one is not there.
struct Hsa {
    os::Library library;
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) decltype(&::name) name = nullptr;
#include "api/hsa.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

inline constexpr const char *hsa_sonames[] = {"libhsa-runtime64.so.1"};

/// Opens the runtime, in `directory` only unless that is empty; it is not initialised by it.
base::Result<Hsa> load_hsa(const std::string &directory);

/// Name of a status, such as HSA_STATUS_ERROR; "an unknown status" of others.
const char *hsa_status_name(hsa_status_t status);

} // namespace hwa::api
