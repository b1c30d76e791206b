/* SPDX-License-Identifier: MIT */
/* Devices of the fake CUDA driver, those that CUDA_VISIBLE_DEVICES leaves and in its order. */
#include "cuda_fake.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int visible_count;
void visible_read(void);
static int visible[DEVICES];

static void uuid_text(const struct device *device, char text[41]) {
    const unsigned char *u = device->uuid;
    snprintf(text, 41, "GPU-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
             u[14], u[15]);
}

/* The device of one word of the list: a number, or what the UUID of one device alone begins with.
 */
static int visible_word(const char *word) {
    char *end = NULL;
    const long number = strtol(word, &end, 10);
    if (end != word && *end == '\0')
        return number >= 0 && number < device_count ? (int)number : -1;
    int found = -1;
    if (strncmp(word, "GPU-", 4) != 0)
        return -1;
    for (int i = 0; i < device_count; ++i) {
        char text[41];
        uuid_text(&devices[i], text);
        if (strncasecmp(text, word, strlen(word)) == 0)
            found = found == -1 ? i : -2;
    }
    return found;
}

/* The list ends at the first word that names no device; a device named twice spoils all of it. */
void visible_read(void) {
    const char *list = getenv("CUDA_VISIBLE_DEVICES");
    visible_count = 0;
    if (list == NULL) {
        for (; visible_count < device_count; ++visible_count)
            visible[visible_count] = visible_count;
        return;
    }
    unsigned seen = 0;
    while (*list != '\0') {
        char word[64];
        const size_t length = strcspn(list, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, list);
        const int device = visible_word(word);
        if (device < 0)
            break;
        if ((seen & 1u << device) != 0) {
            visible_count = 0;
            return;
        }
        seen |= 1u << device;
        visible[visible_count++] = device;
        list += length + (list[length] == ',');
    }
}

/* A CUdevice is the number of the device in the scenario, plus one: no ordinal by accident. */
static struct device *device_of(CUdevice dev) {
    return dev >= 1 && dev <= device_count ? &devices[dev - 1] : NULL;
}

CUresult cuDeviceGetCount(int *count) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(count != NULL, CUDA_ERROR_INVALID_VALUE);
    *count = call_fault == FAULT_HUGE ? INT_MAX : call_fault == FAULT_GARBAGE ? -1 : visible_count;
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(ordinal >= 0 && ordinal < visible_count, CUDA_ERROR_INVALID_DEVICE);
    *device = call_fault == FAULT_GARBAGE ? 0x41414141 : visible[ordinal] + 1;
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetName(char *name, int len, CUdevice dev) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(name != NULL && len > 0, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device_of(dev) != NULL, CUDA_ERROR_INVALID_DEVICE);
    snprintf(name, (size_t)len, "%s",
             call_fault == FAULT_NAME ? "\x1b[31m\xff" : device_of(dev)->name);
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetUuid(CUuuid *uuid, CUdevice dev) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(uuid != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device_of(dev) != NULL, CUDA_ERROR_INVALID_DEVICE);
    memcpy(uuid->bytes, device_of(dev)->uuid, sizeof uuid->bytes);
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetUuid_v2(CUuuid *uuid, CUdevice dev) {
    return cuDeviceGetUuid(uuid, dev);
}

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice dev) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(bytes != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device_of(dev) != NULL, CUDA_ERROR_INVALID_DEVICE);
    *bytes = device_of(dev)->memory;
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetAttribute(int *pi, CUdevice_attribute attrib, CUdevice dev) {
    const int which = (int)attrib;
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pi != NULL && which > 0 && which < CU_DEVICE_ATTRIBUTE_MAX,
                  CUDA_ERROR_INVALID_VALUE);
    const struct device *device = device_of(dev);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_DEVICE);
    *pi = which == 33   ? (int)device->bus
          : which == 34 ? (int)device->slot
          : which == 50 ? (int)device->domain
                        : device->attributes[which];
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetPCIBusId(char *pciBusId, int len, CUdevice dev) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pciBusId != NULL && len >= 13, CUDA_ERROR_INVALID_VALUE);
    const struct device *device = device_of(dev);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_DEVICE);
    snprintf(pciBusId, (size_t)len, "%04X:%02X:%02X.0", device->domain, device->bus, device->slot);
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetByPCIBusId(CUdevice *dev, const char *pciBusId) {
    unsigned domain = 0, bus = 0, slot = 0;
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(dev != NULL && pciBusId != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(sscanf(pciBusId, "%x:%x:%x", &domain, &bus, &slot) == 3,
                  CUDA_ERROR_INVALID_VALUE);
    for (int i = 0; i < visible_count; ++i) {
        const struct device *device = &devices[visible[i]];
        if (device->domain == domain && device->bus == bus && device->slot == slot) {
            *dev = visible[i] + 1;
            END(CUDA_SUCCESS);
        }
    }
    END(CUDA_ERROR_INVALID_DEVICE);
}

CUresult cuDeviceCanAccessPeer(int *canAccessPeer, CUdevice dev, CUdevice peerDev) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(canAccessPeer != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device_of(dev) != NULL && device_of(peerDev) != NULL, CUDA_ERROR_INVALID_DEVICE);
    *canAccessPeer = dev != peerDev && (device_of(dev)->peers >> (peerDev - 1) & 1u) != 0;
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetP2PAttribute(int *value, CUdevice_P2PAttribute attrib, CUdevice srcDevice,
                                 CUdevice dstDevice) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(value != NULL && (int)attrib >= 1 && (int)attrib <= 5, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device_of(srcDevice) != NULL && device_of(dstDevice) != NULL &&
                      srcDevice != dstDevice,
                  CUDA_ERROR_INVALID_DEVICE);
    const int reaches = (device_of(srcDevice)->peers >> (dstDevice - 1) & 1u) != 0;
    *value = attrib == CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED ? reaches : 0;
    END(CUDA_SUCCESS);
}
