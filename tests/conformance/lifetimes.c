/* SPDX-License-Identifier: MIT */
/* Lifetimes: objects freed in every order, with work under way, from other threads; hooks. */
#include "suite.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct family_t {
    hwa_queue_t *queue;
    hwa_buffer_t *buffer;
    hwa_program_t *program;
    hwa_event_t *event;
} family_t;

static family_t make_family(uint64_t turns) {
    family_t made;
    const uint32_t zero = 0;
    made.queue = open_queue(0);
    made.program = make_program(made.queue, KERNEL_SPIN);
    made.buffer = make_buffer(made.queue, sizeof zero, &zero);
    made.event = spin(made.queue, made.program, made.buffer, turns);
    return made;
}

static void free_one(family_t *family, int which) {
    switch (which) {
    case 0:
        hwa_queue_free(family->queue);
        break;
    case 1:
        hwa_buffer_free(family->buffer);
        break;
    case 2:
        hwa_program_free(family->program);
        break;
    default:
        hwa_event_free(family->event);
    }
}

static void frees_in_every_order(void **state) {
    (void)state;
    for (int order = 0; order < 24; ++order) {
        int left[] = {0, 1, 2, 3};
        int code = order;
        family_t family = make_family(100000);
        for (int count = 4; count > 0; --count) {
            const int pick = code % count;
            code /= count;
            free_one(&family, left[pick]);
            for (int i = pick; i + 1 < count; ++i)
                left[i] = left[i + 1];
        }
    }
}

/* Children keep what they were made from: all of them still work without the queue's handle. */
static void outlives_the_queue(void **state) {
    (void)state;
    family_t family = make_family(turns_for(20));
    hwa_queue_free(family.queue);
    uint32_t value = 0;
    CHECK(hwa_buffer_read(family.buffer, 0, &value, sizeof value, NULL, error));
    assert_int_equal(value, 1);
    CHECK(hwa_event_wait(family.event, 0, error));
    hwa_event_free(family.event);
    hwa_program_free(family.program);
    hwa_buffer_free(family.buffer);
}

typedef struct worker_t {
    hwa_buffer_t *buffers[64];
} worker_t;

static void *free_them(void *worker) {
    for (int i = 0; i < 64; ++i)
        hwa_buffer_free(((worker_t *)worker)->buffers[i]);
    return NULL;
}

/* What a garbage collector does: frees siblings while the queue is in use. */
static void frees_while_siblings_run(void **state) {
    (void)state;
    family_t family = make_family(1000);
    for (int round = 0; round < 5; ++round) {
        worker_t worker;
        hwa_event_t *events[64];
        for (int i = 0; i < 64; ++i) {
            const uint32_t zero = 0;
            worker.buffers[i] = make_buffer(family.queue, sizeof zero, &zero);
            events[i] = spin(family.queue, family.program, worker.buffers[i], 1000);
        }
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, free_them, &worker), 0);
        for (int i = 0; i < 64; ++i) {
            hwa_event_t *event = spin(family.queue, family.program, family.buffer, 1000);
            CHECK(hwa_event_wait(event, HWA_FOREVER, error));
            hwa_event_free(event);
            hwa_event_free(events[i]);
        }
        pthread_join(thread, NULL);
    }
    for (int i = 0; i < 4; ++i)
        free_one(&family, i);
}

static void *use_a_queue(void *unused) {
    (void)unused;
    family_t family = make_family(1000);
    for (int i = 0; i < 20; ++i) {
        hwa_event_t *event = spin(family.queue, family.program, family.buffer, 1000);
        if (hwa_event_wait(event, HWA_FOREVER, NULL) != HWA_OK)
            abort();
        hwa_event_free(event);
    }
    uint32_t value = 0;
    if (hwa_buffer_read(family.buffer, 0, &value, sizeof value, NULL, NULL) != HWA_OK ||
        value != 21)
        abort();
    for (int i = 0; i < 4; ++i)
        free_one(&family, i);
    return NULL;
}

static void serves_many_threads(void **state) {
    (void)state;
    pthread_t threads[32];
    for (int i = 0; i < 32; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, use_a_queue, NULL), 0);
    for (int i = 0; i < 32; ++i)
        pthread_join(threads[i], NULL);
}

/* The threads that run groups may still be starting when their queue goes. */
static void frees_while_threads_start(void **state) {
    (void)state;
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = 64;
    for (int i = 0; i < 20; ++i) {
        hwa_queue_t *queue = open_queue(0);
        hwa_program_t *program = make_program(queue, KERNEL_EMPTY);
        CHECK(hwa_launch(queue, program, NULL, 0, &shape, NULL, error));
        hwa_program_free(program);
        hwa_queue_free(queue);
    }
}

