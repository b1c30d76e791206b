/* SPDX-License-Identifier: MIT */
/* The bounds of what can be asked: no descriptors, no time and nearly endless time, memory that two
   buffers share, folders that cannot hold a cache, queues that wait for each other. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct counting_t {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_buffer_t *counter;
} counting_t;

static counting_t start_on(hwa_queue_t *queue) {
    const uint32_t zero = 0;
    counting_t made = {.queue = queue};
    made.program = make_program(queue, KERNEL_SPIN);
    made.counter = make_buffer(queue, sizeof zero, &zero);
    return made;
}

static void stop(counting_t *counting) {
    hwa_buffer_free(counting->counter);
    hwa_program_free(counting->program);
    hwa_queue_free(counting->queue);
}

/* The event is as good as before, and so is the next descriptor once there are some. */
static void tells_of_no_descriptors(void **state) {
    (void)state;
    counting_t it = start_on(open_queue(0));
    hwa_event_t *event = spin(it.queue, it.program, it.counter, 1);
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (rlim_t spare = 0; spare < 2; ++spare) { /* each descriptor has two ends */
        const int next = dup(0);
        assert_true(next > 0);
        close(next);
        const struct rlimit tight = {(rlim_t)next + spare, before.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        int32_t fd = 7;
        hwa_error_t why = {0};
        const hwa_status_t status = hwa_event_fd(event, &fd, &why);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(status, HWA_ERROR_IO);
        assert_true(why.message[0] != '\0');
        assert_int_equal(fd, -1);
        const int after = dup(0); /* nothing was left open */
        assert_int_equal(after, next);
        close(after);
    }
    int32_t fd = -1;
    CHECK(hwa_event_fd(event, &fd, error));
    close(fd);
    hwa_event_free(event);
    stop(&it);
}

/* No time at all, and so much that an end in nanoseconds could wrap around. */
static void takes_any_timeout(void **state) {
    (void)state;
    static const uint64_t huge[] = {UINT64_MAX - 1, (uint64_t)INT64_MAX + 1, INT64_MAX};
    for (size_t i = 0; i < sizeof huge / sizeof *huge; ++i) {
        const target_t here = {the_device, the_runtime, ""};
        counting_t it = start_on(open_on(&here, huge[i]));
        hwa_event_t *event = spin(it.queue, it.program, it.counter, turns_for(15));
        REFUSED(HWA_ERROR_TIMEOUT, hwa_event_wait(event, 0, error));
        REFUSED(HWA_ERROR_TIMEOUT, hwa_queue_finish(it.queue, 0, error));
        REFUSED(HWA_ERROR_TIMEOUT, hwa_event_wait(event, 1, error));
        CHECK(hwa_event_wait(event, huge[i], error));
        hwa_event_free(event);
        event = spin(it.queue, it.program, it.counter, turns_for(15));
        CHECK(hwa_queue_finish(it.queue, huge[i], error));
        CHECK(hwa_event_wait(event, 0, error));
        hwa_event_free(event);
        event = spin(it.queue, it.program, it.counter, turns_for(15));
        assert_int_equal(read_counter(it.counter), 3); /* waits as long as its queue may */
        hwa_event_free(event);
        hwa_event_free(spin(it.queue, it.program, it.counter, turns_for(15)));
        stop(&it); /* and so does this */
    }
}

/* Two buffers on one piece of the caller's memory are one to a copy. */
static void knows_memory_lent_twice(void **state) {
    (void)state;
    enum { page = 4096, size = 2 * page };
    hwa_queue_t *queue = open_queue(0);
    char *memory = NULL;
    assert_int_equal(posix_memalign((void **)&memory, 65536, 65536), 0);
    memset(memory, 1, size);
    hwa_buffer_t *buffers[2] = {NULL, NULL};
    for (int i = 0; i < 2; ++i) {
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        desc.size_bytes = size;
        desc.host = memory;
        hwa_error_t why = {0};
        const hwa_status_t status = hwa_buffer_create(queue, &desc, &buffers[i], &why);
        if (status != HWA_OK)
            print_message("memory in place: %s\n", why.message);
        assert_true(status == HWA_OK || status == HWA_ERROR_UNSUPPORTED);
    }
    if (buffers[0] != NULL && buffers[1] != NULL) {
        REFUSED(HWA_ERROR_INVALID, hwa_buffer_copy(buffers[0], 0, buffers[1], 0, 1, NULL, error));
        REFUSED(HWA_ERROR_INVALID,
                hwa_buffer_copy(buffers[0], 1, buffers[1], 0, page, NULL, error));
        CHECK(hwa_buffer_copy(buffers[0], 0, buffers[1], page, page, NULL, error));
        CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    }
    hwa_buffer_free(buffers[0]);
    hwa_buffer_free(buffers[1]);
    hwa_queue_free(queue);
    free(memory);
}

static hwa_status_t open_with_cache(const char *folder, hwa_error_t *why) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = the_runtime;
    options.cache_dir = folder;
    hwa_queue_t *queue = NULL;
    const hwa_status_t status = hwa_queue_open(the_device, &options, &queue, why);
    assert_true((status == HWA_OK) == (queue != NULL));
    hwa_queue_free(queue);
    return status;
}

