/* SPDX-License-Identifier: MIT */
/* hwa_queue_wait: between queues that share, of one device, of two, and of two runtimes. */
#include "suite.h"

#include <string.h>

#define LONG_MS 15

/* A queue with a counter and the kernel that counts. */
typedef struct worker_t {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_buffer_t *counter;
} worker_t;

static worker_t make_worker(hwa_queue_t *queue) {
    const uint32_t zero = 0;
    worker_t made = {.queue = queue};
    made.program = make_program(queue, KERNEL_SPIN);
    made.counter = make_buffer(queue, sizeof zero, &zero);
    return made;
}

static hwa_event_t *work(const worker_t *worker, uint64_t turns) {
    return spin(worker->queue, worker->program, worker->counter, turns);
}

static void free_worker(worker_t *worker) {
    hwa_buffer_free(worker->counter);
    hwa_program_free(worker->program);
}

static void wait_for(hwa_queue_t *queue, const hwa_event_t *event) {
    CHECK(hwa_queue_wait(queue, event, error));
}

/* Short work that was told to wait is over only after the long work it waits for. */
static void pair_waits(const pair_t *pair) {
    worker_t a = make_worker(pair->a);
    worker_t b = make_worker(pair->b);
    hwa_event_t *before = work(&a, turns_for(LONG_MS));
    wait_for(pair->b, before);
    hwa_event_t *after = work(&b, 1);
    CHECK(hwa_event_wait(after, HWA_FOREVER, error));
    CHECK(hwa_event_wait(before, 0, error));
    hwa_event_free(after);

    wait_for(pair->b, before); /* it is over by now */
    hwa_event_free(before);
    after = work(&b, 1);
    CHECK(hwa_event_wait(after, HWA_FOREVER, error));
    hwa_event_free(after);
    assert_int_equal(read_counter(b.counter), 2);
    free_worker(&a);
    free_worker(&b);
}

static void waits_for_another_queue(void **state) {
    (void)state;
    turns_for(1);
    each_pair(pair_waits);
}

/* What the first queue put into host memory is what the second finds there, though the event was
   freed at once. */
static void pair_passes_data(const pair_t *pair) {
    worker_t a = make_worker(pair->a);
    worker_t b = make_worker(pair->b);
    uint32_t seen = 4711;
    CHECK(hwa_queue_finish(pair->b, HWA_FOREVER, error));
    hwa_event_free(work(&a, turns_for(LONG_MS)));
    hwa_event_t *read = NULL;
    CHECK(hwa_buffer_read(a.counter, 0, &seen, sizeof seen, &read, error));
    wait_for(pair->b, read);
    hwa_event_free(read);
    hwa_event_t *written = NULL;
    CHECK(hwa_buffer_write(b.counter, 0, &seen, sizeof seen, &written, error));
    CHECK(hwa_event_wait(written, HWA_FOREVER, error));
    hwa_event_free(written);
    assert_int_equal(seen, 1);
    assert_int_equal(read_counter(b.counter), 1);
    free_worker(&a);
    free_worker(&b);
}

static void passes_data_on(void **state) {
    (void)state;
    each_pair(pair_passes_data);
}

/* There and back again, and a long row of it. */
static void pair_takes_turns(const pair_t *pair) {
    enum { rounds = 40 };
    worker_t workers[2] = {make_worker(pair->a), make_worker(pair->b)};
    hwa_event_t *events[rounds];
    for (int i = 0; i < rounds; ++i) {
        if (i > 0)
            wait_for(workers[i % 2].queue, events[i - 1]);
        events[i] = work(&workers[i % 2], i < 2 ? turns_for(5) : 1);
    }
    for (int i = rounds; i-- > 0;) { /* the last is over, and so all are */
        CHECK(hwa_event_wait(events[i], i + 1 == rounds ? HWA_FOREVER : 0, error));
        hwa_event_free(events[i]);
    }
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(read_counter(workers[i].counter), rounds / 2);
        free_worker(&workers[i]);
    }
}

static void takes_turns(void **state) {
    (void)state;
    each_pair(pair_takes_turns);
}

/* The queue that waits is told how it failed, whether that was before or after. */
static void fails_with_what_it_waits_for(void **state) {
    (void)state;
    for (int late = 0; late < 2; ++late) {
        failing_t failing;
        if (!make_failing(&failing, 10)) {
            print_message("no kernel of this build can fail: it has no runtime for the CPU\n");
            skip();
        }
        if (late)
            REFUSED(HWA_ERROR_DRIVER, hwa_event_wait(failing.event, HWA_FOREVER, error));
        hwa_queue_t *queue = open_queue(0);
        worker_t worker = make_worker(queue);
        hwa_event_t *before = work(&worker, 1);
        wait_for(queue, failing.event);
        hwa_event_t *after = work(&worker, 1);
        CHECK(hwa_event_wait(before, HWA_FOREVER, error));
        hwa_error_t why = {0};
        assert_int_equal(hwa_event_wait(after, 5000000000, &why), HWA_ERROR_DRIVER);
        assert_int_equal(why.code, 7);
        assert_non_null(strstr(why.message, "returned 7"));
        hwa_event_t *later = work(&worker, 1);
        REFUSED(HWA_ERROR_DRIVER, hwa_event_wait(later, 5000000000, error));
        REFUSED(HWA_ERROR_DRIVER, hwa_queue_finish(queue, HWA_FOREVER, error));
        hwa_event_free(before);
        hwa_event_free(after);
        hwa_event_free(later);
        free_worker(&worker);
        hwa_queue_free(queue);
        free_failing(&failing);
    }
}

