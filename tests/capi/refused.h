/* SPDX-License-Identifier: MIT */
/* Calls that are wrong in all the ways the header names, on a queue with one launch that is right.
 */
#ifndef HWA_TESTS_REFUSED_H
#define HWA_TESTS_REFUSED_H

#include <hwa/hwa.h>

/* A launch that would do; its first argument is a buffer of at most 64 KiB. */
struct launch {
    hwa_queue_t *queue;
    hwa_program_t *program;
    const hwa_arg_t *args;
    uint32_t arg_count;
    const hwa_launch_options_t *options;
    int is_alone; /* leaves batches out */
};

/* Makes them all. The line of the first that is not refused, or not as it should be; 0: none. */
int ask_what_is_refused(const struct launch *right);

#endif