/* A folder that was named is made or refused; one that was not is done without. */
static void makes_or_refuses_its_cache(void **state) {
    (void)state;
    char root[] = "/tmp/hwa-bounds-XXXXXX";
    char path[64];
    hwa_error_t why = {0};
    struct stat found;
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof path, "%s/cache", root);
    assert_int_equal(open_with_cache(path, &why), HWA_OK);
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    assert_int_equal(rmdir(path), 0); /* and nothing in it */

    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(open_with_cache(path, &why), HWA_ERROR_DENIED);
    assert_non_null(strstr(why.message, path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0777), 0); /* anybody may write there */
    assert_int_equal(open_with_cache(path, &why), HWA_ERROR_DENIED);
    assert_non_null(strstr(why.message, path));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(open_with_cache("", &why), HWA_OK);
    assert_int_equal(open_with_cache("/proc/nowhere/cache", &why), HWA_ERROR_IO);

    char *home = getenv("HOME") == NULL ? NULL : strdup(getenv("HOME"));
    char *xdg = getenv("XDG_CACHE_HOME") == NULL ? NULL : strdup(getenv("XDG_CACHE_HOME"));
    unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    const hwa_status_t homeless = open_with_cache(NULL, &why);
    setenv("XDG_CACHE_HOME", "/proc/nowhere", 1);
    const hwa_status_t unusable = open_with_cache(NULL, &why);
    setenv("XDG_CACHE_HOME", root, 1);
    const hwa_status_t usable = open_with_cache(NULL, &why);
    unsetenv("XDG_CACHE_HOME");
    if (home != NULL)
        setenv("HOME", home, 1);
    if (xdg != NULL)
        setenv("XDG_CACHE_HOME", xdg, 1);
    free(home);
    free(xdg);
    assert_int_equal(homeless, HWA_OK);
    assert_int_equal(unusable, HWA_OK);
    assert_int_equal(usable, HWA_OK);
    snprintf(path, sizeof path, "%s/hwa", root);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(root), 0);
}

/* Each waits for what the other did before, again and again; the queues go with waits pending. */
static void pair_waits_both_ways(const pair_t *pair) {
    enum { rounds = 8 };
    counting_t sides[2] = {start_on(pair->a), start_on(pair->b)};
    hwa_event_t *events[2];
    for (int round = 0; round < rounds; ++round) {
        for (int i = 0; i < 2; ++i)
            events[i] = spin(sides[i].queue, sides[i].program, sides[i].counter,
                             round == 0 ? turns_for(3) : 1);
        for (int i = 0; i < 2; ++i) {
            CHECK(hwa_queue_wait(sides[i].queue, events[1 - i], error));
            CHECK(hwa_queue_wait(sides[i].queue, events[i], error)); /* its own: nothing */
        }
        hwa_event_free(events[0]);
        hwa_event_free(events[1]);
    }
    for (int i = 0; i < 2; ++i)
        assert_int_equal(read_counter(sides[i].counter), rounds);
    for (int i = 0; i < 2; ++i) {
        events[i] = spin(sides[i].queue, sides[i].program, sides[i].counter, turns_for(3));
        CHECK(hwa_queue_wait(sides[1 - i].queue, events[i], error));
    }
    for (int i = 0; i < 2; ++i) {
        hwa_event_free(events[i]);
        hwa_buffer_free(sides[i].counter);
        hwa_program_free(sides[i].program);
    }
}

static void waits_both_ways(void **state) {
    (void)state;
    each_pair(pair_waits_both_ways);
}

/* More arguments than the queue's limit of buffers, where it has one that a launch can reach. */
static void refuses_too_many_buffers(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    if (info.buffers == 0 || info.buffers >= 1024) {
        print_message("buffers: the queue reports a limit of %u\n", info.buffers);
        hwa_queue_free(queue);
        return;
    }
    hwa_program_t *program = make_program(queue, KERNEL_EMPTY);
    const uint32_t zero = 0;
    hwa_buffer_t *buffer = make_buffer(queue, sizeof zero, &zero);
    hwa_arg_t args[1024];
    memset(args, 0, sizeof args);
    for (uint32_t i = 0; i <= info.buffers; ++i)
        args[i].buffer = buffer;
    /* What tells how many it takes is refused for that. */
    const int told = strcmp(the_runtime, "cuda") != 0;
    REFUSED(told ? HWA_ERROR_INVALID : HWA_ERROR_UNSUPPORTED,
            hwa_launch(queue, program, args, info.buffers + 1, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static const struct CMUnitTest bounds_tests[] = {
    cmocka_unit_test(tells_of_no_descriptors),  cmocka_unit_test(takes_any_timeout),
    cmocka_unit_test(knows_memory_lent_twice),  cmocka_unit_test(makes_or_refuses_its_cache),
    cmocka_unit_test(refuses_too_many_buffers), cmocka_unit_test(waits_both_ways),
};
GROUP(bounds);
