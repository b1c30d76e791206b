/* SPDX-License-Identifier: MIT */
/* The process around a queue: signals and environment stay, a fork is noticed, an exit is safe. */
#include "suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Holds the kernel's struct sigaction of any architecture. */
typedef struct disposition_t {
    unsigned char bytes[64];
} disposition_t;

typedef struct surroundings_t {
    disposition_t signals[65];
    char *environment;
} surroundings_t;

static void on_signal(int number) {
    (void)number;
}

static surroundings_t look_around(void) {
    surroundings_t seen;
    memset(&seen, 0, sizeof seen);
    /* The kernel's own word: sanitizers answer sigaction() themselves. Those between belong to the
       C library. */
    for (int number = 1; number <= 64; ++number)
        if (number < 32 || number >= SIGRTMIN)
            (void)syscall(SYS_rt_sigaction, number, NULL, &seen.signals[number], (size_t)8);
    size_t size = 1;
    for (char **entry = environ; *entry != NULL; ++entry)
        size += strlen(*entry) + 1;
    seen.environment = calloc(size, 1);
    for (char **entry = environ; *entry != NULL; ++entry)
        strcat(strcat(seen.environment, *entry), "\n");
    return seen;
}

static void nothing_changed_since(surroundings_t *before, const char *when) {
    surroundings_t now = look_around();
    for (int number = 1; number <= 64; ++number)
        if (memcmp(&before->signals[number], &now.signals[number], sizeof now.signals[0]) != 0)
            fail_msg("%s: signal %d has another disposition", when, number);
    if (strcmp(before->environment, now.environment) != 0)
        fail_msg("%s: the environment is\n%snot\n%s", when, now.environment, before->environment);
    free(now.environment);
}

