/* SPDX-License-Identifier: MIT */
/* Checks of CUDA on real hardware, each a few rows of the table that `run` prints. */
#ifndef HWA_TESTS_HARDWARE_CHECK_H
#define HWA_TESTS_HARDWARE_CHECK_H

#include "../fakes/cuda_abi.h"

#include <hwa/hwa.h>

#include <stdio.h>

/* The driver itself, for what is compared with it. An entry that is not there is NULL. */
struct raw {
#define CU_API(symbol, base, since, parameters) CUresult(*symbol) parameters;
#include "../fakes/cuda_entries.def"
#undef CU_API
};
extern struct raw raw;
extern void *raw_library;

extern int small; /* on the fake driver: the same work, less of it */
extern hwa_system_t *the_system;
extern const hwa_device_t *the_device;
extern hwa_error_t error;

/* One row: the figure is printed as by printf. */
void row(const char *what, const char *verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define VERDICT(good) ((good) ? "pass" : "FAIL")
/* On the fake driver a figure says nothing. */
#define JUDGED(good) (small ? "no verdict on a fake" : VERDICT(good))

/* Ends the check with a row that says why. */
#define NEED(call)                                                                                 \
    do {                                                                                           \
        if ((call) != HWA_OK)                                                                      \
            give_up(#call);                                                                        \
    } while (0)
void give_up(const char *call);

double now_s(void);
double median(double *values, int count);
void random_bytes(void *into, size_t bytes);
hwa_queue_t *open_queue(void);
hwa_queue_t *open_cached(const char *folder);
hwa_buffer_t *make_buffer(hwa_queue_t *queue, uint64_t bytes);
/* NULL, with the error, where the code is refused. */
hwa_program_t *build(hwa_queue_t *queue, hwa_code_t kind, const void *code, size_t bytes,
                     const char *entry, const char *options);
/* CUDA C of the kernels add(a, b, c, n), empty() and poke(address). */
extern const char cuda_kernels[];
extern const size_t cuda_kernels_bytes;

/* The same as a cubin, by NVRTC without us, to be freed; NULL where it makes none. */
char *make_cubin(int capability, size_t *bytes);
/* 10 * major + minor. */
int capability_of_device(void);

void check_identity(void);
void check_copies(void);
void check_programs(void);
void check_cache(void);
void check_cost(void);
void check_bandwidth(void);
void check_order(void);
void check_threads(void);
void check_gemm(void);
void check_builtin_gemm(void);
void check_leaks(void);
void check_tensors(void);

#endif
