// SPDX-License-Identifier: MIT
// Level Zero as a table of functions, opened at run time. Own declarations of what is used, of
// version 1.5 but for two functions; tests/api/layout.py holds them equal to a zes_api.h where one
// is.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <cstddef>
#include <cstdint>

extern "C" {

typedef struct _ze_driver_handle_t *ze_driver_handle_t;
typedef struct _ze_device_handle_t *ze_device_handle_t;
typedef struct _zes_driver_handle_t *zes_driver_handle_t;
typedef struct _zes_device_handle_t *zes_device_handle_t;
typedef struct _zes_pwr_handle_t *zes_pwr_handle_t;
typedef struct _zes_mem_handle_t *zes_mem_handle_t;
typedef struct _zes_fabric_port_handle_t *zes_fabric_port_handle_t;
typedef struct _zes_temp_handle_t *zes_temp_handle_t;

// Enumerations of four bytes in the header; what is not named here may come too.
typedef enum _ze_result_t : uint32_t {
    ZE_RESULT_SUCCESS = 0,
    ZE_RESULT_NOT_READY = 1,
    ZE_RESULT_ERROR_DEVICE_LOST = 1879048193,
    ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY = 1879048194,
    ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY = 1879048195,
    ZE_RESULT_ERROR_DEVICE_REQUIRES_RESET = 1879048198,
    ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS = 1879113728,
    ZE_RESULT_ERROR_NOT_AVAILABLE = 1879113729,
    ZE_RESULT_ERROR_DEPENDENCY_UNAVAILABLE = 1879179264,
    ZE_RESULT_ERROR_UNINITIALIZED = 2013265921,
    ZE_RESULT_ERROR_UNSUPPORTED_VERSION = 2013265922,
    ZE_RESULT_ERROR_UNSUPPORTED_FEATURE = 2013265923,
    ZE_RESULT_ERROR_INVALID_ARGUMENT = 2013265924,
    ZE_RESULT_ERROR_UNKNOWN = 2147483646
} ze_result_t;

typedef enum _ze_structure_type_t : uint32_t {
    ZE_STRUCTURE_TYPE_DRIVER_PROPERTIES = 1,
    ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES = 3,
    ZE_STRUCTURE_TYPE_DEVICE_MODULE_PROPERTIES = 5,
    ZE_STRUCTURE_TYPE_DEVICE_MEMORY_PROPERTIES = 7,
    ZE_STRUCTURE_TYPE_PCI_EXT_PROPERTIES = 65544
} ze_structure_type_t;

typedef enum _zes_structure_type_t : uint32_t {
    ZES_STRUCTURE_TYPE_PCI_PROPERTIES = 2,
    ZES_STRUCTURE_TYPE_FABRIC_PORT_PROPERTIES = 6,
    ZES_STRUCTURE_TYPE_MEM_PROPERTIES = 11,
    ZES_STRUCTURE_TYPE_POWER_PROPERTIES = 13,
    ZES_STRUCTURE_TYPE_MEM_STATE = 30
} zes_structure_type_t;

typedef enum _ze_device_type_t : uint32_t {
    ZE_DEVICE_TYPE_GPU = 1,
    ZE_DEVICE_TYPE_CPU = 2,
    ZE_DEVICE_TYPE_FPGA = 3,
    ZE_DEVICE_TYPE_MCA = 4,
    ZE_DEVICE_TYPE_VPU = 5
} ze_device_type_t;

typedef enum _ze_device_property_flag_t : uint32_t {
    ZE_DEVICE_PROPERTY_FLAG_INTEGRATED = 1,
    ZE_DEVICE_PROPERTY_FLAG_SUBDEVICE = 2
} ze_device_property_flag_t;

typedef enum _ze_device_module_flag_t : uint32_t {
    ZE_DEVICE_MODULE_FLAG_FP16 = 1,
    ZE_DEVICE_MODULE_FLAG_FP64 = 2
} ze_device_module_flag_t;

typedef enum _zes_mem_type_t : uint32_t {
    ZES_MEM_TYPE_HBM = 0,
    ZES_MEM_TYPE_DDR = 1,
    ZES_MEM_TYPE_LPDDR5 = 8,
    ZES_MEM_TYPE_SRAM = 9,
    ZES_MEM_TYPE_GDDR4 = 14,
    ZES_MEM_TYPE_GDDR7 = 19
} zes_mem_type_t;

typedef enum _zes_mem_loc_t : uint32_t {
    ZES_MEM_LOC_SYSTEM = 0,
    ZES_MEM_LOC_DEVICE = 1
} zes_mem_loc_t;

typedef uint32_t ze_init_flags_t;
typedef uint8_t ze_bool_t;

typedef struct _ze_uuid_t {
    uint8_t id[16];
} ze_uuid_t;

typedef struct _ze_driver_properties_t {
    ze_structure_type_t stype;
    void *pNext;
    ze_uuid_t uuid;
    uint32_t driverVersion;
} ze_driver_properties_t;

typedef struct _ze_device_properties_t {
    ze_structure_type_t stype;
    void *pNext;
    ze_device_type_t type;
    uint32_t vendorId;
    uint32_t deviceId;
    uint32_t flags;
    uint32_t subdeviceId;
    uint32_t coreClockRate; ///< MHz
    uint64_t maxMemAllocSize;
    uint32_t maxHardwareContexts;
    uint32_t maxCommandQueuePriority;
    uint32_t numThreadsPerEU;
    uint32_t physicalEUSimdWidth;
    uint32_t numEUsPerSubslice;
    uint32_t numSubslicesPerSlice;
    uint32_t numSlices;
    uint64_t timerResolution;
    uint32_t timestampValidBits;
    uint32_t kernelTimestampValidBits;
    ze_uuid_t uuid;
    char name[256];
} ze_device_properties_t;

typedef struct _ze_device_memory_properties_t {
    ze_structure_type_t stype;
    void *pNext;
    uint32_t flags;
    uint32_t maxClockRate;
    uint32_t maxBusWidth;
    uint64_t totalSize;
    char name[256];
} ze_device_memory_properties_t;

typedef struct _ze_device_module_properties_t {
    ze_structure_type_t stype;
    void *pNext;
    uint32_t spirvVersionSupported; ///< major in the upper half
    uint32_t flags;
    uint32_t fp16flags;
    uint32_t fp32flags;
    uint32_t fp64flags;
    uint32_t maxArgumentsSize;
    uint32_t printfBufferSize;
    ze_uuid_t nativeKernelSupported;
} ze_device_module_properties_t;

typedef struct _ze_pci_address_ext_t {
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t function;
} ze_pci_address_ext_t;

typedef struct _ze_pci_speed_ext_t {
    int32_t genVersion;
    int32_t width;
    int64_t maxBandwidth;
} ze_pci_speed_ext_t;

typedef struct _ze_pci_ext_properties_t {
    ze_structure_type_t stype;
    void *pNext;
    ze_pci_address_ext_t address;
    ze_pci_speed_ext_t maxSpeed;
} ze_pci_ext_properties_t;

typedef struct _zes_pci_address_t {
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t function;
} zes_pci_address_t;

typedef struct _zes_pci_speed_t {
    int32_t gen;
    int32_t width;
    int64_t maxBandwidth;
} zes_pci_speed_t;

typedef struct _zes_pci_properties_t {
    zes_structure_type_t stype;
    void *pNext;
    zes_pci_address_t address;
    zes_pci_speed_t maxSpeed;
    ze_bool_t haveBandwidthCounters;
    ze_bool_t havePacketCounters;
    ze_bool_t haveReplayCounters;
} zes_pci_properties_t;

typedef struct _zes_power_properties_t {
    zes_structure_type_t stype;
    void *pNext;
    ze_bool_t onSubdevice;
    uint32_t subdeviceId;
    ze_bool_t canControl;
    ze_bool_t isEnergyThresholdSupported;
    int32_t defaultLimit; ///< milliwatts, or -1
    int32_t minLimit;
    int32_t maxLimit;
} zes_power_properties_t;

typedef struct _zes_power_sustained_limit_t {
    ze_bool_t enabled;
    int32_t power; ///< milliwatts
    int32_t interval;
} zes_power_sustained_limit_t;

typedef struct _zes_power_burst_limit_t zes_power_burst_limit_t;
typedef struct _zes_power_peak_limit_t zes_power_peak_limit_t;

typedef struct _zes_mem_properties_t {
    zes_structure_type_t stype;
    void *pNext;
    zes_mem_type_t type;
    ze_bool_t onSubdevice;
    uint32_t subdeviceId;
    zes_mem_loc_t location;
    uint64_t physicalSize; ///< or 0
    int32_t busWidth;
    int32_t numChannels;
} zes_mem_properties_t;

typedef struct _zes_mem_state_t {
    zes_structure_type_t stype;
    const void *pNext;
    uint32_t health;
    uint64_t free;
    uint64_t size; ///< what can be had of it
} zes_mem_state_t;

typedef struct _zes_fabric_port_id_t {
    uint32_t fabricId;
    uint32_t attachId;
    uint8_t portNumber;
} zes_fabric_port_id_t;

typedef struct _zes_fabric_port_speed_t {
    int64_t bitRate; ///< a second, or -1
    int32_t width;
} zes_fabric_port_speed_t;

typedef struct _zes_fabric_port_properties_t {
    zes_structure_type_t stype;
    void *pNext;
    char model[256];
    ze_bool_t onSubdevice;
    uint32_t subdeviceId;
    zes_fabric_port_id_t portId;
    zes_fabric_port_speed_t maxRxSpeed;
    zes_fabric_port_speed_t maxTxSpeed;
} zes_fabric_port_properties_t;

static_assert(sizeof(ze_driver_properties_t) == 40);
static_assert(sizeof(ze_device_properties_t) == 368);
static_assert(offsetof(ze_device_properties_t, coreClockRate) == 36);
static_assert(offsetof(ze_device_properties_t, numThreadsPerEU) == 56);
static_assert(offsetof(ze_device_properties_t, numSlices) == 72);
static_assert(offsetof(ze_device_properties_t, uuid) == 96);
static_assert(offsetof(ze_device_properties_t, name) == 112);
static_assert(sizeof(ze_device_memory_properties_t) == 296);
static_assert(offsetof(ze_device_memory_properties_t, totalSize) == 32);
static_assert(sizeof(ze_device_module_properties_t) == 64);
static_assert(offsetof(ze_device_module_properties_t, flags) == 20);
static_assert(sizeof(ze_pci_ext_properties_t) == 48);
static_assert(offsetof(ze_pci_ext_properties_t, address) == 16);
static_assert(sizeof(zes_pci_properties_t) == 56);
static_assert(offsetof(zes_pci_properties_t, address) == 16);
static_assert(sizeof(zes_power_properties_t) == 40);
static_assert(offsetof(zes_power_properties_t, defaultLimit) == 28);
static_assert(sizeof(zes_power_sustained_limit_t) == 12);
static_assert(sizeof(zes_mem_properties_t) == 48);
static_assert(offsetof(zes_mem_properties_t, physicalSize) == 32);
static_assert(sizeof(zes_mem_state_t) == 40);
static_assert(offsetof(zes_mem_state_t, free) == 24);
static_assert(sizeof(zes_fabric_port_properties_t) == 328);
static_assert(offsetof(zes_fabric_port_properties_t, maxTxSpeed) == 312);

// prototypes, in the words of the vendor's header
ze_result_t zeInit(ze_init_flags_t);
ze_result_t zeDriverGet(uint32_t *, ze_driver_handle_t *);
ze_result_t zeDriverGetProperties(ze_driver_handle_t, ze_driver_properties_t *);
ze_result_t zeDeviceGet(ze_driver_handle_t, uint32_t *, ze_device_handle_t *);
ze_result_t zeDeviceGetProperties(ze_device_handle_t, ze_device_properties_t *);
ze_result_t zeDeviceGetMemoryProperties(ze_device_handle_t, uint32_t *,
                                        ze_device_memory_properties_t *);
ze_result_t zeDeviceGetSubDevices(ze_device_handle_t, uint32_t *, ze_device_handle_t *);
ze_result_t zeDeviceGetModuleProperties(ze_device_handle_t, ze_device_module_properties_t *);
ze_result_t zeDevicePciGetPropertiesExt(ze_device_handle_t, ze_pci_ext_properties_t *);
ze_result_t zesDeviceEnumPowerDomains(zes_device_handle_t, uint32_t *, zes_pwr_handle_t *);
ze_result_t zesDevicePciGetProperties(zes_device_handle_t, zes_pci_properties_t *);
ze_result_t zesPowerGetProperties(zes_pwr_handle_t, zes_power_properties_t *);
ze_result_t zesPowerGetLimits(zes_pwr_handle_t, zes_power_sustained_limit_t *,
                              zes_power_burst_limit_t *, zes_power_peak_limit_t *);
ze_result_t zesDeviceEnumMemoryModules(zes_device_handle_t, uint32_t *, zes_mem_handle_t *);
ze_result_t zesMemoryGetProperties(zes_mem_handle_t, zes_mem_properties_t *);
ze_result_t zesMemoryGetState(zes_mem_handle_t, zes_mem_state_t *);
ze_result_t zesDeviceEnumTemperatureSensors(zes_device_handle_t, uint32_t *, zes_temp_handle_t *);
ze_result_t zesTemperatureGetState(zes_temp_handle_t, double *);
ze_result_t zesDeviceEnumFabricPorts(zes_device_handle_t, uint32_t *, zes_fabric_port_handle_t *);
ze_result_t zesFabricPortGetProperties(zes_fabric_port_handle_t, zes_fabric_port_properties_t *);
// end of prototypes

// Of versions 1.5 to 1.10, which came into distributions late.
typedef struct _ze_init_driver_type_desc_t {
    uint32_t stype;
    const void *pNext;
    uint32_t flags; ///< 1 graphics, 2 neural processing units
} ze_init_driver_type_desc_t;
static_assert(24 == sizeof(ze_init_driver_type_desc_t));

ze_result_t zeInitDrivers(uint32_t *, ze_driver_handle_t *, ze_init_driver_type_desc_t *);
ze_result_t zesInit(uint32_t flags);
ze_result_t zesDriverGet(uint32_t *, zes_driver_handle_t *);
ze_result_t zesDeviceGet(zes_driver_handle_t, uint32_t *, zes_device_handle_t *);

} // extern "C"

namespace hwa::api {

inline constexpr uint32_t ze_init_driver_type_desc = 0x20021;
inline constexpr uint32_t ze_all_driver_types = 3;

/// What may lack is NULL then.
struct LevelZero {
#define HWA_REQUIRED(name) decltype(&::name) name = nullptr;
#define HWA_OPTIONAL(name) decltype(&::name) name = nullptr;
#include "api/level_zero.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
    os::Library library;
};

/// Loads libze_loader.so.1 from `directory` only, or from where the system finds it if that is
/// empty. No driver is initialised by it.
base::Result<LevelZero> load_level_zero(const std::string &directory);

/// Name of an error code, such as ZE_RESULT_ERROR_DEVICE_LOST; "an unknown code" of others.
const char *level_zero_error(ze_result_t code);

} // namespace hwa::api
