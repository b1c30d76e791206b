/* SPDX-License-Identifier: MIT */
/* Many launches in one call, all or none; and recorded, to be replayed. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Queue, kernels and the counter they count on. */
typedef struct bench_t {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_buffer_t *counter;
} bench_t;

static bench_t set_up(void) {
    const uint32_t zero = 0;
    bench_t made = {.queue = open_queue(0)};
    made.program = make_program(made.queue, KERNEL_SPIN);
    made.counter = make_buffer(made.queue, sizeof zero, &zero);
    return made;
}

static void tear_down(bench_t *bench) {
    hwa_buffer_free(bench->counter);
    hwa_program_free(bench->program);
    hwa_queue_free(bench->queue);
}

/* The arguments of one launch of KERNEL_SPIN. */
typedef struct turn_t {
    uint64_t turns;
    hwa_arg_t args[2];
} turn_t;

static hwa_launch_item_t item_of(const bench_t *bench, turn_t *turn, uint64_t turns) {
    turn->turns = turns;
    turn->args[0] = (hwa_arg_t){.buffer = bench->counter};
    turn->args[1] = (hwa_arg_t){.data = &turn->turns, .size_bytes = sizeof turn->turns};
    return (hwa_launch_item_t){.program = bench->program, .args = turn->args, .arg_count = 2};
}

static void finish(hwa_event_t *event) {
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    hwa_event_free(event);
}

