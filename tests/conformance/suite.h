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

/* The device under test, the same for all tests of a run. */
extern const hwa_device_t *the_device;
extern const char *the_runtime;

/* True where kernels are functions of this process. */
int is_host(void);

double now_ms(void);
double random_number(void); /* -1 to 1, from a fixed seed */
void random_floats(float *into, size_t count);

hwa_queue_t *open_queue(uint32_t flags);
hwa_queue_t *open_sharing(hwa_queue_t *with);
hwa_buffer_t *make_buffer(hwa_queue_t *queue, uint64_t size_bytes, const void *content);

/* The kernels, each as a function and as OpenCL C; kernels.c says what they do. */
typedef enum kernel_t {
    KERNEL_ADD,   /* c[i] = a[i] + b[i], n values */
    KERNEL_SCALE, /* x[i] = x[i] * f + d with f a float, d a double, n a uint8_t */
    KERNEL_WHERE, /* at[linear id] = x + 100 y + 10000 z, over groups */
    KERNEL_SUM,   /* sum[group] of 16 values through scratch */
    KERNEL_SPIN,  /* turns n times, then x[0] += 1 */
    KERNEL_EMPTY  /* nothing */
} kernel_t;
hwa_program_t *make_program(hwa_queue_t *queue, kernel_t kernel);

/* Turns of KERNEL_SPIN that take at least so long, and a launch of them; one thread a group. */
uint64_t turns_for(double milliseconds);
hwa_event_t *spin(hwa_queue_t *queue, const hwa_program_t *program, hwa_buffer_t *counter,
                  uint64_t turns);

/* False where the driver reports no device time: timer_ns is 0, and so is the time of any event. */
int has_timer(const hwa_queue_t *queue);

/* A release hook: counts its calls in the int behind `user`. */
void count_release(void *user);

extern const struct CMUnitTest buffer_tests[], launch_tests[], event_tests[], lifetime_tests[],
    refusal_tests[], process_tests[], gemm_tests[], op_tests[];
extern const size_t buffer_test_count, launch_test_count, event_test_count, lifetime_test_count,
    refusal_test_count, process_test_count, gemm_test_count, op_test_count;

#endif
