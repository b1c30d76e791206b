/* SPDX-License-Identifier: MIT */
/* HLML with the devices of `hlml.scenario` beside the library, else one Gaudi 2. By HabanaAI/gohlml
   hlml.h; faults are those of fault.h. Each line is a device, "lost" one that does not answer:

   device 0000:19:00.0 1020 103079215104 1800 600000 HL-225 */
#include "fault.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum { DEVICES = 16, SUCCESS = 0, INVALID = 2, NOT_LOADED = 9, LOST = 15 };

struct pci_info {
    unsigned bus;
    char bus_id[15];
    unsigned device, domain, pci_device_id;
    char link_speed[10], link_width[10];
};

struct memory {
    unsigned long long free, total, used;
};

static struct device {
    char address[15], name[32];
    unsigned id, clock, power;
    unsigned long long memory;
    int lost;
} devices[DEVICES];
static unsigned count = UINT_MAX;

static void read_line(const char *line) {
    struct device *device = &devices[count];
    if (count == DEVICES || line[0] == '#')
        return;
    device->lost = strncmp(line, "lost", 4) == 0;
    if (!device->lost &&
        sscanf(line, "device %14s %x %llu %u %u %31[^\n]", device->address, &device->id,
               &device->memory, &device->clock, &device->power, device->name) != 6)
        abort();
    ++count;
}

static void read_devices(void) {
    Dl_info self;
    char path[PATH_MAX + 32], line[256];
    FILE *file = NULL;
    count = 0;
    if (dladdr((const void *)&devices, &self) != 0) {
        snprintf(path, sizeof path, "%s", self.dli_fname);
        char *slash = strrchr(path, '/');
        strcpy(slash != NULL ? slash : path, "/hlml.scenario");
        file = fopen(path, "re");
    }
    if (file == NULL)
        read_line("device 0000:19:00.0 1020 103079215104 1800 600000 HL-225");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        read_line(line);
    if (file != NULL)
        fclose(file);
}

static int begin(const char *call, enum fault *fault) {
    if (count == UINT_MAX)
        read_devices();
    *fault = fault_at(call);
    return *fault == FAULT_FAIL ? NOT_LOADED : SUCCESS;
}

#define BEGIN(call)                                                                                \
    enum fault fault;                                                                              \
    const int result = begin(call, &fault);                                                        \
    if (result != SUCCESS)                                                                         \
    return result

API int hlml_init(void) {
    BEGIN("hlml_init");
    return SUCCESS;
}

API int hlml_device_get_count(unsigned *told) {
    BEGIN("hlml_device_get_count");
    *told = fault == FAULT_HUGE ? UINT_MAX : fault == FAULT_NULL ? 0 : count;
    return SUCCESS;
}

API int hlml_device_get_handle_by_index(unsigned index, void **told) {
    BEGIN("hlml_device_get_handle_by_index");
    if (index >= count)
        return INVALID;
    *told = fault == FAULT_GARBAGE ? (void *)16 : (void *)&devices[index];
    return devices[index].lost ? LOST : SUCCESS;
}

API int hlml_device_get_name(void *handle, char *told, unsigned length) {
    BEGIN("hlml_device_get_name");
    if (fault == FAULT_NAME)
        memset(told, 0xff, length);
    else
        snprintf(told, length, "%s", ((const struct device *)handle)->name);
    return SUCCESS;
}

API int hlml_device_get_pci_info(void *handle, struct pci_info *told) {
    BEGIN("hlml_device_get_pci_info");
    const struct device *device = handle;
    memcpy(told->bus_id, device->address, sizeof told->bus_id);
    told->pci_device_id = device->id << 16 | 0x1da3;
    return SUCCESS;
}

API int hlml_device_get_memory_info(void *handle, struct memory *told) {
    BEGIN("hlml_device_get_memory_info");
    told->total = fault == FAULT_HUGE ? ULLONG_MAX : ((const struct device *)handle)->memory;
    told->used = told->total / 4;
    told->free = told->total - told->used;
    return SUCCESS;
}

API int hlml_device_get_utilization_rates(void *handle, unsigned *told) {
    (void)handle;
    BEGIN("hlml_device_get_utilization_rates");
    *told = fault == FAULT_HUGE ? UINT_MAX : 75;
    return SUCCESS;
}

API int hlml_device_get_temperature(void *handle, int sensor, unsigned *told) {
    (void)handle;
    (void)sensor;
    BEGIN("hlml_device_get_temperature");
    *told = 43;
    return SUCCESS;
}

API int hlml_device_get_power_usage(void *handle, unsigned *told) {
    BEGIN("hlml_device_get_power_usage");
    *told = ((const struct device *)handle)->power / 2;
    return SUCCESS;
}

API int hlml_device_get_clock_info(void *handle, int kind, unsigned *told) {
    (void)kind;
    BEGIN("hlml_device_get_clock_info");
    *told = ((const struct device *)handle)->clock;
    return SUCCESS;
}

API int hlml_device_get_uuid(void *handle, char *told, unsigned length) {
    BEGIN("hlml_device_get_uuid");
    snprintf(told, length, "01P0-%s", ((const struct device *)handle)->name);
    return SUCCESS;
}

API int hlml_device_get_max_clock_info(void *handle, int kind, unsigned *told) {
    (void)kind;
    BEGIN("hlml_device_get_max_clock_info");
    *told = ((const struct device *)handle)->clock;
    return SUCCESS;
}

API int hlml_device_get_power_management_default_limit(void *handle, unsigned *told) {
    BEGIN("hlml_device_get_power_management_default_limit");
    *told = ((const struct device *)handle)->power;
    return SUCCESS;
}

API int hlml_get_driver_version(char *told, unsigned length) {
    BEGIN("hlml_get_driver_version");
    snprintf(told, length, "1.17.0-495");
    return SUCCESS;
}
