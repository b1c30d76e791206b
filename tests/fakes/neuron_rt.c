/* SPDX-License-Identifier: MIT */
/* AWS's Neuron runtime by its nrt.h and nrt_version.h, before nrt_init(): 32 cores unless
   `neuron_rt.scenario` beside the library has a line "cores TOTAL VISIBLE", of which
   NEURON_RT_NUM_CORES leaves fewer; faults are those of
   fault.h. FAKE_OLD knows a version without the hash, and neither visible nor virtual cores. */
#include "fault.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define API __attribute__((visibility("default")))

enum { SUCCESS = 0, FAILURE = 1, INVALID = 2, HOST_MEMORY = 11 };

#ifdef FAKE_OLD
enum { VERSION_BYTES = 160 };
#else
enum { VERSION_BYTES = 224 };
#endif

static unsigned total = 32, visible = 32;

static void read_scenario(void) {
    static int read;
    Dl_info self;
    char path[PATH_MAX + 32];
    if (read++ != 0)
        return;
    if (dladdr((const void *)&total, &self) == 0)
        abort();
    snprintf(path, sizeof path, "%s", self.dli_fname);
    char *slash = strrchr(path, '/');
    strcpy(slash != NULL ? slash : path, "/neuron_rt.scenario");
    FILE *file = fopen(path, "re");
    if (file != NULL && fscanf(file, "cores %u %u", &total, &visible) != 2)
        abort();
    if (file != NULL)
        fclose(file);
    if (getenv("NEURON_RT_NUM_CORES") != NULL)
        visible = (unsigned)strtoul(getenv("NEURON_RT_NUM_CORES"), NULL, 10);
}

/* It takes cores from whoever comes next; a detection that calls it is wrong. */
API int nrt_init(int framework, const char *framework_version, const char *layer_version) {
    (void)framework;
    (void)framework_version;
    (void)layer_version;
    abort();
}

API int nrt_get_version(void *into, size_t size) {
    struct {
        uint64_t numbers[4];
        char detail[128], hash[64];
    } version = {{2, 31, 24, 0}, "libnrt version 2.31.24.0", "0123456789abcdef"};
    const enum fault fault = fault_at("nrt_get_version");
    if (fault == FAULT_FAIL || size < 160)
        return FAILURE;
    if (fault == FAULT_HUGE)
        version.numbers[2] = UINT64_MAX;
    if (fault == FAULT_NAME) {
        memset(version.numbers, 0, sizeof version.numbers);
        memset(version.detail, 0x1b, sizeof version.detail);
    }
    memcpy(into, &version, size < VERSION_BYTES ? size : VERSION_BYTES);
    return SUCCESS;
}

static int count(const char *call, unsigned number, uint32_t *told) {
    const enum fault fault = fault_at(call);
    if (fault == FAULT_FAIL)
        return HOST_MEMORY;
    if (told == NULL)
        return INVALID;
    *told = fault == FAULT_HUGE || fault == FAULT_GARBAGE ? UINT32_MAX
            : fault == FAULT_NULL                         ? 0
                                                          : number;
    return SUCCESS;
}

API int nrt_get_total_nc_count(uint32_t *told) {
    read_scenario();
    return count("nrt_get_total_nc_count", total, told);
}

API int nrt_get_visible_nc_count(uint32_t *told) {
    read_scenario();
    return count("nrt_get_visible_nc_count", visible, told);
}

API int nrt_get_total_vnc_count(uint32_t *told) {
    read_scenario();
    return count("nrt_get_total_vnc_count", total, told);
}

API int nrt_get_visible_vnc_count(uint32_t *told) {
    read_scenario();
    return count("nrt_get_visible_vnc_count", visible, told);
}
