/* SPDX-License-Identifier: MIT */
/* HIP's runtime as far as it tells of devices. They are those of `hip.scenario` beside the library,
   a line each, else one card; faults are those of fault.h:

   device 0000:c1:00.0 206141652992 0de0b6b3a7640007 AMD Instinct MI300X

   address ("-": it is not told), bytes, unique id ("-": likewise), name. */
#include "fault.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum {
    DEVICES = 16,
    SUCCESS = 0,
    INVALID_VALUE = 1,
    OUT_OF_MEMORY = 2,
    NO_DEVICE = 100,
    INVALID_DEVICE = 101,
    UNKNOWN = 999
};

static struct device {
    char address[24];
    unsigned long long bytes;
    char id[17];
    char name[128];
} devices[DEVICES];
static int count = -1;

static void add(const char *line) {
    struct device *device = &devices[count];
    int at = 0;
    if (sscanf(line, "device %23s %llu %16s %n", device->address, &device->bytes, device->id,
               &at) != 3)
        abort();
    snprintf(device->name, sizeof device->name, "%s", line + at);
    device->name[strcspn(device->name, "\n")] = '\0';
    ++count;
}

static void read_scenario(void) {
    Dl_info self;
    char path[PATH_MAX];
    if (count >= 0)
        return;
    count = 0;
    if (!dladdr(&devices, &self))
        abort();
    const char *slash = strrchr(self.dli_fname, '/');
    snprintf(path, sizeof path, "%.*s/hip.scenario",
             (int)(slash == NULL ? 0 : slash - self.dli_fname), self.dli_fname);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        add("device 0000:c1:00.0 206141652992 0de0b6b3a7640007 AMD Instinct MI300X\n");
        return;
    }
    char line[256];
    while (count < DEVICES && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "device ", 7) == 0)
            add(line);
    fclose(file);
}

API const char *hipGetErrorName(int code) {
    if (fault_at("hipGetErrorName") == FAULT_NULL)
        return NULL;
    return code == SUCCESS          ? "hipSuccess"
           : code == OUT_OF_MEMORY  ? "hipErrorOutOfMemory"
           : code == NO_DEVICE      ? "hipErrorNoDevice"
           : code == INVALID_DEVICE ? "hipErrorInvalidDevice"
                                    : "hipErrorUnknown";
}

API int hipInit(unsigned flags) {
    const enum fault fault = fault_at("hipInit");
    read_scenario();
    if (flags != 0)
        return INVALID_VALUE;
    if (fault == FAULT_FAIL)
        return UNKNOWN;
    /* As HIP 5.2 answers on a machine without a card. */
    return count == 0 ? INVALID_DEVICE : SUCCESS;
}

API int hipRuntimeGetVersion(int *version) {
    if (fault_at("hipRuntimeGetVersion") == FAULT_FAIL)
        return UNKNOWN;
    *version = 60342134;
    return SUCCESS;
}

API int hipGetDeviceCount(int *told) {
    const enum fault fault = fault_at("hipGetDeviceCount");
    if (fault == FAULT_FAIL)
        return OUT_OF_MEMORY;
    *told = fault == FAULT_HUGE ? INT_MAX : fault == FAULT_GARBAGE ? -1 : count;
    return SUCCESS;
}

static int text(const char *call, const char *value, char *into, int room, int device) {
    const enum fault fault = fault_at(call);
    if (device < 0 || device >= count)
        return INVALID_DEVICE;
    if (fault == FAULT_FAIL || strcmp(value, "-") == 0)
        return UNKNOWN;
    if (into == NULL || room <= (int)strlen(value))
        return INVALID_VALUE;
    if (fault == FAULT_NAME)
        value = "\x1b[31m\xff";
    strcpy(into, value);
    return SUCCESS;
}

API int hipDeviceGetName(char *name, int room, int device) {
    return text("hipDeviceGetName", devices[device].name, name, room, device);
}

API int hipDeviceGetPCIBusId(char *address, int room, int device) {
    return text("hipDeviceGetPCIBusId", devices[device].address, address, room, device);
}

API int hipDeviceTotalMem(size_t *bytes, int device) {
    const enum fault fault = fault_at("hipDeviceTotalMem");
    if (device < 0 || device >= count)
        return INVALID_DEVICE;
    if (fault == FAULT_FAIL)
        return UNKNOWN;
    *bytes = fault == FAULT_HUGE ? SIZE_MAX : devices[device].bytes;
    return SUCCESS;
}

API int hipDeviceGetUuid(void *uuid, int device) {
    if (device < 0 || device >= count)
        return INVALID_DEVICE;
    if (fault_at("hipDeviceGetUuid") == FAULT_FAIL)
        return UNKNOWN;
    /* The runtime does not know it: "XX" and nothing more. */
    memset(uuid, 0, 16);
    if (strcmp(devices[device].id, "-") == 0)
        memcpy(uuid, "XX", 2);
    else
        memcpy(uuid, devices[device].id, 16);
    return SUCCESS;
}
