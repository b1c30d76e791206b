/* SPDX-License-Identifier: MIT */
/* The threads of the CPU: how many there are, and what becomes of the rest when some are held. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        hwa_error_t error_ = {0};                                                                  \
        hwa_error_t *const error = &error_;                                                        \
        if ((call) != HWA_OK)                                                                      \
            fail_msg("%s: %s: %s", #call, hwa_status_name(error_.status), error_.message);         \
    } while (0)

enum { groups = 64, queues = 32 };
static const uint64_t second_ns = 1000000000;

static const hwa_device_t *cpu;

/* Those of this process; a sanitizer may have its own, so they are compared only. */
static int threads(void) {
    DIR *folder = opendir("/proc/self/task");
    assert_non_null(folder);
    int count = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder)) != NULL)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* A thread that was joined may still be listed for a moment. */
static int settled_threads(int wanted) {
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 100 && threads() != wanted; ++i)
        nanosleep(&moment, NULL);
    return threads();
}

static int processors(void) {
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    return CPU_COUNT(&set);
}

static hwa_queue_t *open_queue(uint64_t timeout_ns) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.timeout_ns = timeout_ns;
    hwa_queue_t *queue = NULL;
    CHECK(hwa_queue_open(cpu, &options, &queue, error));
    return queue;
}

static hwa_program_t *make_program(hwa_queue_t *queue, hwa_host_kernel_fn host, void *user,
                                   hwa_release_fn release) {
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_HOST;
    kernel.host = host;
    kernel.host_user = user;
    kernel.host_release = release;
    const hwa_kernel_desc_t *variants[] = {&kernel};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, 1, &program, error));
    return program;
}

static hwa_event_t *launch(hwa_queue_t *queue, const hwa_program_t *program) {
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = groups;
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(queue, program, NULL, 0, &shape, &event, error));
    return event;
}

static int32_t count_groups(void *user, const hwa_host_call_t *call) {
    (void)call;
    __atomic_add_fetch((int *)user, 1, __ATOMIC_SEQ_CST);
    return 0;
}

/* Runs all groups of a launch, on a queue that is there or one of its own. */
static void work_on(hwa_queue_t *queue) {
    int counted = 0;
    hwa_program_t *program = make_program(queue, count_groups, &counted, NULL);
    hwa_event_t *event = launch(queue, program);
    CHECK(hwa_event_wait(event, 10 * second_ns, error));
    assert_int_equal(counted, groups);
    hwa_event_free(event);
    hwa_program_free(program);
}

static void queues_share_a_pool(void **state) {
    (void)state;
    hwa_queue_t *all[queues];
    all[0] = open_queue(0); /* with the first thread, a sanitizer starts one of its own */
    work_on(all[0]);
    hwa_queue_free(all[0]);
    const int before = settled_threads(1);
    for (int i = 0; i < queues; ++i)
        all[i] = open_queue(0);
    assert_int_equal(threads(), before); /* opening is free */
    for (int i = 0; i < queues; ++i)
        work_on(all[i]);
    const int added = threads() - before;
    assert_true(added >= queues && added <= queues + processors() - 1);
    for (int i = 0; i < queues; ++i)
        hwa_queue_free(all[i]);
    assert_int_equal(settled_threads(before), before);
}

static int32_t stuck(void *user, const hwa_host_call_t *call) {
    (void)call;
    const struct timespec moment = {.tv_nsec = 100000};
    while (__atomic_load_n((int *)user, __ATOMIC_SEQ_CST) == 0)
        nanosleep(&moment, NULL);
    return 0;
}

static void count_release(void *user) {
    __atomic_add_fetch((int *)user, 2, __ATOMIC_SEQ_CST);
}

