/* SPDX-License-Identifier: MIT */
/* What a program that only measures does when a call of libhwa fails: it says so and ends. */
#ifndef BENCH_NEED_H
#define BENCH_NEED_H

#include <hwa/hwa.h>

#include <stdio.h>
#include <stdlib.h>

static inline void need(hwa_status_t status, const hwa_error_t *error) {
    if (status == HWA_OK)
        return;
    printf("%s: %s\n", hwa_status_name(status), error->message);
    exit(1);
}
#define NEED(call)                                                                                 \
    do {                                                                                           \
        hwa_error_t error_ = {0}, *error = &error_;                                                \
        need(call, error);                                                                         \
    } while (0)

#endif
