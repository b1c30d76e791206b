/* SPDX-License-Identifier: MIT */
/* A Level Zero loader with one driver, declared by the vendor's own header. Its devices are those
   of `level_zero.scenario` beside the library, else one card; faults are those of fault.h. Lines:

   device gpu 8086 0bd5 0000:29:00.0 Intel Data Center GPU Max 1550
   device npu 8086 643e - Intel(R) AI Boost          no address: it is not told

   and of the device above:

   clock 1600 / units 1 128 8 / memory 137438953472 / uuid 0123456789abcdef0123456789abcdef
   tiles 2 / power 600000 450000 / ports 8 53000000000 / chips 0 / integrated / fp 3

   power: what it was built for, and what is set, 0 for nothing; chips: zes_mem_type_t; fp: flags of
   ze_device_module_flag_t. */
#include "fault.h"

#include <dlfcn.h>
#include <level_zero/zes_api.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))
/* What a symbol is called in a variant that lacks it, too. */
#define TEXT(name) #name
#define NAME(name) TEXT(name)

enum { DEVICES = 8, TILES = 8, PORTS = 16 };

static struct device {
    ze_device_type_t type;
    unsigned vendor, id;
    bool has_address;
    unsigned domain, bus, slot, function;
    char name[128];
    unsigned clock, slices, subslices, units, tiles, ports, fp, chips;
    unsigned long long memory, bit_rate;
    int power, power_set;
    bool integrated;
    unsigned char uuid[16];
    char tile[TILES]; /* their addresses are handles */
    char port[PORTS];
} devices[DEVICES];
static unsigned count = UINT_MAX;
static char driver;

static void add_device(const char *line) {
    struct device *device = &devices[count++];
    char kind[8], address[16];
    int at = 0;
    if (sscanf(line, "device %7s %x %x %15s %n", kind, &device->vendor, &device->id, address, &at) <
        4)
        abort();
    device->type = kind[0] == 'n' ? ZE_DEVICE_TYPE_VPU : ZE_DEVICE_TYPE_GPU;
    device->has_address = sscanf(address, "%x:%x:%x.%x", &device->domain, &device->bus,
                                 &device->slot, &device->function) == 4;
    snprintf(device->name, sizeof device->name, "%s", line + at);
}

static void read_line(char *line) {
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "device ", 7) == 0 && count < DEVICES) {
        add_device(line);
        return;
    }
    if (line[0] == '\0' || line[0] == '#')
        return;
    if (count == 0)
        abort();
    struct device *device = &devices[count - 1];
    char uuid[33];
    if (strcmp(line, "integrated") == 0)
        device->integrated = true;
    else if (sscanf(line, "uuid %32s", uuid) == 1)
        for (int i = 0; i < 16; ++i)
            (void)sscanf(uuid + 2 * i, "%2hhx", &device->uuid[i]);
    else if (sscanf(line, "clock %u", &device->clock) != 1 &&
             sscanf(line, "units %u %u %u", &device->slices, &device->subslices, &device->units) !=
                 3 &&
             sscanf(line, "memory %llu", &device->memory) != 1 &&
             sscanf(line, "tiles %u", &device->tiles) != 1 &&
             sscanf(line, "power %d %d", &device->power, &device->power_set) != 2 &&
             sscanf(line, "ports %u %llu", &device->ports, &device->bit_rate) != 2 &&
             sscanf(line, "chips %u", &device->chips) != 1 &&
             sscanf(line, "fp %u", &device->fp) != 1)
        abort();
}

static void read_devices(void) {
    static char card[][96] = {"device gpu 8086 56a0 0000:03:00.0 Intel(R) Arc(TM) A770 Graphics",
                              "clock 2400", "units 8 4 16", "memory 16225243136", "fp 1"};
    Dl_info self;
    char path[PATH_MAX + 32], line[256];
    count = 0;
    FILE *file = NULL;
    if (dladdr((const void *)&driver, &self) != 0) {
        snprintf(path, sizeof path, "%s", self.dli_fname);
        char *slash = strrchr(path, '/');
        strcpy(slash != NULL ? slash : path, "/level_zero.scenario");
        file = fopen(path, "re");
    }
    for (size_t i = 0; file == NULL && i < sizeof card / sizeof card[0]; ++i)
        read_line(card[i]);
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        read_line(line);
    if (file != NULL)
        fclose(file);
}

