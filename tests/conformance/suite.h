/* SPDX-License-Identifier: MIT */
/* One suite for every runtime: what its parts share. It sees the public header only. */
#ifndef HWA_TESTS_SUITE_H
#define HWA_TESTS_SUITE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        hwa_error_t error_ = {0};                                                                  \
        hwa_error_t *const error = &error_;                                                        \
        if ((call) != HWA_OK)                                                                      \
            fail_msg("%s: %s (%d): %s", #call, hwa_status_name(error_.status), error_.code,        \
                     error_.message);                                                              \
    } while (0)

/* The call fails with that status and a sentence. */
#define REFUSED(wanted, call)                                                                      \
    do {                                                                                           \
        hwa_error_t error_ = {0};                                                                  \
        hwa_error_t *const error = &error_;                                                        \
        const hwa_status_t status_ = (call);                                                       \
        if (status_ != (wanted) || error_.status != (wanted) || error_.message[0] == '\0')         \
            fail_msg("%s: wanted \"%s\", got \"%s\": %s", #call, hwa_status_name(wanted),          \
                     hwa_status_name(status_), error_.message);                                    \
    } while (0)

/* What the tests are run on: one after another, if a runtime has several devices. */
extern const hwa_device_t *the_device;
extern const char *the_runtime;

/* A device and a runtime that drives it. */
typedef struct target_t {
    const hwa_device_t *device;
    const char *runtime;
    const char *id;
} target_t;

/* Every other device with the same runtime, and one of each other runtime. */
extern target_t the_others[16];
extern size_t the_other_count;

/* The CPU, whose kernels can sleep and fail; NULL in a build without that runtime. */
const target_t *the_cpu(void);

/* True where kernels are functions of this process. */
int is_host(void);

double now_ms(void);
void seed_random(uint64_t seed);     /* printed; HWA_TEST_SEED repeats a run */
double random_number(void);          /* -1 to 1 */
uint64_t random_below(uint64_t end); /* 0 to end - 1 */
void random_floats(float *into, size_t count);
void random_bytes(void *into, size_t size_bytes);

hwa_queue_t *open_queue(uint32_t flags);
hwa_queue_t *open_on(const target_t *target, uint64_t timeout_ns);
hwa_queue_t *open_sharing(hwa_queue_t *with);
hwa_buffer_t *make_buffer(hwa_queue_t *queue, uint64_t size_bytes, const void *content);

/* The kernels, each as a function, as OpenCL C and as SPIR-V. */
typedef enum kernel_t {
    KERNEL_ADD,   /* c[i] = a[i] + b[i], n values */
    KERNEL_SCALE, /* x[i] = x[i] * f + d with f a float, d a double, n a uint8_t */
    KERNEL_WHERE, /* at[linear id] = x + 100 y + 10000 z, over groups */
    KERNEL_SUM,   /* sum[group] of 16 values through scratch */
    KERNEL_SPIN,  /* turns n times, then x[0] += 1 */
    KERNEL_EMPTY  /* nothing */
} kernel_t;
hwa_kernel_desc_t spirv_of(kernel_t kernel);
/* Every variant of a kernel that the suite has; how many. */
#define SUITE_VARIANTS 8
uint32_t kernel_variants(kernel_t kernel, hwa_kernel_desc_t *into);
hwa_program_t *make_program(hwa_queue_t *queue, kernel_t kernel);

/* Turns of KERNEL_SPIN that take at least so long, and a launch of them; one thread a group. */
uint64_t turns_for(double milliseconds);
hwa_event_t *spin(hwa_queue_t *queue, const hwa_program_t *program, hwa_buffer_t *counter,
                  uint64_t turns);

/* False where the driver reports no device time: timer_ns is 0, and so is the time of any event. */
int has_timer(const hwa_queue_t *queue);

uint32_t read_counter(hwa_buffer_t *counter);

/* Two queues, and what they are to each other. */
typedef struct pair_t {
    const char *what;
    hwa_queue_t *a;
    hwa_queue_t *b;
    int shares; /* buffers and programs of one serve the other */
} pair_t;

/* Queues that share, queues of one device that do not, and both ways with each of the others. */
void each_pair(void (*body)(const pair_t *pair));

/* A queue whose newest work fails after so long, with code 7, and that work; NULL without a CPU. */
typedef struct failing_t {
    hwa_queue_t *queue;
    hwa_buffer_t *buffer; /* 4 bytes, untouched */
    hwa_event_t *event;
} failing_t;
int make_failing(failing_t *made, int milliseconds);
void free_failing(failing_t *made);

/* A release hook: counts its calls in the int behind `user`. */
void count_release(void *user);

/* The tests of one file. */
typedef struct group_t {
    const char *name;
    const struct CMUnitTest *tests;
    size_t count;
} group_t;
#define GROUP(name)                                                                                \
    const group_t name##_group = {#name, name##_tests, sizeof name##_tests / sizeof *name##_tests}

extern const group_t batches_group, bounds_group, buffers_group, copies_group, descriptors_group,
    edges_group, events_group, gemm_group, launches_group, lifetimes_group, maps_group, ops_group,
    process_group, refusals_group, variants_group, waits_group;

#endif