/* Either queue may go first, and nobody waits for ever. */
static void free_source_first(const target_t *from, const target_t *to) {
    hwa_queue_t *a = from == NULL ? open_queue(0) : open_on(from, 0);
    hwa_queue_t *b = to == NULL ? open_queue(0) : open_on(to, 0);
    worker_t one = make_worker(a);
    worker_t two = make_worker(b);
    hwa_event_t *before = work(&one, turns_for(LONG_MS));
    wait_for(b, before);
    hwa_event_t *after = work(&two, 1);
    hwa_event_free(before);
    free_worker(&one);
    hwa_queue_free(a);
    CHECK(hwa_event_wait(after, 30000000000u, error));
    hwa_event_free(after);
    assert_int_equal(read_counter(two.counter), 1);
    free_worker(&two);
    hwa_queue_free(b);
}

static void free_waiter_first(const target_t *from, const target_t *to) {
    hwa_queue_t *a = from == NULL ? open_queue(0) : open_on(from, 0);
    hwa_queue_t *b = to == NULL ? open_queue(0) : open_on(to, 0);
    worker_t one = make_worker(a);
    worker_t two = make_worker(b);
    hwa_event_t *before = work(&one, turns_for(LONG_MS));
    wait_for(b, before);
    hwa_event_free(work(&two, 1));
    free_worker(&two);
    hwa_queue_free(b); /* once its work is done, and so is what that waits for */
    CHECK(hwa_event_wait(before, 0, error));
    hwa_event_free(before);
    b = to == NULL ? open_queue(0) : open_on(to, 0);
    before = work(&one, turns_for(5));
    wait_for(b, before);
    hwa_queue_free(b); /* with nothing that waits */
    CHECK(hwa_event_wait(before, HWA_FOREVER, error));
    hwa_event_free(before);
    free_worker(&one);
    hwa_queue_free(a);
}

static void lets_either_queue_go_first(void **state) {
    (void)state;
    free_source_first(NULL, NULL);
    free_waiter_first(NULL, NULL);
    for (size_t i = 0; i < the_other_count; ++i) {
        free_source_first(NULL, &the_others[i]);
        free_source_first(&the_others[i], NULL);
        free_waiter_first(NULL, &the_others[i]);
        free_waiter_first(&the_others[i], NULL);
    }
}

static void ignores_its_own_events(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    worker_t worker = make_worker(queue);
    hwa_event_t *event = work(&worker, turns_for(5));
    for (int i = 0; i < 100; ++i)
        wait_for(queue, event);
    hwa_event_free(event);
    event = work(&worker, 1);
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    hwa_event_free(event);
    assert_int_equal(read_counter(worker.counter), 2);
    REFUSED(HWA_ERROR_INVALID, hwa_queue_wait(queue, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_queue_wait(NULL, NULL, error));
    free_worker(&worker);
    hwa_queue_free(queue);
}

/* Every call that blocks has a deadline, also while the queue only waits for another. */
static void keeps_deadlines_while_it_waits(void **state) {
    (void)state;
    const target_t self = {the_device, the_runtime, "it"};
    hwa_queue_t *a = open_queue(0);
    hwa_queue_t *b = open_on(&self, 2000000);
    worker_t one = make_worker(a);
    worker_t two = make_worker(b);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 64;
    desc.flags = HWA_BUFFER_HOST_VISIBLE;
    hwa_buffer_t *visible = NULL;
    CHECK(hwa_buffer_create(b, &desc, &visible, error));
    uint32_t value = 5;
    void *address = &value;
    CHECK(hwa_queue_finish(b, HWA_FOREVER, error));

    hwa_event_t *before = work(&one, turns_for(150));
    wait_for(b, before);
    REFUSED(HWA_ERROR_TIMEOUT, hwa_buffer_read(two.counter, 0, &value, 4, NULL, error));
    REFUSED(HWA_ERROR_TIMEOUT, hwa_buffer_write(two.counter, 0, &value, 4, NULL, error));
    REFUSED(HWA_ERROR_TIMEOUT, hwa_buffer_map(visible, &address, error));
    assert_null(address);
    assert_int_equal(value, 5);
    hwa_event_t *after = work(&two, 1);
    REFUSED(HWA_ERROR_TIMEOUT, hwa_event_wait(after, 0, error));
    REFUSED(HWA_ERROR_TIMEOUT, hwa_event_wait(after, 1000000, error));
    REFUSED(HWA_ERROR_TIMEOUT, hwa_queue_finish(b, 0, error));
    REFUSED(HWA_ERROR_TIMEOUT, hwa_queue_finish(b, 1000000, error));
    REFUSED(HWA_ERROR_TIMEOUT, hwa_event_wait(before, 0, error)); /* all of it was in time */
    CHECK(hwa_event_wait(after, HWA_FOREVER, error));
    hwa_event_free(before);
    hwa_event_free(after);
    assert_int_equal(read_counter(two.counter), 1);
    hwa_buffer_free(visible);
    free_worker(&one);
    free_worker(&two);
    hwa_queue_free(a);
    hwa_queue_free(b);
}

static const struct CMUnitTest waits_tests[] = {
    cmocka_unit_test(waits_for_another_queue),
    cmocka_unit_test(passes_data_on),
    cmocka_unit_test(takes_turns),
    cmocka_unit_test(fails_with_what_it_waits_for),
    cmocka_unit_test(lets_either_queue_go_first),
    cmocka_unit_test(ignores_its_own_events),
    cmocka_unit_test(keeps_deadlines_while_it_waits),
};
GROUP(waits);
