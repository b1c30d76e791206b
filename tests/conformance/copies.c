/* SPDX-License-Identifier: MIT */
/* hwa_buffer_copy: within a buffer, between queues, devices and runtimes; order and failure. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

/* More than two pieces of a copy through the host, and no multiple of anything. */
#define LARGE (((uint64_t)17 << 20) + 4099)

static hwa_event_t *copy(hwa_buffer_t *to, uint64_t to_offset, hwa_buffer_t *from,
                         uint64_t from_offset, uint64_t size_bytes) {
    hwa_event_t *event = NULL;
    CHECK(hwa_buffer_copy(to, to_offset, from, from_offset, size_bytes, &event, error));
    assert_non_null(event);
    return event;
}

static void finish(hwa_event_t *event) {
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    hwa_event_free(event);
}

static void copies_within_a_buffer(void **state) {
    (void)state;
    enum { size = 10007 };
    hwa_queue_t *queue = open_queue(0);
    unsigned char *model = malloc(size);
    unsigned char *got = malloc(size);
    random_bytes(model, size);
    hwa_buffer_t *buffer = make_buffer(queue, size, model);
    for (int round = 0; round < 100; ++round) {
        const uint64_t count = 1 + random_below(size / 2);
        const uint64_t low = random_below(size - 2 * count + 1);
        const uint64_t high = low + count + random_below(size - 2 * count - low + 1);
        const uint64_t to = round % 2 == 0 ? high : low;
        const uint64_t from = round % 2 == 0 ? low : high;
        hwa_event_free(copy(buffer, to, buffer, from, count));
        memcpy(model + to, model + from, count);
    }
    CHECK(hwa_buffer_read(buffer, 0, got, size, NULL, error));
    assert_memory_equal(got, model, size);
    hwa_buffer_free(buffer);
    hwa_queue_free(queue);
    free(model);
    free(got);
}

/* One copy of a part of a buffer; nothing around it changes. */
static void copy_once(const pair_t *pair, uint64_t size, uint64_t to, uint64_t from) {
    unsigned char *model = malloc(size + from);
    unsigned char *got = malloc(size + to + 3);
    random_bytes(model, size + from);
    memset(got, 0xee, size + to + 3);
    hwa_buffer_t *a = make_buffer(pair->a, size + from, model);
    hwa_buffer_t *b = make_buffer(pair->b, size + to + 3, got);
    finish(copy(b, to, a, from, size));
    memset(got, 0, size + to + 3);
    CHECK(hwa_buffer_read(b, 0, got, size + to + 3, NULL, error));
    for (uint64_t i = 0; i < to; ++i)
        assert_int_equal(got[i], 0xee);
    assert_true(memcmp(got + to, model + from, size) == 0);
    for (uint64_t i = to + size; i < to + size + 3; ++i)
        assert_int_equal(got[i], 0xee);
    hwa_buffer_free(a);
    hwa_buffer_free(b);
    free(model);
    free(got);
}

static void pair_copies(const pair_t *pair) {
    static const uint64_t small[] = {1, 4, 7, 4096, 65537};
    for (size_t i = 0; i < sizeof small / sizeof *small; ++i)
        copy_once(pair, small[i], random_below(9), random_below(9));
    if (!pair->shares)
        copy_once(pair, LARGE, 1, 3);
}

static void copies_between_queues(void **state) {
    (void)state;
    each_pair(pair_copies);
}

/* It sees what was queued before it on either side, and is over before what comes after it. */
static void pair_keeps_order(const pair_t *pair) {
    const uint32_t zero = 0;
    const uint32_t after = 99;
    uint32_t seen = 0;
    hwa_program_t *of_a = make_program(pair->a, KERNEL_SPIN);
    hwa_program_t *of_b = make_program(pair->b, KERNEL_SPIN);
    hwa_buffer_t *from = make_buffer(pair->a, sizeof zero, &zero);
    hwa_buffer_t *to = make_buffer(pair->b, sizeof zero, &zero);
    hwa_event_free(spin(pair->a, of_a, from, turns_for(10)));
    hwa_event_free(spin(pair->a, of_a, from, 1));
    hwa_event_free(spin(pair->b, of_b, to, turns_for(20)));
    hwa_event_free(copy(to, 0, from, 0, sizeof zero));
    hwa_event_t *events[2] = {NULL, NULL};
    CHECK(hwa_buffer_write(from, 0, &after, sizeof after, &events[0], error));
    CHECK(hwa_buffer_read(to, 0, &seen, sizeof seen, &events[1], error));
    finish(events[0]);
    finish(events[1]);
    assert_int_equal(seen, 2);
    assert_int_equal(read_counter(from), after);
    hwa_buffer_free(from);
    hwa_buffer_free(to);
    hwa_program_free(of_a);
    hwa_program_free(of_b);
}

static void keeps_the_order_of_both(void **state) {
    (void)state;
    each_pair(pair_keeps_order);
}

/* A queue that has only been told to wait makes a copy from it wait as well. */
static void pair_passes_waits_on(const pair_t *pair) {
    const uint32_t zero = 0;
    hwa_queue_t *source = open_queue(0);
    hwa_program_t *program = make_program(source, KERNEL_SPIN);
    hwa_buffer_t *counter = make_buffer(source, sizeof zero, &zero);
    hwa_buffer_t *from = make_buffer(pair->a, sizeof zero, &zero);
    hwa_buffer_t *to = make_buffer(pair->b, sizeof zero, &zero);
    hwa_event_t *before = spin(source, program, counter, turns_for(15));
    CHECK(hwa_queue_wait(pair->a, before, error));
    finish(copy(to, 0, from, 0, sizeof zero));
    CHECK(hwa_event_wait(before, 0, error));
    hwa_event_free(before);
    hwa_buffer_free(from);
    hwa_buffer_free(to);
    hwa_buffer_free(counter);
    hwa_program_free(program);
    hwa_queue_free(source);
}

