/* SPDX-License-Identifier: MIT */
/* The fake CUDA driver: how calls begin and end, its entry points by name, names of errors. */
#include "cuda_fake.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t progress = PTHREAD_COND_INITIALIZER;
_Thread_local int in_host_function;
_Thread_local enum fault call_fault;
/* Devices by ordinal, after CUDA_VISIBLE_DEVICES. */
extern int visible_count;
void visible_read(void);

static int ready;
static int forked;

static void on_fork(void) {
    forked = ready;
}

uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A process that was forked off after cuInit() can do nothing with the driver. */
static CUresult refusal(const char *name, enum need need) {
    if (forked)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (need != NEEDS_NOTHING && !ready)
        return CUDA_ERROR_NOT_INITIALIZED;
    if (in_host_function)
        return CUDA_ERROR_NOT_PERMITTED;
    const CUresult planned = scenario_result(name);
    if (planned != CUDA_SUCCESS || need != NEEDS_CONTEXT)
        return planned;
    const CUcontext context = context_current();
    if (context == NULL)
        return CUDA_ERROR_INVALID_CONTEXT;
    if (!context_good(context))
        return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    return context->sticky;
}

CUresult call_begin(const char *name, enum need need) {
    call_fault = fault_at(name);
    if (call_fault == FAULT_FAIL)
        return CUDA_ERROR_UNKNOWN;
    pthread_mutex_lock(&the_lock);
    const CUresult result = refusal(name, need);
    if (result != CUDA_SUCCESS)
        pthread_mutex_unlock(&the_lock);
    return result;
}

CUresult call_end(CUresult result) {
    pthread_mutex_unlock(&the_lock);
    return result;
}

CUresult cuInit(unsigned int Flags) {
    scenario_read();
    BEGIN(NEEDS_NOTHING);
    REFUSE_UNLESS(Flags == 0, CUDA_ERROR_INVALID_VALUE);
    if (!ready) {
        visible_read();
        REFUSE_UNLESS(visible_count > 0, CUDA_ERROR_NO_DEVICE);
        pthread_atfork(NULL, NULL, on_fork);
        ready = 1;
    }
    END(CUDA_SUCCESS);
}

CUresult cuDriverGetVersion(int *driverVersion) {
    scenario_read();
    BEGIN(NEEDS_NOTHING);
    REFUSE_UNLESS(driverVersion != NULL, CUDA_ERROR_INVALID_VALUE);
    *driverVersion = driver_version;
    END(CUDA_SUCCESS);
}

static const struct {
    int value;
    const char *name, *text;
} errors[] = {
#define CU_ERROR(name, value, text) {value, "CUDA_" #name, text},
#include "cuda_errors.def"
#undef CU_ERROR
};

static CUresult error_row(CUresult error, size_t *row) {
    for (*row = 0; *row < sizeof errors / sizeof errors[0]; ++*row)
        if (errors[*row].value == (int)error)
            return CUDA_SUCCESS;
    return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorName(CUresult error, const char **pStr) {
    size_t row;
    if (pStr == NULL)
        return CUDA_ERROR_INVALID_VALUE;
    const CUresult result = error_row(error, &row);
    *pStr = result == CUDA_SUCCESS ? errors[row].name : NULL;
    return result;
}

CUresult cuGetErrorString(CUresult error, const char **pStr) {
    size_t row;
    if (pStr == NULL)
        return CUDA_ERROR_INVALID_VALUE;
    const CUresult result = error_row(error, &row);
    *pStr = result == CUDA_SUCCESS ? errors[row].text : NULL;
    return result;
}

/* ---- Entry points by name -------------------------------------------------------------------- */

static const struct {
    const char *symbol, *name;
    int since;
} entries[] = {
#define CU_API(symbol, base, since, parameters) {#symbol, #base, since},
#define CU_ALIAS(symbol, base, since) {#symbol, #base, since},
#include "cuda_entries.def"
#undef CU_API
};

/* The library itself, for what it exports under that name, which a test may have changed. */
static void *exported(const char *symbol) {
    static void *self;
    Dl_info info;
    if (self == NULL && dladdr((const void *)&entries, &info) != 0)
        self = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    return self == NULL ? NULL : dlsym(self, symbol);
}

static CUresult find_entry(const char *symbol, void **pfn, int version,
                           CUdriverProcAddressQueryResult *status) {
    int best = -1;
    bool known = false;
    *pfn = NULL;
    for (int i = 0; i < (int)(sizeof entries / sizeof entries[0]); ++i) {
        if (strcmp(entries[i].name, symbol) != 0 || entries[i].since > driver_version ||
            scenario_hides(entries[i].symbol))
            continue;
        known = true;
        if (entries[i].since <= version && (best < 0 || entries[i].since > entries[best].since))
            best = i;
    }
    if (best >= 0)
        *pfn = exported(entries[best].symbol);
    if (status != NULL)
        *status = *pfn != NULL ? CU_GET_PROC_ADDRESS_SUCCESS
                  : known      ? CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT
                               : CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND;
    return CUDA_SUCCESS;
}

CUresult cuGetProcAddress_v2(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags,
                             CUdriverProcAddressQueryResult *symbolStatus) {
    scenario_read();
    BEGIN(NEEDS_NOTHING);
    REFUSE_UNLESS(symbol != NULL && pfn != NULL && flags <= 2 && cudaVersion > 0,
                  CUDA_ERROR_INVALID_VALUE);
    const CUresult found = find_entry(symbol, pfn, cudaVersion, symbolStatus);
    if (call_fault == FAULT_GARBAGE)
        *pfn = (void *)16;
    END(found);
}

CUresult cuGetProcAddress(const char *symbol, void **pfn, int cudaVersion, cuuint64_t flags) {
    scenario_read();
    BEGIN(NEEDS_NOTHING);
    REFUSE_UNLESS(symbol != NULL && pfn != NULL && flags <= 2 && cudaVersion > 0,
                  CUDA_ERROR_INVALID_VALUE);
    /* This form had no status to tell of a failure by. */
    (void)find_entry(symbol, pfn, cudaVersion, NULL);
    END(*pfn != NULL ? CUDA_SUCCESS : CUDA_ERROR_NOT_FOUND);
}

/* Whoever calls these has the wrong prototype: addresses had 32 bits then. */
#define CU_OLD(name)                                                                               \
    __attribute__((visibility("default"))) CUresult name(void);                                    \
    CUresult name(void) {                                                                          \
        return CUDA_ERROR_INVALID_VALUE;                                                           \
    }
#include "cuda_old.def"
