/* SPDX-License-Identifier: MIT */
/* T16: memory of the process and of the device after many allocations and programs. */
#include "check.h"

#include <unistd.h>

static long resident_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static size_t free_bytes(void) {
    size_t left = 0, total = 0;
    CUdevice device = 0;
    CUcontext context = NULL;
    (void)raw.cuDeviceGet(&device, 0);
    (void)raw.cuDevicePrimaryCtxRetain(&context, device);
    (void)raw.cuCtxPushCurrent_v2(context);
    (void)raw.cuMemGetInfo_v2(&left, &total);
    (void)raw.cuCtxPopCurrent_v2(&context);
    (void)raw.cuDevicePrimaryCtxRelease_v2(device);
    return left;
}

static void allocate(hwa_queue_t *queue, int times) {
    for (int i = 0; i < times; ++i)
        hwa_buffer_free(make_buffer(queue, 4096 + (uint64_t)(i % 64) * 4096));
}

static void load(hwa_queue_t *queue, int times) {
    for (int i = 0; i < times; ++i) {
        hwa_program_t *program =
            build(queue, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "empty", NULL);
        if (program == NULL)
            give_up("hwa_program_from_kernel");
        hwa_program_free(program);
    }
}

static void compare(const char *what, hwa_queue_t *queue, void (*act)(hwa_queue_t *, int),
                    int times) {
    /* The fake lets go of memory on a thread of its own, which may be behind. */
    const long allowed = small ? 16 << 20 : 1 << 20;
    act(queue, times / 10);
    NEED(hwa_queue_finish(queue, HWA_FOREVER, &error));
    const long before = resident_bytes(), device_before = (long)free_bytes();
    act(queue, times);
    NEED(hwa_queue_finish(queue, HWA_FOREVER, &error));
    const long grown = resident_bytes() - before;
    const long taken = device_before - (long)free_bytes();
    row(what, VERDICT(grown < allowed && taken < allowed), "%+ld KiB here, %+ld KiB there",
        grown / 1024, taken / 1024);
}

void check_leaks(void) {
    hwa_queue_t *queue = open_queue();
    const int allocations = small ? 2000 : 100000, loads = small ? 20 : 1000;
    compare("memory taken and given back, many times", queue, allocate, allocations);
    compare("programs loaded and let go, many times", queue, load, loads);
    hwa_queue_free(queue);
}
