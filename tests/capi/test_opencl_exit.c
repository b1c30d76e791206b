/* SPDX-License-Identifier: MIT */
/* A process that ends while OpenCL compiles or runs ends as it wants to, and not before the driver
   is done: what that uses goes with the process. Skipped where there is no OpenCL device. */
#include "opencl_set.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77

enum { CL_RUNNING = 1 }; /* of CL/cl.h */

enum { OWN_STATUS = 41, TOO_EARLY = 42, SLOW_MS = 300 };

static int (*busy)(void);
static hwa_queue_t *queue;

/* Registered before anything of OpenCL, it comes after that. */
static void look_at_the_end(void) {
    if (busy())
        _exit(TOO_EARLY);
}

/* No build has seen this text before, so no driver has it on disk. */
static hwa_program_t *build_new(void) {
    char source[256];
    snprintf(source, sizeof source,
             "__kernel void turn(__global float *x) { for (int i = 0; i < 9; ++i) "
             "x[0] = sin(x[0]) * %d.0f + exp(x[0] / 17.0f); }",
             (int)getpid());
    return build_kernel(queue, source, "turn");
}

static void *build_at_length(void *unused) {
    (void)unused;
    (void)build_new();
    return NULL;
}

static void end_in_a_build(void) {
    pthread_t builder;
    queue = open_queue();
    pthread_create(&builder, NULL, build_at_length, NULL);
    while (!busy())
        usleep(1000);
    exit(OWN_STATUS);
}

static void end_after_a_launch(void) {
    queue = open_queue();
    struct set set = use_set(queue, build_new());
    hwa_event_t *event = NULL;
    CHECK(launch(&set, &event, error));
    exit(OWN_STATUS);
}

static void *end_here(void *unused) {
    (void)unused;
    end_after_a_launch();
    return NULL;
}

static void end_in_a_thread(void) {
    pthread_t other;
    pthread_create(&other, NULL, end_here, NULL);
    pthread_join(other, NULL);
}

static int is_idle(void) {
    return 0;
}

/* A child has no thread that compiles: it has nothing to wait for. */
static void end_as_a_child(void) {
    pthread_t builder;
    queue = open_queue();
    pthread_create(&builder, NULL, build_at_length, NULL);
    while (!busy())
        usleep(1000);
    const pid_t child = fork();
    if (child == 0) {
        busy = is_idle;
        alarm(10);
        exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    exit(status == 0 ? OWN_STATUS : TOO_EARLY + 1);
}

static atomic_int stopped;

static int works_on(void) {
    for (int i = 0; i < 2000 && !stopped; ++i)
        usleep(1000);
    return !stopped;
}

/* A thread that goes on for as long as it may: its first launch compiles. */
static void *work_on(void *state) {
    hwa_error_t error = {0};
    for (;;) {
        hwa_event_t *event = NULL;
        const hwa_status_t status = launch(state, &event, &error);
        if (status == HWA_ERROR_UNAVAILABLE && strstr(error.message, "about to end") != NULL) {
            stopped = 1;
            return NULL;
        }
        if (status != HWA_OK || hwa_event_wait(event, HWA_FOREVER, &error) != HWA_OK)
            _exit(TOO_EARLY + 2);
        hwa_event_free(event);
    }
}

static void end_while_another_works_on(void) {
    static struct set set;
    pthread_t worker;
    queue = open_queue();
    set = use_set(queue, build_new());
    pthread_create(&worker, NULL, work_on, &set);
    usleep(20000);
    busy = works_on;
    exit(OWN_STATUS);
}

/* Of work that never ends it waits for no more than closing the queue would. */
static void end_beside_endless_work(void) {
    busy = is_idle;
    queue = open_on(device, NULL, SLOW_MS * 1000000);
    struct set set = make_set(queue);
    fault("kernel", 1, CL_RUNNING);
    CHECK(launch(&set, NULL, error));
    alarm(20);
    exit(OWN_STATUS);
}

/* The exit status of a process that has OpenCL for itself. */
static int status_of(void (*end)(void)) {
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        alarm(100);
        ((void (*)(unsigned))shim_function("shim_slow"))(SLOW_MS);
        atexit(look_at_the_end);
        end();
        _exit(1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void ends_as_it_wants(void **state) {
    (void)state;
    static const struct {
        const char *when;
        void (*end)(void);
    } rows[] = {
        {"in a build", end_in_a_build},
        {"after a launch", end_after_a_launch},
        {"in a thread, after a launch", end_in_a_thread},
        {"while another works on", end_while_another_works_on},
        {"as a child", end_as_a_child},
        {"beside endless work", end_beside_endless_work},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        const int status = status_of(rows[i].end);
        if (status != OWN_STATUS)
            fail_msg("%s: %d", rows[i].when, status);
    }
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(ends_as_it_wants)};
    if (argc != 2)
        return 2;
    int failed = SKIPPED;
    if (shim_open(argv[1])) {
        busy = (int (*)(void))shim_function("shim_busy");
        failed = cmocka_run_group_tests_name("opencl exit", tests, NULL, NULL) != 0;
    }
    shim_close();
    return failed;
}
