/* SPDX-License-Identifier: MIT */
/* What a kernel looks like to the fake driver, once the prelude has made a host function of it. */
#ifndef HWA_TESTS_CUDA_KERNEL_H
#define HWA_TESTS_CUDA_KERNEL_H

struct fake_uint3 {
    unsigned x, y, z;
};

/* Where a thread of a kernel is; one for each thread of the host. */
struct fake_place {
    struct fake_uint3 thread, block, threads, blocks;
    void *shared;
    /* Waits for the threads of the block, or of the warp. */
    void (*sync)(int warp);
    /* Ends the kernel with a code of the driver. */
    void (*stop)(int code);
    void *(*exchange)(void); /* 8 bytes for each thread of the warp */
};

struct fake_kernel {
    const void *function;
    void (*run)(const char *params);
    const unsigned *offsets;
    const unsigned *sizes;
    const unsigned char *pointers; /* 1 where the parameter is one */
    unsigned params;
    unsigned bytes; /* of all of them */
    unsigned max_threads;
};

#endif
