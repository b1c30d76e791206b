/* SPDX-License-Identifier: MIT */
/* hwa_buffer_map: what the host writes the device sees and the other way, and who may when. */
#include "suite.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static hwa_buffer_t *make_visible(hwa_queue_t *queue, uint64_t size_bytes) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = size_bytes;
    desc.flags = HWA_BUFFER_HOST_VISIBLE;
    hwa_buffer_t *buffer = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &buffer, error));
    return buffer;
}

static void *map(hwa_buffer_t *buffer) {
    void *address = NULL;
    CHECK(hwa_buffer_map(buffer, &address, error));
    assert_non_null(address);
    return address;
}

static void unmap(hwa_buffer_t *buffer) {
    CHECK(hwa_buffer_unmap(buffer, error));
}

static void launch_add(hwa_queue_t *queue, const hwa_program_t *program, hwa_buffer_t *const *of,
                       uint32_t count) {
    const hwa_arg_t args[] = {{.buffer = of[0]},
                              {.buffer = of[1]},
                              {.buffer = of[2]},
                              {.data = &count, .size_bytes = sizeof count}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.group[0] = 32;
    shape.grid[0] = (count + 31) / 32;
    CHECK(hwa_launch(queue, program, args, 4, &shape, NULL, error));
}

static void shows_both_sides_the_same(void **state) {
    (void)state;
    enum { count = 10007 };
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    hwa_buffer_t *buffers[3];
    float *model = malloc(2 * count * sizeof(float));
    for (int i = 0; i < 3; ++i)
        buffers[i] = make_visible(queue, count * sizeof(float));
    for (int round = 0; round < 5; ++round) {
        random_floats(model, 2 * count);
        for (int i = 0; i < 2; ++i) {
            memcpy(map(buffers[i]), model + i * count, count * sizeof(float));
            unmap(buffers[i]);
        }
        launch_add(queue, program, buffers, count);
        const float *sums = map(buffers[2]); /* waits for the kernel */
        for (int i = 0; i < count; ++i)
            assert_true(fabs((double)sums[i] - ((double)model[i] + (double)model[count + i])) <=
                        1.2e-7);
        unmap(buffers[2]);
    }
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(buffers[i]);
    hwa_program_free(program);
    hwa_queue_free(queue);
    free(model);
}

/* Copies see what was written through the address, and the address what was copied. */
static void agrees_with_copies(void **state) {
    (void)state;
    enum { size = 5003 };
    hwa_queue_t *queue = open_queue(0);
    unsigned char model[size], got[size];
    hwa_buffer_t *visible = make_visible(queue, size);
    hwa_buffer_t *other = make_buffer(queue, size, NULL);
    random_bytes(model, size);
    memcpy(map(visible), model, size);
    unmap(visible);
    CHECK(hwa_buffer_copy(other, 0, visible, 0, size, NULL, error));
    CHECK(hwa_buffer_read(other, 0, got, size, NULL, error));
    assert_memory_equal(got, model, size);
    CHECK(hwa_buffer_read(visible, 0, got, size, NULL, error));
    assert_memory_equal(got, model, size);
    random_bytes(model, size);
    CHECK(hwa_buffer_write(other, 0, model, size, NULL, error));
    hwa_event_t *event = NULL;
    CHECK(hwa_buffer_copy(visible, 0, other, 0, size, &event, error));
    assert_memory_equal(map(visible), model, size);
    CHECK(hwa_event_wait(event, 0, error)); /* map waited for it */
    unmap(visible);
    hwa_event_free(event);
    hwa_buffer_free(visible);
    hwa_buffer_free(other);
    hwa_queue_free(queue);
}

static void refuses_work_while_mapped(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_t *visible = make_visible(queue, 64);
    const uint32_t zero = 0;
    hwa_buffer_t *plain = make_buffer(queue, sizeof zero, &zero);
    hwa_program_t *program = make_program(queue, KERNEL_SPIN);
    void *address = &address;
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_map(plain, &address, error)); /* not host visible */
    assert_null(address);
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_map(NULL, &address, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_map(visible, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_unmap(visible, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_unmap(NULL, error));
    uint32_t *const words = map(visible);
    words[0] = 41;
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_map(visible, &address, error)); /* twice */
    uint32_t value = 9;
    const uint64_t turns = 1;
    const hwa_arg_t args[] = {{.buffer = visible}, {.data = &turns, .size_bytes = sizeof turns}};
    const hwa_launch_item_t item = {.program = program, .args = args, .arg_count = 2};
    hwa_program_t *recorded = NULL;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_launch_many(queue, &item, 1, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_launches(queue, &item, 1, &recorded, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_write(visible, 0, &value, 4, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_read(visible, 0, &value, 4, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_copy(visible, 0, plain, 0, 4, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_copy(plain, 0, visible, 0, 4, NULL, error));
    assert_int_equal(words[0], 41);
    unmap(visible);
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_unmap(visible, error)); /* twice */
    CHECK(hwa_launch(queue, program, args, 2, NULL, NULL, error));
    assert_int_equal(read_counter(visible), 42);
    assert_int_equal(read_counter(plain), 0);
    hwa_buffer_free(visible);
    hwa_buffer_free(plain);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

/* A recording was checked when it was made, its buffers may have been mapped since. */
static void refuses_recordings_of_it_too(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_t *visible = make_visible(queue, 64);
    hwa_program_t *program = make_program(queue, KERNEL_SPIN);
    memset(map(visible), 0, 64);
    unmap(visible);
    const uint64_t turns = 1;
    const hwa_arg_t args[] = {{.buffer = visible}, {.data = &turns, .size_bytes = sizeof turns}};
    const hwa_launch_item_t item = {.program = program, .args = args, .arg_count = 2};
    hwa_program_t *recorded = NULL;
    CHECK(hwa_program_from_launches(queue, &item, 1, &recorded, error));
    map(visible);
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, recorded, NULL, 0, NULL, NULL, error));
    unmap(visible);
    CHECK(hwa_launch(queue, recorded, NULL, 0, NULL, NULL, error));
    assert_int_equal(read_counter(visible), 1);
    map(visible);
    hwa_buffer_free(visible);
    CHECK(hwa_launch(queue, recorded, NULL, 0, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    hwa_program_free(recorded);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void *free_it(void *buffer) {
    hwa_buffer_free(buffer);
    return NULL;
}

/* By any thread, with the queue at work, as its last member or not. */
static void frees_what_is_mapped(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    const uint32_t zero = 0;
    hwa_program_t *program = make_program(queue, KERNEL_SPIN);
    hwa_buffer_t *counter = make_buffer(queue, sizeof zero, &zero);
    for (int i = 0; i < 20; ++i) {
        hwa_buffer_t *visible = make_visible(queue, 4096);
        memset(map(visible), i, 4096);
        hwa_event_t *event = spin(queue, program, counter, 100);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, free_it, visible), 0);
        hwa_event_t *later = spin(queue, program, counter, 100);
        CHECK(hwa_event_wait(later, HWA_FOREVER, error));
        pthread_join(thread, NULL);
        hwa_event_free(event);
        hwa_event_free(later);
    }
    assert_int_equal(read_counter(counter), 40);
    hwa_buffer_t *last = make_visible(queue, 4096);
    memset(map(last), 1, 4096);
    hwa_buffer_free(counter);
    hwa_program_free(program);
    hwa_queue_free(queue);
    hwa_buffer_free(last);
}

static const struct CMUnitTest maps_tests[] = {
    cmocka_unit_test(shows_both_sides_the_same), cmocka_unit_test(agrees_with_copies),
    cmocka_unit_test(refuses_work_while_mapped), cmocka_unit_test(refuses_recordings_of_it_too),
    cmocka_unit_test(frees_what_is_mapped),
};
GROUP(maps);