static void waits_for_what_its_source_waits_for(void **state) {
    (void)state;
    each_pair(pair_passes_waits_on);
}

/* Handles go while the copy is under way; whoever waits for its event finds it done. */
static void pair_frees_early(const pair_t *pair) {
    const uint64_t size = 100003;
    unsigned char *model = malloc(size);
    unsigned char *got = calloc(size, 1);
    random_bytes(model, size);
    const uint32_t zero = 0;
    hwa_program_t *program = make_program(pair->a, KERNEL_SPIN);
    hwa_buffer_t *counter = make_buffer(pair->a, sizeof zero, &zero);
    hwa_buffer_t *from = make_buffer(pair->a, size, model);
    hwa_buffer_t *to = make_buffer(pair->b, size, NULL);
    hwa_event_free(spin(pair->a, program, counter, turns_for(5)));
    hwa_event_free(copy(to, 0, from, 0, size));
    hwa_buffer_free(from);
    hwa_buffer_free(counter);
    hwa_program_free(program);
    CHECK(hwa_buffer_read(to, 0, got, size, NULL, error));
    assert_true(memcmp(got, model, size) == 0);
    hwa_buffer_free(to);
    free(model);
    free(got);
}

static void holds_what_it_copies(void **state) {
    (void)state;
    each_pair(pair_frees_early);
}

static void tells_of_the_failure_of_either_side(void **state) {
    (void)state;
    failing_t failing;
    for (int side = 0; side < 2; ++side) {
        if (!make_failing(&failing, 10)) {
            print_message("no kernel of this build can fail: it has no runtime for the CPU\n");
            skip();
        }
        hwa_queue_t *queue = open_queue(0);
        const uint32_t value = 5;
        hwa_buffer_t *mine = make_buffer(queue, sizeof value, &value);
        hwa_event_t *event = side == 0 ? copy(mine, 0, failing.buffer, 0, sizeof value)
                                       : copy(failing.buffer, 0, mine, 0, sizeof value);
        hwa_error_t why = {0};
        assert_int_equal(hwa_event_wait(event, 5000000000, &why), HWA_ERROR_DRIVER);
        assert_non_null(strstr(why.message, "returned 7"));
        hwa_event_free(event);
        hwa_buffer_free(mine);
        hwa_queue_free(queue);
        free_failing(&failing);
    }
}

static void refuses_wrong_ranges(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_t *a = make_buffer(queue, 100, NULL);
    hwa_buffer_t *b = make_buffer(queue, 60, NULL);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 100;
    desc.flags = HWA_BUFFER_READ_ONLY;
    hwa_buffer_t *fixed = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &fixed, error));
    const struct {
        hwa_status_t status;
        hwa_buffer_t *to;
        uint64_t to_offset;
        hwa_buffer_t *from;
        uint64_t from_offset;
        uint64_t size_bytes;
    } rows[] = {
        {HWA_ERROR_INVALID, NULL, 0, a, 0, 1},     {HWA_ERROR_INVALID, a, 0, NULL, 0, 1},
        {HWA_ERROR_INVALID, a, 0, b, 0, 0},        {HWA_ERROR_RANGE, b, 0, a, 0, 61},
        {HWA_ERROR_RANGE, a, 0, b, 0, 61},         {HWA_ERROR_RANGE, b, 60, a, 0, 1},
        {HWA_ERROR_RANGE, a, 0, b, 60, 1},         {HWA_ERROR_RANGE, a, UINT64_MAX, b, 0, 2},
        {HWA_ERROR_RANGE, a, 0, b, 1, UINT64_MAX}, {HWA_ERROR_INVALID, a, 0, a, 0, 100},
        {HWA_ERROR_INVALID, a, 0, a, 9, 10},       {HWA_ERROR_INVALID, a, 9, a, 0, 10},
        {HWA_ERROR_INVALID, fixed, 0, a, 0, 10},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        hwa_event_t *event = (hwa_event_t *)queue;
        print_message("  row %zu\n", i);
        REFUSED(rows[i].status,
                hwa_buffer_copy(rows[i].to, rows[i].to_offset, rows[i].from, rows[i].from_offset,
                                rows[i].size_bytes, &event, error));
        assert_null(event);
    }
    hwa_event_free(copy(a, 10, a, 0, 10)); /* side by side */
    hwa_event_free(copy(a, 0, fixed, 0, 100));
    CHECK(hwa_buffer_copy(b, 0, a, 0, 60, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    hwa_buffer_free(a);
    hwa_buffer_free(b);
    hwa_buffer_free(fixed);
    hwa_queue_free(queue);
}

static const struct CMUnitTest copies_tests[] = {
    cmocka_unit_test(copies_within_a_buffer),
    cmocka_unit_test(copies_between_queues),
    cmocka_unit_test(keeps_the_order_of_both),
    cmocka_unit_test(waits_for_what_its_source_waits_for),
    cmocka_unit_test(holds_what_it_copies),
    cmocka_unit_test(tells_of_the_failure_of_either_side),
    cmocka_unit_test(refuses_wrong_ranges),
};
GROUP(copies);
