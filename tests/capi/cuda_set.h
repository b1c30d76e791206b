/* SPDX-License-Identifier: MIT */
/* Tests of CUDA on the fake driver, each in a process of its own, for a driver begins but once. */
#ifndef CUDA_SET_H
#define CUDA_SET_H

#include <hwa/hwa.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MS = 1000000 };

extern hwa_system_t *sys_found;
extern hwa_error_t error;

/* In a child: says what is wrong and ends it. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s; last error: %s (%d, %s): %s\n", __FILE__,          \
                    __LINE__, #condition, hwa_status_name(error.status), error.code,               \
                    error.backend, error.message);                                                 \
            fflush(stderr);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define GOOD(call) MUST((call) == HWA_OK)
/* The call fails with that status, the vendor's code and name, and CUDA is named. */
#define FAILS(wanted, vendor, name, call)                                                          \
    do {                                                                                           \
        memset(&error, 0, sizeof error);                                                           \
        MUST((call) == (wanted));                                                                  \
        MUST(error.status == (wanted) && error.code == (vendor));                                  \
        MUST(strcmp(error.backend, "cuda") == 0 && strstr(error.message, name) != NULL);           \
    } while (0)

/* The backend, as detection saw it. */
const hwa_backend_info_t *backend(void);
/* The first device, or the second, that a runtime drives; NULL for none. */
const hwa_device_t *device_with(const char *runtime, int which);
const hwa_device_t *device_at(int which);
hwa_queue_t *open_queue(int which);
/* A kernel of ours: set(to, value), poke(at), trap(), forever(flag), late(flag, at). */
hwa_program_t *program_of(hwa_queue_t *queue, const char *entry);
hwa_buffer_t *buffer_of(hwa_queue_t *queue, int value);
/* That a queue works: a kernel writes, and we read it. */
void works(hwa_queue_t *queue);
/* A kernel that ends when the flag is not 0. */
hwa_event_t *hang(hwa_queue_t *queue, hwa_buffer_t *flag);
/* A buffer in place, which counts its release. */
hwa_buffer_t *lend(hwa_queue_t *queue, void *memory, uint64_t size_bytes, int *released);

struct row {
    const char *name;
    void (*test)(void);
    const char *scenario; /* NULL: there is no driver */
    const char *visible;  /* CUDA_VISIBLE_DEVICES; NULL: not set */
    const char *without;  /* an entry that the library lacks */
};

/* What main() is to return; `argv[1]` is where the fakes are. */
int run_rows(const struct row *rows, size_t count, int argc, char **argv);

#endif
