/* SPDX-License-Identifier: MIT */
/* One driver as a fake plays it, looked at alone: what it shows, and each way to go wrong. */
#ifndef WITNESS_H
#define WITNESS_H

#include "folder.h"

#include <hwa/hwa.h>

struct witness {
    const char *backend;  /* "hip" */
    const char *library;  /* what the fake stands in for */
    const char *scenario; /* the file with its devices */
    /* What has to hold of each system of witness_cases() that shows the device; may be NULL. */
    void (*well)(const hwa_system_t *system);
};

/* A folder with the fake, faults for it ("": none), and its devices (NULL: its own choice). */
struct folder witness_folder(const struct witness *witness, const char *fake, const char *faults,
                             const char *devices);

/* What this backend alone makes of it. */
hwa_system_t *witness_look(const struct witness *witness, const struct folder *folder,
                           uint32_t timeout_ms);
hwa_backend_info_t witness_row(const struct witness *witness, const hwa_system_t *system);

/* These fail the test where there is no such device; what it does not know is -1 or "". */
hwa_device_info_t witness_info(const hwa_system_t *system, const char *id);
int64_t witness_number(const hwa_system_t *system, const char *id, const char *key);
const char *witness_text(const hwa_system_t *system, const char *id, const char *key);

/* The real library `name` of Debian on a machine without a card, or else the test is skipped: where
   it is not installed, or `node` shows that there is a card. `stage` NULL: none is demanded. */
void witness_real(const struct witness *witness, const char *name, const char *node,
                  hwa_outcome_t outcome, const char *stage, const char *message);

/* One way to go wrong, and what becomes of the backend and of its only device. */
struct witness_case {
    const char *fake, *faults;
    hwa_outcome_t outcome;
    int devices;
    const char *stage, *message; /* NULL: none is demanded */
};

void witness_cases(const struct witness *witness, const char *id, const struct witness_case *cases,
                   size_t count);

#endif