static void leaves_the_caller_alone(void **state) {
    (void)state;
    struct sigaction mine = {0};
    mine.sa_handler = on_signal;
    mine.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &mine, NULL);
    sigaction(SIGTERM, &mine, NULL);
    setenv("HWA_TEST_MARK", "1", 1);
    surroundings_t before = look_around();
    hwa_queue_t *queue = open_queue(0);
    nothing_changed_since(&before, "open");
    hwa_program_t *program = make_program(queue, KERNEL_EMPTY);
    nothing_changed_since(&before, "build");
    CHECK(hwa_launch(queue, program, NULL, 0, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    nothing_changed_since(&before, "launch");
    hwa_attr_t attrs[3] = {{.key = "m", .type = HWA_ATTR_INT, .i = 4},
                           {.key = "n", .type = HWA_ATTR_INT, .i = 4},
                           {.key = "k", .type = HWA_ATTR_INT, .i = 4}};
    hwa_program_t *gemm = NULL;
    CHECK(hwa_program_from_op(queue, "gemm", attrs, 3, &gemm, error));
    nothing_changed_since(&before, "gemm");
    hwa_program_free(gemm);
    hwa_program_free(program);
    hwa_queue_free(queue);
    nothing_changed_since(&before, "free");
    free(before.environment);
    unsetenv("HWA_TEST_MARK");
    signal(SIGUSR1, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
}

/* Asked by LeakSanitizer, which crashes at times among the busy threads of a driver. */
static int is_child;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return is_child;
}

/* Exit status of the child that runs `body`; a child that hangs is killed. */
static int in_child(void (*body)(void *), void *user) {
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20);
        is_child = 1;
        body(user);
        exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

typedef struct inherited_t {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_buffer_t *buffer;
    hwa_event_t *event;
} inherited_t;

#define EXPECT(number, condition)                                                                  \
    if (!(condition))                                                                              \
    _exit(number)

static void order_with_what_was_inherited(const inherited_t *all, const hwa_arg_t *args) {
    hwa_program_t *program = NULL;
    hwa_event_t *event = NULL;
    int32_t fd = 0;
    void *address = NULL;
    const hwa_launch_item_t item = {.program = all->program, .args = args, .arg_count = 2};
    EXPECT(30, hwa_queue_wait(all->queue, all->event, NULL) == HWA_ERROR_FORKED);
    EXPECT(31, hwa_event_fd(all->event, &fd, NULL) == HWA_ERROR_FORKED && fd == -1);
    EXPECT(32, hwa_buffer_map(all->buffer, &address, NULL) == HWA_ERROR_FORKED);
    EXPECT(33, hwa_buffer_unmap(all->buffer, NULL) == HWA_ERROR_FORKED);
    EXPECT(34,
           hwa_buffer_copy(all->buffer, 0, all->buffer, 2, 2, &event, NULL) == HWA_ERROR_FORKED);
    EXPECT(35, hwa_launch_many(all->queue, &item, 1, &event, NULL) == HWA_ERROR_FORKED);
    EXPECT(36, hwa_program_from_launches(all->queue, &item, 1, &program, NULL) == HWA_ERROR_FORKED);
}

static void use_what_was_inherited(void *user) {
    inherited_t *all = user;
    hwa_error_t error = {0};
    uint32_t value = 0;
    const uint64_t turns = 1;
    const hwa_arg_t args[] = {{.buffer = all->buffer},
                              {.data = &turns, .size_bytes = sizeof turns}};
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 4;
    hwa_buffer_t *buffer = NULL;
    hwa_program_t *program = NULL;
    hwa_queue_t *queue = NULL;
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    hwa_queue_options_t share = HWA_INIT(hwa_queue_options_t);
    share.runtime = the_runtime;
    share.share = all->queue;
    EXPECT(10,
           hwa_launch(all->queue, all->program, args, 2, NULL, NULL, &error) == HWA_ERROR_FORKED);
    EXPECT(11, error.status == HWA_ERROR_FORKED && error.message[0] != '\0');
    EXPECT(12, hwa_queue_finish(all->queue, HWA_FOREVER, NULL) == HWA_ERROR_FORKED);
    EXPECT(13, hwa_event_wait(all->event, HWA_FOREVER, NULL) == HWA_ERROR_FORKED);
    EXPECT(14, hwa_buffer_read(all->buffer, 0, &value, 4, NULL, NULL) == HWA_ERROR_FORKED);
    EXPECT(15, hwa_buffer_create(all->queue, &desc, &buffer, NULL) == HWA_ERROR_FORKED);
    EXPECT(16,
           hwa_program_from_op(all->queue, "gemm", NULL, 0, &program, NULL) == HWA_ERROR_FORKED);
    EXPECT(17, hwa_queue_info(all->queue, &info) == HWA_ERROR_FORKED);
    order_with_what_was_inherited(all, args);
    EXPECT(18, hwa_queue_open(the_device, &share, &queue, NULL) == HWA_ERROR_FORKED);
    /* Host functions run in a child as anywhere; a driver's threads are not in it. */
    share.share = NULL;
    const hwa_status_t afresh = hwa_queue_open(the_device, &share, &queue, NULL);
    EXPECT(20, afresh == (is_host() ? HWA_OK : HWA_ERROR_FORKED));
    EXPECT(19, hwa_event_elapsed_ns(all->event) == 0 && hwa_queue_native(all->queue) == NULL);
    hwa_event_free(all->event);
    hwa_buffer_free(all->buffer);
    hwa_program_free(all->program);
    hwa_queue_free(all->queue);
    _exit(0);
}

static void notices_a_fork(void **state) {
    (void)state;
    const uint32_t zero = 0;
    inherited_t all;
    const uint64_t turns = turns_for(30);
    all.queue = open_queue(0);
    all.program = make_program(all.queue, KERNEL_SPIN);
    all.buffer = make_buffer(all.queue, sizeof zero, &zero);
    all.event = spin(all.queue, all.program, all.buffer, turns);
    assert_int_equal(in_child(use_what_was_inherited, &all), 0);
    CHECK(hwa_event_wait(all.event, HWA_FOREVER, error));
    hwa_event_free(all.event);
    hwa_buffer_free(all.buffer);
    hwa_program_free(all.program);
    hwa_queue_free(all.queue);
}

/* A child made before any driver was loaded opens its own queue, and leaves while it is busy. */
static void leave_while_busy(void *free_first) {
    const uint32_t zero = 0;
    const uint64_t turns = turns_for(300);
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_SPIN);
    hwa_buffer_t *counter = make_buffer(queue, sizeof zero, &zero);
    hwa_event_t *event = spin(queue, program, counter, turns);
    if (free_first != NULL) {
        hwa_buffer_free(counter);
        hwa_queue_free(queue);
        hwa_program_free(program);
        hwa_event_free(event);
    }
    exit(0);
}

static void exits_while_busy(void **state) {
    (void)state;
    assert_int_equal(in_child(leave_while_busy, NULL), 0);
    assert_int_equal(in_child(leave_while_busy, (void *)1), 0);
}

static const struct CMUnitTest process_tests[] = {
    cmocka_unit_test(exits_while_busy),
    cmocka_unit_test(leaves_the_caller_alone),
    cmocka_unit_test(notices_a_fork),
};
GROUP(process);
