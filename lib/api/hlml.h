// SPDX-License-Identifier: MIT
// HLML as a table of functions, opened at run time. Own declarations of what is used, by hlml.h of
// HabanaAI/gohlml; no distribution has that header.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <cstddef>
#include <cstdint>

extern "C" {

typedef enum hlml_return : int {
    HLML_SUCCESS = 0,
    HLML_ERROR_UNINITIALIZED = 1,
    HLML_ERROR_INVALID_ARGUMENT = 2,
    HLML_ERROR_NOT_SUPPORTED = 3,
    HLML_ERROR_ALREADY_INITIALIZED = 5,
    HLML_ERROR_NOT_FOUND = 6,
    HLML_ERROR_INSUFFICIENT_SIZE = 7,
    HLML_ERROR_DRIVER_NOT_LOADED = 9,
    HLML_ERROR_TIMEOUT = 10,
    HLML_ERROR_AIP_IS_LOST = 15,
    HLML_ERROR_MEMORY = 20,
    HLML_ERROR_NO_DATA = 21,
    HLML_ERROR_UNKNOWN = 49
} hlml_return_t;

typedef void *hlml_device_t;

/// With room for what later versions put at the end.
typedef struct hlml_pci_info {
    unsigned int bus;
    char bus_id[15]; ///< "0000:19:00.0"
    unsigned int device;
    unsigned int domain;
    unsigned int pci_device_id; ///< device in the upper half, vendor in the lower
    char link_speed[10];
    char link_width[10];
    char later[204];
} hlml_pci_info_t;
static_assert(offsetof(hlml_pci_info_t, device) == 20);
static_assert(offsetof(hlml_pci_info_t, pci_device_id) == 28);
static_assert(sizeof(hlml_pci_info_t) == 256);

typedef struct hlml_memory {
    unsigned long long free; ///< comes first, unlike elsewhere
    unsigned long long total;
    unsigned long long used;
} hlml_memory_t;
static_assert(sizeof(hlml_memory_t) == 24);

typedef enum hlml_clock_type : int {
    HLML_CLOCK_SOC = 0,
    HLML_CLOCK_IC = 1,
    HLML_CLOCK_MME = 2,
    HLML_CLOCK_TPC = 3
} hlml_clock_type_t;

typedef struct hlml_utilization {
    unsigned int aip; ///< percent
} hlml_utilization_t;

typedef enum hlml_temperature_sensors : int {
    HLML_TEMPERATURE_ON_AIP = 0,
    HLML_TEMPERATURE_ON_BOARD = 1
} hlml_temperature_sensors_t;

hlml_return_t hlml_init(void);
hlml_return_t hlml_device_get_count(unsigned int *);
hlml_return_t hlml_device_get_handle_by_index(unsigned int, hlml_device_t *);
hlml_return_t hlml_device_get_name(hlml_device_t, char *, unsigned int);
hlml_return_t hlml_device_get_pci_info(hlml_device_t, hlml_pci_info_t *);
hlml_return_t hlml_device_get_memory_info(hlml_device_t, hlml_memory_t *);
hlml_return_t hlml_device_get_utilization_rates(hlml_device_t, hlml_utilization_t *);
hlml_return_t hlml_device_get_temperature(hlml_device_t, hlml_temperature_sensors_t,
                                          unsigned int *);
hlml_return_t hlml_device_get_power_usage(hlml_device_t, unsigned int *);
hlml_return_t hlml_device_get_clock_info(hlml_device_t, hlml_clock_type_t, unsigned int *);
hlml_return_t hlml_device_get_uuid(hlml_device_t, char *, unsigned int);
hlml_return_t hlml_device_get_max_clock_info(hlml_device_t, hlml_clock_type_t, unsigned int *);
hlml_return_t hlml_device_get_power_management_default_limit(hlml_device_t, unsigned int *);
hlml_return_t hlml_get_driver_version(char *, unsigned int);

} // extern "C"

namespace hwa::api {

/// What may lack is NULL then.
struct Hlml {
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) decltype(&::name) name = nullptr;
#include "api/hlml.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
    os::Library library;
};

/// Loads libhlml.so from `directory` only, or, if that is empty, from where the system finds it or
/// Intel's packages put it. The driver is not initialised by it.
base::Result<Hlml> load_hlml(const std::string &directory);

/// Name of an error code, such as HLML_ERROR_TIMEOUT; "an unknown code" of others.
const char *hlml_error(hlml_return_t code);

} // namespace hwa::api
