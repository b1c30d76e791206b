/* SPDX-License-Identifier: MIT */
/* hwa_event_fd: in poll and epoll, for work that is over, that fails, that nobody else knows of. */
#include "suite.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PATIENCE_MS 5000

static int32_t descriptor_of(const hwa_event_t *event) {
    int32_t fd = -2;
    CHECK(hwa_event_fd(event, &fd, error));
    assert_true(fd >= 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    return fd;
}

static int readable(int fd, int timeout_ms) {
    struct pollfd row = {.fd = fd, .events = POLLIN};
    const int count = poll(&row, 1, timeout_ms);
    assert_true(count == 0 || row.revents == POLLIN);
    return count;
}

typedef struct counting_t {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_buffer_t *counter;
} counting_t;

static counting_t start(void) {
    const uint32_t zero = 0;
    counting_t made = {.queue = open_queue(0)};
    made.program = make_program(made.queue, KERNEL_SPIN);
    made.counter = make_buffer(made.queue, sizeof zero, &zero);
    return made;
}

static void stop(counting_t *counting) {
    hwa_buffer_free(counting->counter);
    hwa_program_free(counting->program);
    hwa_queue_free(counting->queue);
}

static void polls_readable_at_the_end(void **state) {
    (void)state;
    const uint64_t turns = turns_for(100);
    counting_t it = start();
    hwa_event_t *event = spin(it.queue, it.program, it.counter, turns);
    const int32_t fd = descriptor_of(event);
    assert_int_equal(readable(fd, 0), 0);
    REFUSED(HWA_ERROR_TIMEOUT, hwa_event_wait(event, 0, error));
    assert_int_equal(readable(fd, PATIENCE_MS), 1);
    CHECK(hwa_event_wait(event, 0, error));
    assert_int_equal(readable(fd, 0), 1); /* and stays so */
    close(fd);
    const int32_t late = descriptor_of(event);
    assert_int_equal(readable(late, PATIENCE_MS), 1);
    close(late);
    hwa_event_free(event);
    stop(&it);
}

/* The events of one queue come in order; each tells through its own descriptor. */
static void serves_an_event_loop(void **state) {
    (void)state;
    enum { count = 40 };
    counting_t it = start();
    const int loop = epoll_create1(EPOLL_CLOEXEC);
    hwa_event_t *events[count];
    int32_t fds[count];
    for (int i = 0; i < count; ++i) {
        events[i] = spin(it.queue, it.program, it.counter, turns_for(1));
        fds[i] = descriptor_of(events[i]);
        struct epoll_event wanted = {.events = EPOLLIN | EPOLLONESHOT, .data.u32 = (uint32_t)i};
        assert_int_equal(epoll_ctl(loop, EPOLL_CTL_ADD, fds[i], &wanted), 0);
    }
    for (int left = count; left > 0;) {
        struct epoll_event ready[count];
        const int got = epoll_wait(loop, ready, count, PATIENCE_MS);
        assert_true(got > 0);
        for (int i = 0; i < got; ++i)
            CHECK(hwa_event_wait(events[ready[i].data.u32], 0, error));
        left -= got;
    }
    for (int i = 0; i < count; ++i) {
        close(fds[i]);
        hwa_event_free(events[i]);
    }
    close(loop);
    assert_int_equal(read_counter(it.counter), count);
    stop(&it);
}

/* A descriptor outlives its event, and an event its descriptor; a number that is in use again is
   left alone. */
static void may_be_closed_at_any_time(void **state) {
    (void)state;
    counting_t it = start();
    hwa_event_t *event = spin(it.queue, it.program, it.counter, turns_for(20));
    const int32_t kept = descriptor_of(event);
    const int32_t closed = descriptor_of(event);
    close(closed);
    int again[2];
    /* As a rule this is the number just closed; a thread of the driver's may have been quicker. */
    assert_int_equal(pipe(again), 0);
    hwa_event_free(event);
    assert_int_equal(readable(kept, PATIENCE_MS), 1);
    CHECK(hwa_queue_finish(it.queue, HWA_FOREVER, error));
    assert_int_equal(readable(again[0], 0), 0);
    close(again[0]);
    close(again[1]);
    close(kept);

    event = spin(it.queue, it.program, it.counter, turns_for(5));
    const int32_t orphan = descriptor_of(event);
    hwa_event_free(event);
    stop(&it);
    assert_int_equal(readable(orphan, PATIENCE_MS), 1);
    close(orphan);
}

static void tells_of_failures_too(void **state) {
    (void)state;
    failing_t failing;
    if (!make_failing(&failing, 10)) {
        print_message("no kernel of this build can fail: it has no runtime for the CPU\n");
        skip();
    }
    counting_t it = start();
    CHECK(hwa_queue_wait(it.queue, failing.event, error));
    hwa_event_t *event = spin(it.queue, it.program, it.counter, 1);
    const int32_t fds[] = {descriptor_of(failing.event), descriptor_of(event)};
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(readable(fds[i], PATIENCE_MS), 1);
        close(fds[i]);
    }
    REFUSED(HWA_ERROR_DRIVER, hwa_event_wait(event, 0, error));
    hwa_event_free(event);
    free_failing(&failing);
    stop(&it);
}

static void refuses_nothing(void **state) {
    (void)state;
    counting_t it = start();
    hwa_event_t *event = spin(it.queue, it.program, it.counter, 1);
    int32_t fd = 7;
    REFUSED(HWA_ERROR_INVALID, hwa_event_fd(NULL, &fd, error));
    assert_int_equal(fd, -1);
    REFUSED(HWA_ERROR_INVALID, hwa_event_fd(event, NULL, error));
    hwa_event_free(event);
    stop(&it);
}

static const struct CMUnitTest descriptors_tests[] = {
    cmocka_unit_test(polls_readable_at_the_end), cmocka_unit_test(serves_an_event_loop),
    cmocka_unit_test(may_be_closed_at_any_time), cmocka_unit_test(tells_of_failures_too),
    cmocka_unit_test(refuses_nothing),
};
GROUP(descriptors);