static void holds_its_own_queue_only(void **state) {
    (void)state;
    int let_go = 0; /* 1: the kernel may end; 3: and its hook has been called */
    hwa_queue_t *held = open_queue(20000000);
    hwa_queue_t *other = open_queue(0);
    hwa_program_t *program = make_program(held, stuck, &let_go, count_release);
    hwa_event_t *event = launch(held, program);
    hwa_error_t error = {0};
    assert_int_equal(hwa_event_wait(event, 1000000, &error), HWA_ERROR_TIMEOUT);
    assert_int_equal(hwa_queue_finish(held, 0, &error), HWA_ERROR_TIMEOUT);
    work_on(other);
    hwa_program_free(program);
    hwa_event_free(event);
    hwa_queue_free(held); /* gives up after its timeout */
    work_on(other);
    assert_int_equal(__atomic_load_n(&let_go, __ATOMIC_SEQ_CST), 0);
    __atomic_store_n(&let_go, 1, __ATOMIC_SEQ_CST);
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 10000 && __atomic_load_n(&let_go, __ATOMIC_SEQ_CST) != 3; ++i)
        nanosleep(&moment, NULL);
    assert_int_equal(__atomic_load_n(&let_go, __ATOMIC_SEQ_CST), 3);
    work_on(other);
    hwa_queue_free(other);
}

struct own {
    hwa_queue_t *queue;
    hwa_program_t *program;
    int launched; /* the calls are over that put the work in */
    int over;
};

/* Nothing of the queue is left then but the work that does this. */
static int32_t free_own_queue(void *user, const hwa_host_call_t *call) {
    struct own *own = user;
    const struct timespec moment = {.tv_nsec = 10000};
    if (call->group[0] == groups / 2) {
        while (__atomic_load_n(&own->launched, __ATOMIC_SEQ_CST) == 0)
            nanosleep(&moment, NULL);
        hwa_program_free(own->program);
        hwa_queue_free(own->queue);
    }
    return 0;
}

static void say_over(void *user) {
    __atomic_store_n(&((struct own *)user)->over, 1, __ATOMIC_SEQ_CST);
}

static void a_kernel_may_close_its_queue(void **state) {
    (void)state;
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < 20; ++i) {
        struct own own = {open_queue(0), NULL, 0, 0};
        own.program = make_program(own.queue, free_own_queue, &own, say_over);
        hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
        shape.grid[0] = groups;
        CHECK(hwa_launch(own.queue, own.program, NULL, 0, &shape, NULL, error));
        __atomic_store_n(&own.launched, 1, __ATOMIC_SEQ_CST);
        for (int j = 0; j < 10000 && __atomic_load_n(&own.over, __ATOMIC_SEQ_CST) == 0; ++j)
            nanosleep(&moment, NULL);
        assert_int_equal(__atomic_load_n(&own.over, __ATOMIC_SEQ_CST), 1);
    }
}

/* The child has none of the threads, and may have their locks as they were held. */
static void works_in_a_forked_child(void **state) {
    (void)state;
    int let_go = 0;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, stuck, &let_go, NULL);
    hwa_event_t *event = launch(queue, program);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        hwa_queue_t *own = open_queue(0);
        work_on(own);
        hwa_queue_free(own);
        _exit(17);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 17);
    __atomic_store_n(&let_go, 1, __ATOMIC_SEQ_CST);
    CHECK(hwa_event_wait(event, 10 * second_ns, error));
    hwa_event_free(event);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

int main(int argc, char **argv) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    hwa_system_t *system = NULL;
    if (hwa_detect(&options, &system, NULL) != HWA_OK)
        return 1;
    cpu = hwa_system_find_device(system, "cpu-0");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues_share_a_pool),
        cmocka_unit_test(holds_its_own_queue_only),
        cmocka_unit_test(a_kernel_may_close_its_queue),
    };
    /* ThreadSanitizer cannot start threads in a child of many. */
    const struct CMUnitTest forking[] = {cmocka_unit_test(works_in_a_forked_child)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (argc < 2 || strcmp(argv[1], "thread") != 0)
        failed += cmocka_run_group_tests(forking, NULL, NULL);
    hwa_system_free(system);
    return failed;
}