/* What the scenario wants of a call; an error is one of those that the specification has. */
static ze_result_t result_of(const char *call, enum fault *fault) {
    if (count == UINT_MAX)
        read_devices();
    *fault = fault_at(call);
    return *fault == FAULT_FAIL ? ZE_RESULT_ERROR_UNINITIALIZED : ZE_RESULT_SUCCESS;
}

#define BEGIN(call)                                                                                \
    enum fault fault;                                                                              \
    const ze_result_t result = result_of(call, &fault);                                            \
    if (result != ZE_RESULT_SUCCESS)                                                               \
    return result

/* Lists `n` handles, `stride` bytes apart from `first` on. */
static ze_result_t list(enum fault fault, uint32_t *told, void **array, unsigned n, char *first,
                        size_t stride) {
    if (fault == FAULT_HUGE)
        n = UINT_MAX;
    if (fault == FAULT_NULL)
        n = 0;
    if (array != NULL)
        for (unsigned i = 0; i < n && i < *told && i < 64; ++i)
            array[i] = fault == FAULT_GARBAGE ? (void *)16 : (void *)(first + i * stride);
    *told = n;
    return ZE_RESULT_SUCCESS;
}

/* The device that a handle is of, and which of its tiles, or -1. */
static struct device *whose(void *handle, int *tile) {
    const size_t offset = (size_t)((char *)handle - (char *)devices);
    if (offset >= sizeof devices)
        abort();
    struct device *device = &devices[offset / sizeof devices[0]];
    *tile = (char *)handle == (char *)device ? -1 : (int)((char *)handle - device->tile);
    return device;
}

API ze_result_t zeInit(ze_init_flags_t flags) {
    (void)flags;
    BEGIN("zeInit");
    return ZE_RESULT_SUCCESS;
}

/* Headers of before 1.10 lack it, so it goes by another name here. */
API ze_result_t fake_init_drivers(uint32_t *told, void **array,
                                  void *desc) __asm__(NAME(zeInitDrivers));
ze_result_t fake_init_drivers(uint32_t *told, void **array, void *desc) {
    (void)desc;
    BEGIN("zeInitDrivers");
    return list(fault, told, array, 1, &driver, 1);
}

API ze_result_t zeDriverGet(uint32_t *told, ze_driver_handle_t *array) {
    BEGIN("zeDriverGet");
    return list(fault, told, (void **)array, 1, &driver, 1);
}