/* Each adds up what the two before it left: the result tells their order. */
static void runs_many_in_order(void **state) {
    (void)state;
    enum { count = 100 };
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    const float one = 1;
    hwa_buffer_t *cells[3];
    for (int i = 0; i < 3; ++i)
        cells[i] = make_buffer(queue, sizeof one, &one);
    const uint32_t n = 1;
    hwa_arg_t args[count][4];
    hwa_launch_item_t items[count];
    float a = 1, b = 1;
    for (int i = 0; i < count; ++i) {
        for (int j = 0; j < 3; ++j)
            args[i][j] = (hwa_arg_t){.buffer = cells[(i + j) % 3]};
        args[i][3] = (hwa_arg_t){.data = &n, .size_bytes = sizeof n};
        items[i] = (hwa_launch_item_t){.program = program, .args = args[i], .arg_count = 4};
        const float sum = a + b;
        a = b;
        b = sum;
    }
    hwa_event_t *event = NULL;
    CHECK(hwa_launch_many(queue, items, count, &event, error));
    finish(event);
    float got = 0;
    CHECK(hwa_buffer_read(cells[(count + 1) % 3], 0, &got, sizeof got, NULL, error));
    assert_true(got == b);
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(cells[i]);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

/* The event is that of the last, and order holds between batches and single launches. */
static void runs_large_batches(void **state) {
    (void)state;
    enum { count = 1000 };
    bench_t bench = set_up();
    turn_t *turns = calloc(count, sizeof *turns);
    hwa_launch_item_t *items = calloc(count, sizeof *items);
    for (int i = 0; i < count; ++i)
        items[i] = item_of(&bench, &turns[i], i == 0 ? turns_for(10) : 1);
    hwa_event_t *many = NULL;
    hwa_event_t *before = spin(bench.queue, bench.program, bench.counter, 1);
    CHECK(hwa_launch_many(bench.queue, items, count, &many, error));
    hwa_event_t *after = spin(bench.queue, bench.program, bench.counter, 1);
    memset(turns, 0, count * sizeof *turns); /* all was copied */
    free(turns);
    free(items);
    CHECK(hwa_event_wait(many, HWA_FOREVER, error));
    CHECK(hwa_event_wait(before, 0, error));
    CHECK(hwa_event_wait(after, HWA_FOREVER, error));
    assert_int_equal(read_counter(bench.counter), count + 2);
    hwa_event_free(before);
    hwa_event_free(many);
    hwa_event_free(after);
    tear_down(&bench);
}

/* One that is wrong, wherever it is, and none of them runs; the message says which. */
static void runs_all_or_none(void **state) {
    (void)state;
    enum { count = 8 };
    bench_t bench = set_up();
    turn_t turns[count];
    hwa_launch_item_t items[count];
    hwa_program_t *recorded = NULL;
    for (int i = 0; i < count; ++i)
        items[i] = item_of(&bench, &turns[i], 1);
    const int places[] = {0, 3, count - 1};
    for (int p = 0; p < 3; ++p) {
        const int place = places[p];
        char name[20];
        snprintf(name, sizeof name, "items[%d]", place);
        turns[place].args[0].offset = 4;
        for (int way = 0; way < 2; ++way) {
            hwa_error_t why = {0};
            hwa_event_t *event = (hwa_event_t *)&why;
            const hwa_status_t status =
                way == 0 ? hwa_launch_many(bench.queue, items, count, &event, &why)
                         : hwa_program_from_launches(bench.queue, items, count, &recorded, &why);
            assert_int_equal(status, HWA_ERROR_RANGE);
            assert_non_null(strstr(why.message, name));
            assert_non_null(strstr(why.message, "args[0]"));
            assert_null(recorded);
            assert_true(way == 1 || event == NULL);
        }
        turns[place].args[0].offset = 0;
    }
    CHECK(hwa_queue_finish(bench.queue, HWA_FOREVER, error));
    assert_int_equal(read_counter(bench.counter), 0);
    CHECK(hwa_launch_many(bench.queue, items, count, NULL, error));
    assert_int_equal(read_counter(bench.counter), count);
    tear_down(&bench);
}

/* Values are those of the time it was recorded; what it uses is its own to keep. */
static void replays_a_recording(void **state) {
    (void)state;
    enum { count = 10, replays = 1000 };
    bench_t bench = set_up();
    turn_t turns[count];
    hwa_launch_item_t items[count];
    for (int i = 0; i < count; ++i)
        items[i] = item_of(&bench, &turns[i], 1);
    hwa_program_t *recorded = NULL;
    CHECK(hwa_program_from_launches(bench.queue, items, count, &recorded, error));
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    assert_int_equal(hwa_program_info(recorded, &info), HWA_OK);
    assert_int_equal(info.binding_count, 0);
    assert_int_equal(read_counter(bench.counter), 0);
    for (int i = 0; i < count; ++i)
        turns[i].turns = UINT64_MAX;
    hwa_program_free(bench.program);
    bench.program = make_program(bench.queue, KERNEL_SPIN);
    hwa_event_t *event = NULL;
    for (int i = 0; i < replays; ++i) {
        hwa_event_free(event);
        CHECK(hwa_launch(bench.queue, recorded, NULL, 0, NULL, &event, error));
    }
    finish(event);
    assert_int_equal(read_counter(bench.counter), count * replays);
    finish(spin(bench.queue, bench.program, bench.counter, 1));
    assert_int_equal(read_counter(bench.counter), count * replays + 1);

    items[0].program = bench.program;
    /* In the middle of others, and on a queue that shares. */
    hwa_launch_item_t mixed[3] = {items[0], {.program = recorded}, items[0]};
    turns[0].turns = 1;
    CHECK(hwa_launch_many(bench.queue, mixed, 3, NULL, error));
    assert_int_equal(read_counter(bench.counter), count * replays + 3 + count);
    hwa_queue_t *other = open_sharing(bench.queue);
    CHECK(hwa_launch(other, recorded, NULL, 0, NULL, &event, error));
    finish(event);
    assert_int_equal(read_counter(bench.counter), count * replays + 3 + 2 * count);
    hwa_queue_free(other);

    REFUSED(HWA_ERROR_INVALID,
            hwa_launch(bench.queue, recorded, items[0].args, 2, NULL, NULL, error));
    hwa_program_t *nested = NULL;
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_launches(bench.queue, mixed, 3, &nested, error));
    hwa_program_free(recorded);
    tear_down(&bench);
}

/* It runs when the handles of its program, its queue and what it reads from are gone. */
static void keeps_what_it_recorded(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_queue_t *other = open_sharing(queue);
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    float cells[3] = {0};
    hwa_buffer_t *buffers[3];
    random_floats(cells, 2);
    for (int i = 0; i < 3; ++i)
        buffers[i] = make_buffer(queue, sizeof(float), &cells[i]);
    const uint32_t one = 1;
    const hwa_arg_t args[] = {{.buffer = buffers[0]},
                              {.buffer = buffers[1]},
                              {.buffer = buffers[2]},
                              {.data = &one, .size_bytes = sizeof one}};
    const hwa_launch_item_t item = {.program = program, .args = args, .arg_count = 4};
    hwa_program_t *recorded = NULL;
    CHECK(hwa_program_from_launches(queue, &item, 1, &recorded, error));
    hwa_program_free(program);
    hwa_buffer_free(buffers[0]);
    hwa_buffer_free(buffers[1]);
    hwa_queue_free(queue);
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(other, recorded, NULL, 0, NULL, &event, error));
    hwa_program_free(recorded);
    finish(event);
    float sum = 0;
    CHECK(hwa_buffer_read(buffers[2], 0, &sum, sizeof sum, NULL, error));
    assert_true(sum == cells[0] + cells[1]);
    hwa_buffer_free(buffers[2]);
    hwa_queue_free(other);
}

