/* SPDX-License-Identifier: MIT */
/* How long waits on OpenCL last, and what they take meanwhile. Skipped where there is no OpenCL
   device. */
#include "opencl_set.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77

enum { CL_RUNNING = 1 }; /* of CL/cl.h */

enum { SECOND = 1000000000 };

static void gives_up_on_endless_work(void **state) {
    (void)state;
    struct set set = make_set(open_on(device, NULL, SECOND / 20));
    struct set other = make_set(open_queue());
    fault("kernel", 1, CL_RUNNING);
    hwa_event_t *event = NULL, *after = NULL;
    CHECK(launch(&set, &event, error));
    CHECK(launch(&set, &after, error));
    hwa_error_t why = {0};
    assert_int_equal(hwa_event_wait(event, 0, &why), HWA_ERROR_TIMEOUT);
    assert_int_equal(hwa_event_wait(after, SECOND / 50, &why), HWA_ERROR_TIMEOUT);
    assert_int_equal(hwa_queue_finish(set.queue, SECOND / 50, &why), HWA_ERROR_TIMEOUT);
    int32_t fd = -1;
    CHECK(hwa_event_fd(event, &fd, error));
    struct pollfd poll_for = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_for, 1, 20), 0);
    CHECK(launch(&other, &event, error));
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    assert_int_equal(counted(&other), 1);
    hwa_event_free(event);
    hwa_event_free(after);
    free_set(&other);
    free_set(&set);
    close(fd);
}

static double cpu_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

/* A wait with a deadline looks for a moment, then sleeps. */
static void waits_asleep(void **state) {
    (void)state;
    struct set set = make_set(open_on(device, NULL, SECOND / 20));
    fault("kernel", 1, CL_RUNNING);
    hwa_event_t *event = NULL;
    CHECK(launch(&set, &event, error));
    const unsigned long before = calls(NULL);
    const double start = cpu_seconds();
    hwa_error_t why = {0};
    assert_int_equal(hwa_event_wait(event, SECOND / 2, &why), HWA_ERROR_TIMEOUT);
    assert_true(cpu_seconds() - start < 0.05);
    assert_in_range(calls(NULL) - before, 1, 5000);
    hwa_event_free(event);
    free_set(&set);
}

/* Some tenths of a second. */
static const char slow_source[] = "__kernel void slow(__global volatile int *x)"
                                  "{ for (int i = 0; i < 200000000; ++i) x[0] = i; }";

/* Once a gate was opened and all went well, nobody looks again and again. */
static void waits_in_the_driver_after_a_gate(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    struct set other = make_set(open_queue());
    hwa_event_t *event = NULL;
    hwa_program_t *slow = build_kernel(other.queue, slow_source, "slow");
    const hwa_arg_t arg = {.buffer = other.buffer};
    CHECK(hwa_launch(other.queue, slow, &arg, 1, NULL, &event, error));
    const unsigned long gates = calls("clCreateUserEvent");
    CHECK(hwa_queue_wait(set.queue, event, error));
    assert_int_equal(calls("clCreateUserEvent") - gates, 1);
    hwa_event_free(event);
    CHECK(launch(&set, NULL, error));
    CHECK(hwa_queue_finish(set.queue, HWA_FOREVER, error));
    CHECK(launch(&set, &event, error));
    const unsigned long before = calls("clWaitForEvents");
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    assert_int_equal(calls("clWaitForEvents") - before, 1);
    hwa_event_free(event);
    hwa_program_free(slow);
    free_set(&other);
    free_set(&set);
}

static void free_queue(void *queue) {
    hwa_queue_free(queue);
}

/* A hook on a thread of the library's lets go of a queue with work that never ends. */
static void frees_a_queue_in_a_hook(void **state) {
    (void)state;
    static int lent[16];
    struct set endless = make_set(open_on(device, NULL, 600ull * SECOND));
    fault("kernel", 1, CL_RUNNING);
    CHECK(launch(&endless, NULL, error));
    hwa_buffer_free(endless.buffer);
    hwa_program_free(endless.program);

    hwa_queue_t *queue = open_queue();
    hwa_program_t *program = build_kernel(queue, slow_source, "slow");
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof lent;
    desc.host = lent;
    desc.release = free_queue;
    desc.release_user = endless.queue;
    hwa_buffer_t *buffer = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &buffer, error));
    const hwa_arg_t arg = {.buffer = buffer};
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(queue, program, &arg, 1, NULL, &event, error));
    hwa_buffer_free(buffer);
    int32_t fd = -1;
    CHECK(hwa_event_fd(event, &fd, error));
    struct pollfd poll_for = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_for, 1, 60000), 1);
    close(fd);
    hwa_event_free(event);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static atomic_int letting_go;

static void let_go_slowly(void *unused) {
    (void)unused;
    letting_go = 1;
    usleep(200000);
}

static void *wait_for_it(void *event) {
    hwa_error_t error = {0};
    return hwa_event_wait(event, HWA_FOREVER, &error) == HWA_OK ? event : NULL;
}

/* There and back again: while a thread still lets go of what the first work held, another asks how
   the last went, which waited for a second queue, which waited for the first work. */
static void asks_there_and_back(void **state) {
    (void)state;
    static int lent[1024];
    struct set here = make_set(open_queue());
    struct set there = make_set(open_on(device, here.queue, 0));
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof lent;
    desc.host = lent;
    desc.release = let_go_slowly;
    hwa_buffer_t *buffer = NULL;
    hwa_event_t *first = NULL, *second = NULL, *last = NULL;
    CHECK(hwa_buffer_create(here.queue, &desc, &buffer, error));
    const hwa_arg_t arg = {.buffer = buffer};
    CHECK(hwa_launch(here.queue, here.program, &arg, 1, NULL, &first, error));
    hwa_buffer_free(buffer);
    CHECK(hwa_queue_wait(there.queue, first, error));
    CHECK(launch(&there, &second, error));
    CHECK(hwa_queue_wait(here.queue, second, error));
    CHECK(launch(&here, &last, error));
    pthread_t thread;
    void *well = NULL;
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, first), 0);
    while (!letting_go)
        usleep(1000);
    CHECK(hwa_event_wait(last, 10ull * SECOND, error));
    pthread_join(thread, &well);
    assert_non_null(well);
    hwa_event_free(first);
    hwa_event_free(second);
    hwa_event_free(last);
    free_set(&there);
    free_set(&here);
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(gives_up_on_endless_work, no_faults),
        cmocka_unit_test_teardown(waits_asleep, no_faults),
        cmocka_unit_test_teardown(waits_in_the_driver_after_a_gate, no_faults),
        cmocka_unit_test_teardown(frees_a_queue_in_a_hook, no_faults),
        cmocka_unit_test_teardown(asks_there_and_back, no_faults),
    };
    if (argc != 2)
        return 2;
    int failed = SKIPPED;
    if (shim_open(argv[1]))
        failed = cmocka_run_group_tests_name("opencl waits", tests, NULL, NULL) != 0;
    shim_close();
    return failed;
}
