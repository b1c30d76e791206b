/* SPDX-License-Identifier: MIT */
/* The system's OpenCL behind the shim that counts calls and has them fail: what tests share. */
#ifndef OPENCL_SET_H
#define OPENCL_SET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include "folder.h"

#define CHECK(call)                                                                                \
    do {                                                                                           \
        hwa_error_t error_ = {0};                                                                  \
        hwa_error_t *const error = &error_;                                                        \
        if ((call) != HWA_OK)                                                                      \
            fail_msg("%s: %s (%d): %s", #call, hwa_status_name(error_.status), error_.code,        \
                     error_.message);                                                              \
    } while (0)

/* The call fails with that status, the driver's code and its name. */
#define FAILS(wanted, number, text, call)                                                          \
    do {                                                                                           \
        hwa_error_t error_ = {0};                                                                  \
        hwa_error_t *const error = &error_;                                                        \
        const hwa_status_t status_ = (call);                                                       \
        if (status_ != (wanted) || error_.code != (number) ||                                      \
            strstr(error_.message, text) == NULL || strcmp(error_.backend, "opencl") != 0)         \
            fail_msg("%s: %s (%d) of \"%s\": %s", #call, hwa_status_name(status_), error_.code,    \
                     error_.backend, error_.message);                                              \
    } while (0)

/* The device behind the shim, and the shim's own functions; its header says what they do. */
extern const hwa_device_t *device;
extern unsigned long (*calls)(const char *name);
extern void (*fault)(const char *call, int nth, int code);
extern void (*reset)(void);
/* An exported function of the shim. */
void (*shim_function(const char *name))(void);

/* Finds the device; 0 if there is none. */
int shim_open(const char *where);
void shim_close(void);
/* A teardown: no more faults. */
int no_faults(void **state);

const hwa_device_t *detect(const char *path, hwa_system_t **into);
hwa_queue_t *open_on(const hwa_device_t *on, hwa_queue_t *share, uint64_t timeout_ns);
hwa_queue_t *open_queue(void);

hwa_program_t *build_kernel(hwa_queue_t *queue, const char *source, const char *entry);

/* A queue with a kernel that counts its runs in the first number of a buffer. */
struct set {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_buffer_t *buffer;
};

extern const char count_source[];
extern const size_t count_source_bytes;
struct set make_set(hwa_queue_t *queue);
/* The same with a program that is there already. */
struct set use_set(hwa_queue_t *queue, hwa_program_t *program);
void free_set(struct set *set);
hwa_status_t launch(const struct set *set, hwa_event_t **event, hwa_error_t *error);
int counted(const struct set *set);

#endif
