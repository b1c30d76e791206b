/* SPDX-License-Identifier: MIT */
/* XRT as far as it tells of devices, by xrt.h and xrt_device.h of Xilinx/XRT. They are those of
   `xrt.scenario` beside the library, a line each, else one card; faults are those of fault.h.
   "lost" is a device that cannot be opened, "chip" one that is not on the PCI bus:

   device 0000:65:00.1 500d 2 34359738368 300 0123456789abcdef0123456789abcdef xilinx_u280_xdma

   address, device id, banks, bytes, MHz, loaded image ("-": none), shell. */
#include "fault.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum { DEVICES = 16, UNREAD = 0xffff };

#define ONE_CARD                                                                                   \
    "device 0000:65:00.1 500d 2 34359738368 300 0123456789abcdef0123456789abcdef xilinx_u280_xdma"

struct info {
    unsigned magic;
    char name[256];
    unsigned short versions[2], vendor, device, subsystem[2], version;
    size_t ddr_size, alignment, ddr_free, min_transfer;
    unsigned short ddr_banks, mhz[4], link_width, link_speed, dma_threads, heat[2], volts[3];
    float current;
    unsigned short clocks, fan;
    bool calibrated;
    unsigned long long xmc, microblaze;
    unsigned short plugs[2];
    unsigned long long currents[2];
    unsigned short rails[21];
    unsigned long long driver_version;
    unsigned slot;
    bool xpr;
    unsigned long long time;
    char fpga[256];
    unsigned short last[5];
};
_Static_assert(sizeof(struct info) == 736, "as XRT has it");

static struct device {
    char address[16], image[33], shell[128];
    unsigned id, banks, mhz;
    unsigned long long bytes;
    bool lost, chip, open;
} devices[DEVICES];
static unsigned count = UINT_MAX;

static void read_line(const char *line) {
    struct device *device = &devices[count];
    if (count == DEVICES || line[0] == '#')
        return;
    device->lost = strncmp(line, "lost", 4) == 0;
    device->chip = strncmp(line, "chip", 4) == 0;
    if (!device->lost && !device->chip &&
        sscanf(line, "device %15s %x %u %llu %u %32s %127s", device->address, &device->id,
               &device->banks, &device->bytes, &device->mhz, device->image, device->shell) != 7)
        abort();
    ++count;
}

static void read_devices(void) {
    Dl_info self;
    char path[PATH_MAX + 32], line[256];
    FILE *file = NULL;
    if (count != UINT_MAX)
        return;
    count = 0;
    if (dladdr((const void *)&devices, &self) != 0) {
        snprintf(path, sizeof path, "%s", self.dli_fname);
        char *slash = strrchr(path, '/');
        strcpy(slash != NULL ? slash : path, "/xrt.scenario");
        file = fopen(path, "re");
    }
    if (file == NULL)
        read_line(ONE_CARD);
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        read_line(line);
    if (file != NULL)
        fclose(file);
}

API unsigned xclProbe(void) {
    const enum fault fault = fault_at("xclProbe");
    read_devices();
    return fault == FAULT_HUGE ? UINT_MAX : fault == FAULT_NULL ? 0 : count;
}

API void *xclOpen(unsigned index, const char *log, int level) {
    const enum fault fault = fault_at("xclOpen");
    (void)log;
    (void)level;
    if (fault == FAULT_GARBAGE)
        return (void *)16;
    if (index >= count || devices[index].lost || fault == FAULT_FAIL)
        return NULL;
    devices[index].open = true;
    return &devices[index];
}

API void xclClose(void *handle) {
    struct device *device = handle;
    (void)fault_at("xclClose");
    if (!device->open)
        abort();
    device->open = false;
}

API int xclGetDeviceInfo2(void *handle, struct info *told) {
    const enum fault fault = fault_at("xclGetDeviceInfo2");
    const struct device *device = handle;
    unsigned domain = 0, bus = 0, slot = 0, function = 0;
    if (!device->open)
        abort();
    if (fault == FAULT_FAIL)
        return -22;
    memset(told, 0, sizeof *told);
    told->magic = 0x586c0c6c;
    told->vendor = 0x10ee;
    told->device = (unsigned short)(device->chip ? UNREAD : device->id);
    told->ddr_size = device->bytes;
    told->ddr_banks = (unsigned short)device->banks;
    told->mhz[0] = (unsigned short)device->mhz;
    (void)sscanf(device->address, "%x:%x:%x.%x", &domain, &bus, &slot, &function);
    told->slot = domain << 16 | bus << 8 | slot << 3 | function;
    snprintf(told->name, sizeof told->name, "%s", device->shell);
    snprintf(told->fpga, sizeof told->fpga, "xcu280-fsvh2892-2L-e");
    if (fault == FAULT_NAME)
        memset(told->name, 0xff, sizeof told->name);
    /* What XRT makes of files that it cannot read. */
    if (fault == FAULT_HUGE) {
        told->ddr_banks = told->mhz[0] = UNREAD;
        told->ddr_size = (size_t)UNREAD * UNREAD << 30;
    }
    return 0;
}

API void *xrtDeviceOpenByBDF(const char *address) {
    const enum fault fault = fault_at("xrtDeviceOpenByBDF");
    read_devices();
    for (unsigned i = 0; i < count && fault != FAULT_FAIL; ++i)
        if (strcmp(devices[i].address, address) == 0 && !devices[i].open) {
            devices[i].open = true;
            return &devices[i];
        }
    return NULL;
}

API int xrtDeviceGetXclbinUUID(void *handle, unsigned char *told) {
    const enum fault fault = fault_at("xrtDeviceGetXclbinUUID");
    const struct device *device = handle;
    if (!device->open)
        abort();
    if (fault == FAULT_FAIL)
        return -1;
    memset(told, 0, 16);
    for (int i = 0; i < 16 && device->image[0] != '-'; ++i) {
        unsigned byte = 0;
        (void)sscanf(device->image + 2 * i, "%2x", &byte);
        told[i] = (unsigned char)byte;
    }
    return 0;
}

API int xrtDeviceClose(void *handle) {
    (void)fault_at("xrtDeviceClose");
    xclClose(handle);
    return 0;
}
