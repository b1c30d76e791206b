/* SPDX-License-Identifier: MIT */
/* Buffers: ranges, memory of the host in place, handles of the runtime, release hooks. */
#include "suite.h"

#include <stdlib.h>
#include <string.h>

#define SIZE 10007

static void copies_ranges(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    unsigned char *model = malloc(SIZE);
    unsigned char *got = malloc(SIZE);
    for (size_t i = 0; i < SIZE; ++i)
        model[i] = (unsigned char)(i * 7 + 3);
    hwa_buffer_t *buffer = make_buffer(queue, SIZE, model);
    for (int round = 0; round < 50; ++round) {
        const size_t at = (size_t)((random_number() + 1) / 2 * SIZE) % SIZE;
        const size_t count = 1 + (size_t)((random_number() + 1) / 2 * (double)(SIZE - at - 1));
        for (size_t i = 0; i < count; ++i)
            model[at + i] = (unsigned char)(round + (int)i);
        CHECK(hwa_buffer_write(buffer, at, model + at, count, NULL, error));
        memset(got, 0xee, SIZE);
        CHECK(hwa_buffer_read(buffer, at / 2, got, SIZE - at / 2, NULL, error));
        assert_memory_equal(got, model + at / 2, SIZE - at / 2);
    }
    hwa_buffer_free(buffer);
    hwa_queue_free(queue);
    free(model);
    free(got);
}

/* Queued copies keep the order of the queue: read, write and read again see three states. */
static void copies_in_order(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    const uint64_t one = 1;
    const uint64_t two = 2;
    uint64_t seen[2] = {0, 0};
    hwa_buffer_t *buffer = make_buffer(queue, sizeof one, &one);
    hwa_event_t *events[3] = {NULL, NULL, NULL};
    CHECK(hwa_buffer_read(buffer, 0, &seen[0], sizeof one, &events[0], error));
    CHECK(hwa_buffer_write(buffer, 0, &two, sizeof two, &events[1], error));
    CHECK(hwa_buffer_read(buffer, 0, &seen[1], sizeof one, &events[2], error));
    CHECK(hwa_event_wait(events[2], HWA_FOREVER, error));
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 2);
    for (int i = 0; i < 3; ++i) {
        CHECK(hwa_event_wait(events[i], 0, error));
        hwa_event_free(events[i]);
    }
    hwa_buffer_free(buffer);
    hwa_queue_free(queue);
}

static void uses_host_memory_in_place(void **state) {
    (void)state;
    enum { count = 4096 };
    hwa_queue_t *queue = open_queue(0);
    float *memory = aligned_alloc(4096, count * sizeof(float));
    float *plain = malloc(count * sizeof(float));
    random_floats(memory, count);
    memcpy(plain, memory, count * sizeof(float));
    int released = 0;
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = count * sizeof(float);
    desc.host = memory;
    desc.release = count_release;
    desc.release_user = &released;
    hwa_buffer_t *buffer = NULL;
    hwa_error_t why = {0};
    if (hwa_buffer_create(queue, &desc, &buffer, &why) == HWA_ERROR_UNSUPPORTED) {
        assert_int_equal(released, 1);
        print_message("host memory in place: %s\n", why.message);
        hwa_queue_free(queue);
        free(memory);
        free(plain);
        skip();
    }
    hwa_program_t *program = make_program(queue, KERNEL_ADD);
    const uint32_t n = count;
    const hwa_arg_t args[] = {{.buffer = buffer},
                              {.buffer = buffer},
                              {.buffer = buffer},
                              {.data = &n, .size_bytes = sizeof n}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = count / 32;
    shape.group[0] = 32;
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(queue, program, args, 4, &shape, &event, error));
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    for (size_t i = 0; i < count; ++i)
        assert_true(memory[i] == plain[i] + plain[i]);
    hwa_event_free(event);
    assert_int_equal(released, 0);
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
    assert_int_equal(released, 1);
    free(memory);
    free(plain);
}