/* Two parts of which the second reads what the first wrote, at every replay. */
static void orders_the_parts_of_a_recording(void **state) {
    (void)state;
    enum { count = 4096 };
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    float *model = malloc(2 * count * sizeof(float));
    float *got = malloc(count * sizeof(float));
    hwa_buffer_t *cells[4];
    for (int i = 0; i < 4; ++i)
        cells[i] = make_buffer(queue, count * sizeof(float), NULL);
    const uint32_t n = count;
    hwa_arg_t args[2][4];
    hwa_launch_item_t items[2];
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.group[0] = 32;
    shape.grid[0] = count / 32;
    for (int i = 0; i < 2; ++i) { /* cells[2] = [0] + [1], and then [3] = [1] + [2] */
        for (int j = 0; j < 3; ++j)
            args[i][j] = (hwa_arg_t){.buffer = cells[i + j]};
        args[i][3] = (hwa_arg_t){.data = &n, .size_bytes = sizeof n};
        items[i] = (hwa_launch_item_t){program, args[i], &shape, 4};
    }
    hwa_program_t *recorded = NULL;
    CHECK(hwa_program_from_launches(queue, items, 2, &recorded, error));
    for (int round = 0; round < 20; ++round) {
        random_floats(model, 2 * count);
        for (int i = 0; i < 2; ++i)
            CHECK(hwa_buffer_write(cells[i], 0, model + i * count, count * sizeof(float), NULL,
                                   error));
        CHECK(hwa_launch(queue, recorded, NULL, 0, NULL, NULL, error));
        CHECK(hwa_buffer_read(cells[3], 0, got, count * sizeof(float), NULL, error));
        for (int i = 0; i < count; ++i)
            assert_true(got[i] == model[count + i] + (model[i] + model[count + i]));
    }
    for (int i = 0; i < 4; ++i)
        hwa_buffer_free(cells[i]);
    hwa_program_free(recorded);
    hwa_program_free(program);
    hwa_queue_free(queue);
    free(model);
    free(got);
}

static void refuses_empty_batches(void **state) {
    (void)state;
    bench_t bench = set_up();
    turn_t turn;
    hwa_launch_item_t item = item_of(&bench, &turn, 1);
    hwa_event_t *event = NULL;
    hwa_program_t *program = NULL;
    REFUSED(HWA_ERROR_INVALID, hwa_launch_many(bench.queue, &item, 0, &event, error));
    REFUSED(HWA_ERROR_INVALID, hwa_launch_many(bench.queue, NULL, 1, &event, error));
    REFUSED(HWA_ERROR_INVALID, hwa_launch_many(NULL, &item, 1, &event, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_launches(bench.queue, &item, 0, &program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_launches(bench.queue, NULL, 1, &program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_launches(NULL, &item, 1, &program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_launches(bench.queue, &item, 1, NULL, error));
    item.program = NULL;
    REFUSED(HWA_ERROR_INVALID, hwa_launch_many(bench.queue, &item, 1, &event, error));
    item.program = bench.program;
    item.args = NULL;
    REFUSED(HWA_ERROR_INVALID, hwa_launch_many(bench.queue, &item, 1, &event, error));
    item.args = turn.args;
    item.arg_count = UINT64_MAX;
    REFUSED(HWA_ERROR_INVALID, hwa_launch_many(bench.queue, &item, 1, &event, error));
    assert_null(event);
    tear_down(&bench);
}

static const struct CMUnitTest batches_tests[] = {
    cmocka_unit_test(runs_many_in_order),     cmocka_unit_test(runs_large_batches),
    cmocka_unit_test(runs_all_or_none),       cmocka_unit_test(replays_a_recording),
    cmocka_unit_test(keeps_what_it_recorded), cmocka_unit_test(orders_the_parts_of_a_recording),
    cmocka_unit_test(refuses_empty_batches),
};
GROUP(batches);
