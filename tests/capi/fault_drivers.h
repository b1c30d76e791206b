/* SPDX-License-Identifier: MIT */
/* Every driver that is asked, as a fake plays it, and a good one beside it. */
#ifndef FAULT_DRIVERS_H
#define FAULT_DRIVERS_H

#include "folder.h"

#include <hwa/hwa.h>

#include <stddef.h>

struct driver {
    const char *backend, *library, *fake;
    const char *first;  /* the call that is hung, ended and the like */
    const char *naming; /* the call that answers text */
    struct {
        const char *call; /* "CALL N" that answers handles, a count or functions; NULL: no more */
        hwa_outcome_t outcome; /* what garbage there comes to */
    } handing[4];
};

extern const struct driver drivers[];
extern const size_t driver_count;

/* The device that the good driver shows. */
#define GOOD_DEVICE "pci-0000:fa:00.0"

/* Which driver is the good one beside this one. */
const char *good_beside(const struct driver *driver);

/* What is found comes to ABSENT by one that adds to the kernel's devices and shows none of its own;
   any other outcome is the same for all. */
hwa_outcome_t driver_outcome(const struct driver *driver, hwa_outcome_t outcome);

/* A folder with both, and faults for the first call of either by that name. */
struct folder driver_folder(const struct driver *driver, const char *scenario);

#endif