static void takes_a_native_handle(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    const uint32_t value = 77;
    uint32_t got = 0;
    hwa_buffer_t *first = make_buffer(queue, sizeof value, &value);
    int released = 0;
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof value;
    desc.native = hwa_buffer_native(first);
    desc.release = count_release;
    desc.release_user = &released;
    assert_true(desc.native != 0);
    hwa_buffer_t *second = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &second, error));
    CHECK(hwa_buffer_read(second, 0, &got, sizeof got, NULL, error));
    assert_int_equal(got, 77);
    assert_true(hwa_buffer_native(second) == desc.native);
    hwa_buffer_free(second);
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    assert_int_equal(released, 1);
    hwa_buffer_free(first);
    hwa_queue_free(queue);
}

/* Freed while a kernel uses it: the hook runs once, and after the kernel. */
static void releases_after_the_work(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_SPIN);
    uint32_t *counter = aligned_alloc(4096, 4096);
    counter[0] = 0;
    int released = 0;
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 4096;
    desc.host = counter;
    desc.release = count_release;
    desc.release_user = &released;
    hwa_buffer_t *buffer = NULL;
    hwa_error_t why = {0};
    if (hwa_buffer_create(queue, &desc, &buffer, &why) == HWA_ERROR_UNSUPPORTED) {
        print_message("host memory in place: %s\n", why.message);
        hwa_program_free(program);
        hwa_queue_free(queue);
        free(counter);
        skip();
    }
    hwa_event_t *event = spin(queue, program, buffer, turns_for(200));
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_SEQ_CST), 0);
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_SEQ_CST), 1);
    assert_int_equal(counter[0], 1);
    hwa_event_free(event);
    hwa_queue_free(queue);
    assert_int_equal(released, 1);
    free(counter);
}

static void refuses_what_is_not_there(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_t *buffer = make_buffer(queue, 100, NULL);
    char bytes[200] = {0};
    hwa_event_t *event = (hwa_event_t *)bytes;
    REFUSED(HWA_ERROR_RANGE, hwa_buffer_write(buffer, 0, bytes, 101, &event, error));
    assert_null(event);
    REFUSED(HWA_ERROR_RANGE, hwa_buffer_write(buffer, 100, bytes, 1, NULL, error));
    REFUSED(HWA_ERROR_RANGE, hwa_buffer_read(buffer, UINT64_MAX, bytes, 2, NULL, error));
    REFUSED(HWA_ERROR_RANGE, hwa_buffer_read(buffer, 1, bytes, UINT64_MAX, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_read(buffer, 0, bytes, 0, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_read(buffer, 0, NULL, 1, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_read(NULL, 0, bytes, 1, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_write(NULL, 0, bytes, 1, NULL, error));

    int released = 0;
    hwa_buffer_t *none = buffer;
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.release = count_release;
    desc.release_user = &released;
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_create(queue, &desc, &none, error));
    assert_null(none);
    desc.size_bytes = UINT64_MAX;
    assert_int_not_equal(hwa_buffer_create(queue, &desc, &none, NULL), HWA_OK);
    desc.size_bytes = (uint64_t)1 << 60;
    assert_int_not_equal(hwa_buffer_create(queue, &desc, &none, NULL), HWA_OK);
    desc.size_bytes = 64;
    desc.host = bytes;
    desc.native = 1;
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_create(queue, &desc, &none, error));
    desc.native = 0;
    desc.flags = 1u << 20;
    REFUSED(HWA_ERROR_UNSUPPORTED, hwa_buffer_create(queue, &desc, &none, error));
    desc.struct_size = 0;
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_create(queue, &desc, &none, error));
    /* A hook runs whatever becomes of the call, unless its struct could not be read. */
    assert_int_equal(released, 5);
    hwa_buffer_free(buffer);
    hwa_queue_free(queue);
}

static const struct CMUnitTest buffers_tests[] = {
    cmocka_unit_test(copies_ranges),
    cmocka_unit_test(copies_in_order),
    cmocka_unit_test(uses_host_memory_in_place),
    cmocka_unit_test(takes_a_native_handle),
    cmocka_unit_test(releases_after_the_work),
    cmocka_unit_test(refuses_what_is_not_there),
};
GROUP(buffers);
