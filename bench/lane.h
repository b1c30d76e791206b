/* SPDX-License-Identifier: MIT */
/* Lane: one way to move and add arrays of floats. Two of them race in bench/stream.c. */
#ifndef BENCH_LANE_H
#define BENCH_LANE_H

#include <stdint.h>

/* Each function returns when the work is done. There are three arrays: c = a + b. */
typedef struct lane_t {
    int (*open)(void);       /* 0: not here */
    uint64_t (*limit)(void); /* most floats that an array can have; 0: no limit known */
    void (*allocate)(uint64_t count);
    void (*write)(const float *from, uint64_t count); /* to a, and the second time to b */
    void (*read)(float *into, uint64_t count);        /* from c */
    void (*copy)(uint64_t count);                     /* a to c */
    void (*add)(uint64_t count);
    void (*rest)(void); /* leaves the processors to others until there is work; NULL: it does so */
    void (*release)(void);
} lane_t;

extern const lane_t lane_cpu, lane_opencl, lane_vulkan;

/* The addition as Vulkan takes it. */
extern const uint32_t lane_spirv[];
extern const uint64_t lane_spirv_bytes;

/* One group adds so many floats, on every lane. Where a grid is narrow, as Vulkan's may be, so many
   groups stand in a row. Counts are powers of two. */
enum { lane_group = 256, lane_row = 32768 };

#endif
