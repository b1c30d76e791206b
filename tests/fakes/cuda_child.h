/* SPDX-License-Identifier: MIT */
/* Tests of the fake CUDA driver, each in a process of its own, for a driver begins but once. */
#ifndef HWA_TESTS_CUDA_CHILD_H
#define HWA_TESTS_CUDA_CHILD_H

#include "cuda_calls.h"

#include <stdio.h>

/* Lines that went wrong in this process. */
extern int wrong;

/* The call answers that code; tells of it where it does not. */
#define ANSWERS(wanted, call)                                                                      \
    do {                                                                                           \
        const int answer_ = (int)(call);                                                           \
        if (answer_ != (int)(wanted)) {                                                            \
            fprintf(stderr, "%s:%d: %s: wanted %d, got %d\n", __FILE__, __LINE__, #call,           \
                    (int)(wanted), answer_);                                                       \
            ++wrong;                                                                               \
        }                                                                                          \
    } while (0)
#define OK(call) ANSWERS(CUDA_SUCCESS, call)
#define HOLDS(condition) ANSWERS(1, !!(condition))

struct child_test {
    const char *name;
    void (*test)(void);
    const char *scenario;
    const char *visible; /* CUDA_VISIBLE_DEVICES; NULL: not set */
};

/* Runs all of them on the fakes in a folder: how many went wrong. */
int children_run(const char *folder, const struct child_test *tests, size_t count);

/* Of the first device, made current. */
CUcontext first_context(void);

/* An address that no driver gave, and a handle that is none. */
#define NOWHERE ((CUdeviceptr)0x4200)
extern char not_a_handle[256];
#define BOGUS(type) ((type)(void *)not_a_handle)

#endif