API ze_result_t zeDriverGetProperties(ze_driver_handle_t handle, ze_driver_properties_t *told) {
    BEGIN("zeDriverGetProperties");
    if ((char *)handle != &driver || told->stype != ZE_STRUCTURE_TYPE_DRIVER_PROPERTIES)
        return ZE_RESULT_ERROR_INVALID_ARGUMENT;
    told->driverVersion = 17002026;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zeDeviceGet(ze_driver_handle_t handle, uint32_t *told, ze_device_handle_t *array) {
    BEGIN("zeDeviceGet");
    if ((char *)handle != &driver)
        abort();
    return list(fault, told, (void **)array, count, (char *)devices, sizeof devices[0]);
}

API ze_result_t zeDeviceGetSubDevices(ze_device_handle_t handle, uint32_t *told,
                                      ze_device_handle_t *array) {
    BEGIN("zeDeviceGetSubDevices");
    int tile = 0;
    struct device *device = whose(handle, &tile);
    return list(fault, told, (void **)array, tile < 0 ? device->tiles : 0, device->tile, 1);
}

API ze_result_t zeDeviceGetProperties(ze_device_handle_t handle, ze_device_properties_t *told) {
    BEGIN("zeDeviceGetProperties");
    int tile = 0;
    const struct device *device = whose(handle, &tile);
    if (told->stype != ZE_STRUCTURE_TYPE_DEVICE_PROPERTIES)
        return ZE_RESULT_ERROR_INVALID_ARGUMENT;
    const unsigned parts = tile >= 0 ? device->tiles : 1;
    told->type = device->type;
    told->vendorId = device->vendor;
    told->deviceId = device->id;
    told->flags = (device->integrated ? ZE_DEVICE_PROPERTY_FLAG_INTEGRATED : 0u) |
                  (tile >= 0 ? ZE_DEVICE_PROPERTY_FLAG_SUBDEVICE : 0u);
    told->subdeviceId = tile >= 0 ? (unsigned)tile : 0;
    told->coreClockRate = device->clock;
    told->numSlices = device->slices;
    told->numSubslicesPerSlice = device->subslices / parts;
    told->numEUsPerSubslice = device->units;
    memcpy(told->uuid.id, device->uuid, sizeof device->uuid);
    memset(told->name, 0, sizeof told->name);
    if (fault == FAULT_NAME)
        memset(told->name, 0xff, sizeof told->name);
    else
        snprintf(told->name, sizeof told->name, "%s", device->name);
    if (fault == FAULT_HUGE)
        told->numSlices = told->numSubslicesPerSlice = told->coreClockRate = UINT_MAX;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zeDeviceGetMemoryProperties(ze_device_handle_t handle, uint32_t *told,
                                            ze_device_memory_properties_t *array) {
    BEGIN("zeDeviceGetMemoryProperties");
    int tile = 0;
    const struct device *device = whose(handle, &tile);
    if (array != NULL && *told > 0) {
        if (array[0].stype != ZE_STRUCTURE_TYPE_DEVICE_MEMORY_PROPERTIES)
            return ZE_RESULT_ERROR_INVALID_ARGUMENT;
        array[0].totalSize = device->memory / (tile >= 0 ? device->tiles : 1);
        if (fault == FAULT_HUGE)
            array[0].totalSize = ULLONG_MAX;
    }
    *told = device->memory != 0;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zeDeviceGetModuleProperties(ze_device_handle_t handle,
                                            ze_device_module_properties_t *told) {
    BEGIN("zeDeviceGetModuleProperties");
    int tile = 0;
    told->spirvVersionSupported = 0x10002;
    told->flags = whose(handle, &tile)->fp;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zeDevicePciGetPropertiesExt(ze_device_handle_t handle,
                                            ze_pci_ext_properties_t *told) {
    BEGIN("zeDevicePciGetPropertiesExt");
    int tile = 0;
    const struct device *device = whose(handle, &tile);
    if (!device->has_address)
        return ZE_RESULT_ERROR_UNSUPPORTED_FEATURE;
    told->address.domain = device->domain;
    told->address.bus = device->bus;
    told->address.device = device->slot;
    told->address.function = device->function;
    return ZE_RESULT_SUCCESS;
}

/* System management. Its handles are those of the devices; older headers lack the first three. */
API ze_result_t fake_sysman_init(uint32_t flags) __asm__(NAME(zesInit));
ze_result_t fake_sysman_init(uint32_t flags) {
    (void)flags;
    BEGIN("zesInit");
    return ZE_RESULT_SUCCESS;
}

API ze_result_t fake_sysman_drivers(uint32_t *told, void **array) __asm__("zesDriverGet");
ze_result_t fake_sysman_drivers(uint32_t *told, void **array) {
    BEGIN("zesDriverGet");
    return list(fault, told, array, 1, &driver, 1);
}

API ze_result_t fake_sysman_devices(void *handle, uint32_t *told,
                                    void **array) __asm__("zesDeviceGet");
ze_result_t fake_sysman_devices(void *handle, uint32_t *told, void **array) {
    (void)handle;
    BEGIN("zesDeviceGet");
    return list(fault, told, array, count, (char *)devices, sizeof devices[0]);
}

API ze_result_t zesDevicePciGetProperties(zes_device_handle_t handle, zes_pci_properties_t *told) {
    BEGIN("zesDevicePciGetProperties");
    int tile = 0;
    const struct device *device = whose(handle, &tile);
    if (!device->has_address || told->stype != ZES_STRUCTURE_TYPE_PCI_PROPERTIES)
        return ZE_RESULT_ERROR_UNSUPPORTED_FEATURE;
    told->address.domain = device->domain;
    told->address.bus = device->bus;
    told->address.device = device->slot;
    told->address.function = device->function;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zesDeviceEnumPowerDomains(zes_device_handle_t handle, uint32_t *told,
                                          zes_pwr_handle_t *array) {
    BEGIN("zesDeviceEnumPowerDomains");
    int tile = 0;
    struct device *device = whose(handle, &tile);
    return list(fault, told, (void **)array, device->power != 0, (char *)device, 1);
}

API ze_result_t zesPowerGetProperties(zes_pwr_handle_t handle, zes_power_properties_t *told) {
    BEGIN("zesPowerGetProperties");
    int tile = 0;
    told->onSubdevice = 0;
    told->defaultLimit = whose(handle, &tile)->power;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zesPowerGetLimits(zes_pwr_handle_t handle, zes_power_sustained_limit_t *told,
                                  zes_power_burst_limit_t *burst, zes_power_peak_limit_t *peak) {
    (void)burst, (void)peak;
    BEGIN("zesPowerGetLimits");
    int tile = 0;
    told->power = whose(handle, &tile)->power_set;
    told->enabled = told->power != 0;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zesDeviceEnumMemoryModules(zes_device_handle_t handle, uint32_t *told,
                                           zes_mem_handle_t *array) {
    BEGIN("zesDeviceEnumMemoryModules");
    int tile = 0;
    struct device *device = whose(handle, &tile);
    return list(fault, told, (void **)array, !device->integrated, (char *)device, 1);
}

API ze_result_t zesMemoryGetProperties(zes_mem_handle_t handle, zes_mem_properties_t *told) {
    BEGIN("zesMemoryGetProperties");
    int tile = 0;
    told->type = (zes_mem_type_t)whose(handle, &tile)->chips;
    told->location = ZES_MEM_LOC_DEVICE;
    return ZE_RESULT_SUCCESS;
}

/* A quarter of it is taken. */
API ze_result_t zesMemoryGetState(zes_mem_handle_t handle, zes_mem_state_t *told) {
    BEGIN("zesMemoryGetState");
    int tile = 0;
    if (told->stype != ZES_STRUCTURE_TYPE_MEM_STATE)
        return ZE_RESULT_ERROR_INVALID_ARGUMENT;
    told->size = whose(handle, &tile)->memory;
    told->free = fault == FAULT_HUGE ? ULLONG_MAX : told->size / 4 * 3;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zesDeviceEnumTemperatureSensors(zes_device_handle_t handle, uint32_t *told,
                                                zes_temp_handle_t *array) {
    BEGIN("zesDeviceEnumTemperatureSensors");
    int tile = 0;
    struct device *device = whose(handle, &tile);
    return list(fault, told, (void **)array, 2, (char *)device->tile, 1);
}

API ze_result_t zesTemperatureGetState(zes_temp_handle_t handle, double *told) {
    BEGIN("zesTemperatureGetState");
    int tile = 0;
    whose(handle, &tile);
    *told = 50 + 4 * tile;
    return ZE_RESULT_SUCCESS;
}

API ze_result_t zesDeviceEnumFabricPorts(zes_device_handle_t handle, uint32_t *told,
                                         zes_fabric_port_handle_t *array) {
    BEGIN("zesDeviceEnumFabricPorts");
    int tile = 0;
    struct device *device = whose(handle, &tile);
    return list(fault, told, (void **)array, device->ports, device->port, 1);
}

API ze_result_t zesFabricPortGetProperties(zes_fabric_port_handle_t handle,
                                           zes_fabric_port_properties_t *told) {
    BEGIN("zesFabricPortGetProperties");
    int tile = 0;
    told->maxTxSpeed.bitRate = (int64_t)whose(handle, &tile)->bit_rate;
    return ZE_RESULT_SUCCESS;
}