typedef struct sharer_t {
    hwa_queue_t *queue;
    const hwa_program_t *program;
    hwa_buffer_t *counter;
} sharer_t;

static void *launch_often(void *user) {
    const sharer_t *mine = user;
    for (int i = 0; i < 20000; ++i)
        hwa_event_free(spin(mine->queue, mine->program, mine->counter, 1));
    return NULL;
}

/* Two queues that share run one program from two threads, each with arguments of its own. */
static void shares_programs_between_threads(void **state) {
    (void)state;
    hwa_queue_t *first = open_queue(0);
    hwa_program_t *program = make_program(first, KERNEL_SPIN);
    sharer_t sharers[2];
    pthread_t threads[2];
    const uint32_t zero = 0;
    for (int i = 0; i < 2; ++i) {
        sharers[i].queue = i == 0 ? first : open_sharing(first);
        sharers[i].program = program;
        sharers[i].counter = make_buffer(sharers[i].queue, sizeof zero, &zero);
    }
    for (int i = 0; i < 2; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, launch_often, &sharers[i]), 0);
    for (int i = 0; i < 2; ++i)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; ++i) {
        uint32_t count = 0;
        CHECK(hwa_buffer_read(sharers[i].counter, 0, &count, sizeof count, NULL, error));
        assert_int_equal(count, 20000);
        hwa_buffer_free(sharers[i].counter);
        hwa_queue_free(sharers[i].queue);
    }
    hwa_program_free(program);
}

static int32_t no_op(void *user, const hwa_host_call_t *call) {
    (void)user;
    (void)call;
    return 0;
}

/* The hook of a function runs once: at the end of its program, or at once if it was not chosen or
   nothing could be built. */
static void calls_hooks_once(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    int released[2] = {0, 0};
    hwa_kernel_desc_t host = HWA_INIT(hwa_kernel_desc_t);
    host.code_kind = HWA_CODE_HOST;
    host.host = no_op;
    host.host_user = &released[0];
    host.host_release = count_release;
    hwa_kernel_desc_t second = host;
    second.host_user = &released[1];
    hwa_kernel_desc_t opencl = HWA_INIT(hwa_kernel_desc_t);
    opencl.code_kind = HWA_CODE_OPENCL_C;
    opencl.code = "__kernel void k(void) {}";
    opencl.code_bytes = 24;
    opencl.entry = "k";
    const hwa_kernel_desc_t spirv = spirv_of(KERNEL_EMPTY);
    hwa_kernel_desc_t cuda = opencl;
    cuda.code_kind = HWA_CODE_CUDA_C;
    cuda.code = "extern \"C\" __global__ void k() {}";
    cuda.code_bytes = 33;
    const hwa_kernel_desc_t *variants[] = {&host, &opencl, &spirv, &cuda, &second};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, 5, &program, error));
    assert_int_equal(released[0], is_host() ? 0 : 1);
    assert_int_equal(released[1], 1);
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(queue, program, NULL, 0, NULL, &event, error));
    hwa_program_free(program);
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    assert_int_equal(released[0], 1);
    hwa_event_free(event);

    hwa_kernel_desc_t foreign = opencl;
    foreign.code_kind = HWA_CODE_METAL;
    foreign.host_release = count_release;
    foreign.host_user = &released[0];
    variants[0] = &foreign;
    REFUSED(HWA_ERROR_UNSUPPORTED, hwa_program_from_kernel(queue, variants, 1, &program, error));
    assert_int_equal(released[0], 2);
    variants[1] = NULL;
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, variants, 5, &program, error));
    assert_int_equal(released[0], 3);
    assert_int_equal(released[1], 2);
    variants[1] = &second;
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, variants, 2, NULL, error));
    assert_int_equal(released[0], 4);
    assert_int_equal(released[1], 3);
    hwa_buffer_desc_t lent = HWA_INIT(hwa_buffer_desc_t);
    lent.size_bytes = sizeof released;
    lent.host = released;
    lent.release = count_release;
    lent.release_user = &released[0];
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_create(queue, &lent, NULL, error));
    assert_int_equal(released[0], 5);
    hwa_queue_free(queue);
}

static const struct CMUnitTest lifetimes_tests[] = {
    cmocka_unit_test(frees_in_every_order),
    cmocka_unit_test(outlives_the_queue),
    cmocka_unit_test(frees_while_siblings_run),
    cmocka_unit_test(serves_many_threads),
    cmocka_unit_test(calls_hooks_once),
    cmocka_unit_test(frees_while_threads_start),
    cmocka_unit_test(shares_programs_between_threads),
};
GROUP(lifetimes);
