/* SPDX-License-Identifier: MIT */
/* What CUDA does in which order, as the fake driver plays it: work that waits for what failed, work
   behind a gate, copies of the host's memory while the device is busy, and who lets go of what. */
#include "cuda_set.h"

#include <stdlib.h>

static int flag;        /* what kernels wait for that hang until we say so */
static int released[4]; /* of what was lent */

static hwa_event_t *hang_on_flag(hwa_queue_t *queue) {
    flag = 0;
    return hang(queue, lend(queue, &flag, sizeof flag, &released[3]));
}

static void let_go(void) {
    __atomic_store_n(&flag, 1, __ATOMIC_RELEASE);
}

static hwa_event_t *launch_set(hwa_queue_t *queue, hwa_buffer_t *to, int value) {
    const hwa_arg_t args[] = {{.buffer = to}, {.data = &value, .size_bytes = sizeof value}};
    hwa_event_t *event = NULL;
    GOOD(hwa_launch(queue, program_of(queue, "set"), args, 2, NULL, &event, &error));
    return event;
}

/* ---- Memory in place ------------------------------------------------------------------------- */

/* What the driver locked for one queue stays so while a queue that knows nothing of it uses it. */
static void memory_is_lent_to_two(void) {
    static int memory[4096];
    hwa_queue_t *first = open_queue(0), *second = open_queue(0);
    hwa_buffer_t *whole = lend(first, memory, sizeof memory, &released[0]);
    hwa_buffer_t *part = lend(second, memory + 100, 64, &released[1]);
    hwa_buffer_free(whole);
    hwa_queue_free(first);
    MUST(released[0] == 0);
    hwa_event_wait(launch_set(second, part, 42), HWA_FOREVER, &error);
    MUST(memory[100] == 42);
    hwa_buffer_free(part);
    GOOD(hwa_queue_finish(second, HWA_FOREVER, &error));
    MUST(released[0] == 1 && released[1] == 1);
    /* And then it can be lent again as a whole, which takes that nobody has it locked. */
    hwa_buffer_free(lend(second, memory + 50, sizeof memory - 200, &released[2]));
    MUST(released[2] == 1);
}

/* The driver takes no memory that is locked in part, and the caller need not know of that. */
static void memory_is_locked_in_part(void) {
    static int memory[3 * 4096], got[3 * 4096];
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    desc.size_bytes = sizeof memory;
    GOOD(hwa_buffer_create(queue, &desc, &buffer, &error));
    /* The front of it, then the middle; while the device is idle, and while it is not. */
    for (int round = 0; round < 4; ++round) {
        hwa_event_t *written = NULL, *read = NULL;
        hwa_buffer_t *part = lend(queue, memory + 4096 * (round % 2), 4096, &released[0]);
        for (size_t i = 0; i < sizeof memory / sizeof memory[0]; ++i)
            memory[i] = (int)i * (round + 3);
        memset(got, 0, sizeof got);
        if (round >= 2)
            hwa_event_free(hang_on_flag(queue));
        GOOD(hwa_buffer_write(buffer, 0, memory, sizeof memory, &written, &error));
        GOOD(hwa_buffer_read(buffer, 0, got, sizeof got, &read, &error));
        let_go();
        GOOD(hwa_event_wait(written, HWA_FOREVER, &error));
        GOOD(hwa_event_wait(read, HWA_FOREVER, &error));
        MUST(memcmp(got, memory, sizeof got) == 0);
        hwa_event_free(written);
        hwa_event_free(read);
        hwa_buffer_free(part);
    }
    works(queue);
}

/* ---- Copies while the device is busy --------------------------------------------------------- */

enum { SMALL = 1000, LARGE = 9000001 };

/* However little page-locked memory there is, no copy makes the caller wait for a kernel. */
static void staging_runs_out(void) {
    char *data = malloc(LARGE), *got = malloc(LARGE);
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    hwa_event_t *last = NULL;
    desc.size_bytes = LARGE;
    GOOD(hwa_buffer_create(queue, &desc, &buffer, &error));
    for (int i = 0; i < LARGE; ++i)
        data[i] = (char)(i * 7 + i / 1000);
    GOOD(hwa_buffer_write(buffer, 0, data, LARGE, NULL, &error));
    (void)hang_on_flag(queue);
    GOOD(hwa_buffer_read(buffer, 0, got, SMALL, &last, &error));
    GOOD(hwa_buffer_read(buffer, SMALL, got + SMALL, LARGE - SMALL, &last, &error));
    GOOD(hwa_buffer_write(buffer, SMALL, data, LARGE - SMALL, &last, &error));
    MUST(hwa_event_wait(last, 0, &error) == HWA_ERROR_TIMEOUT);
    let_go();
    GOOD(hwa_event_wait(last, HWA_FOREVER, &error));
    MUST(memcmp(got, data, LARGE) == 0);
    GOOD(hwa_buffer_read(buffer, 0, got, LARGE, NULL, &error));
    MUST(memcmp(got, data, SMALL) == 0 && memcmp(got + SMALL, data, LARGE - SMALL) == 0);
}

static void there_is_no_staging(void) {
    int value = 1;
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_t *buffer = buffer_of(queue, 5);
    hwa_event_t *read = NULL;
    (void)hang_on_flag(queue);
    MUST(hwa_buffer_read(buffer, 0, &value, sizeof value, &read, &error) == HWA_ERROR_HOST_MEMORY);
    MUST(read == NULL && value == 1);
    let_go();
    GOOD(hwa_buffer_read(buffer, 0, &value, sizeof value, NULL, &error));
    MUST(value == 5);
}

/* A copy behind a fault leaves the caller's memory alone, and its event tells of both. */
static void copies_after_a_fault(void) {
    int value = 7;
    uint64_t nowhere = 16;
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_t *buffer = buffer_of(queue, 5);
    const hwa_arg_t args[] = {{.buffer = lend(queue, &flag, sizeof flag, &released[3])},
                              {.data = &nowhere, .size_bytes = sizeof nowhere}};
    hwa_event_t *fault = NULL, *read = NULL;
    GOOD(hwa_launch(queue, program_of(queue, "late"), args, 2, NULL, &fault, &error));
    GOOD(hwa_buffer_read(buffer, 0, &value, sizeof value, &read, &error));
    let_go();
    FAILS(HWA_ERROR_DRIVER, 700, "CUDA_ERROR_ILLEGAL_ADDRESS",
          hwa_event_wait(read, HWA_FOREVER, &error));
    MUST(strstr(error.message, "earlier work of this queue failed") != NULL);
    MUST(value == 7);
    FAILS(HWA_ERROR_DRIVER, 700, "the work answered", hwa_event_wait(fault, HWA_FOREVER, &error));
}

/* ---- Waiting for other runtimes -------------------------------------------------------------- */

static int go_on; /* what a kernel of the CPU waits for */

static int32_t host_kernel(void *user, const hwa_host_call_t *call) {
    (void)call;
    while (__atomic_load_n(&go_on, __ATOMIC_ACQUIRE) == 0)
        usleep(1000);
    return *(const int *)user;
}

static hwa_queue_t *open_cpu(void) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    hwa_queue_t *queue = NULL;
    options.runtime = "cpu";
    GOOD(hwa_queue_open(device_with("cpu", 0), &options, &queue, &error));
    return queue;
}

static hwa_event_t *launch_on_cpu(hwa_queue_t *queue, hwa_host_kernel_fn kernel, void *user) {
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    hwa_event_t *event = NULL;
    desc.code_kind = HWA_CODE_HOST;
    desc.host = kernel;
    desc.host_user = user;
    GOOD(hwa_program_from_kernel(queue, variants, 1, &program, &error));
    GOOD(hwa_launch(queue, program, NULL, 0, NULL, &event, &error));
    hwa_program_free(program);
    return event;
}

/* Neither it nor what waits for it in turn, on a queue of the same driver, does anything. */
static void waits_for_what_fails(void) {
    static int memory[2][1024], seven = 7;
    int value = 7;
    hwa_queue_t *cpu = open_cpu(), *first = open_queue(0), *second = open_queue(0);
    hwa_buffer_t *one = lend(first, memory[0], sizeof memory[0], &released[0]);
    hwa_buffer_t *two = lend(second, memory[1], sizeof memory[1], &released[1]);
    hwa_event_t *before = launch_set(first, buffer_of(first, 0), 1), *read = NULL;
    GOOD(hwa_queue_wait(first, launch_on_cpu(cpu, host_kernel, &seven), &error));
    hwa_event_t *event = launch_set(first, one, 42);
    GOOD(hwa_buffer_read(one, 4, &value, sizeof value, &read, &error));
    GOOD(hwa_queue_wait(second, event, &error));
    hwa_event_t *last = launch_set(second, two, 42);
    __atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
    MUST(hwa_event_wait(last, HWA_FOREVER, &error) == HWA_ERROR_DRIVER && error.code == 7);
    MUST(hwa_event_wait(event, HWA_FOREVER, &error) == HWA_ERROR_DRIVER && error.code == 7);
    MUST(hwa_event_wait(read, HWA_FOREVER, &error) == HWA_ERROR_DRIVER && error.code == 7);
    MUST(hwa_queue_finish(first, HWA_FOREVER, &error) == HWA_ERROR_DRIVER);
    GOOD(hwa_event_wait(before, 0, &error));
    hwa_queue_free(first);
    hwa_queue_free(second);
    MUST(memory[0][0] == 0 && memory[1][0] == 0 && value == 7);
}

/* What is kept back is what it was when it was put in: the caller has its arguments back. */
static void keeps_what_it_was_given(void) {
    static int zero, values[2];
    hwa_queue_t *cpu = open_cpu(), *queue = open_queue(0);
    hwa_buffer_t *to[4] = {buffer_of(queue, 0), buffer_of(queue, 0), buffer_of(queue, 0),
                           buffer_of(queue, 0)};
    hwa_program_t *set = program_of(queue, "set"), *batch = NULL;
    hwa_event_t *last = NULL;
    int got[4] = {0, 0, 0, 0}, written = 13;
    hwa_arg_t args[2][2];
    hwa_launch_item_t items[2];
    memset(items, 0, sizeof items);
    for (int i = 0; i < 2; ++i) {
        values[i] = 11 + i;
        args[i][0] = (hwa_arg_t){.buffer = to[i]};
        args[i][1] = (hwa_arg_t){.data = &values[i], .size_bytes = sizeof values[i]};
        items[i].program = set;
        items[i].args = args[i];
        items[i].arg_count = 2;
    }
    GOOD(hwa_program_from_launches(queue, items, 2, &batch, &error));
    GOOD(hwa_queue_wait(queue, launch_on_cpu(cpu, host_kernel, &zero), &error));
    GOOD(hwa_launch(queue, batch, NULL, 0, NULL, NULL, &error)); /* sets 0 and 1 */
    values[0] = 21;
    GOOD(hwa_launch(queue, set, args[0], 2, NULL, NULL, &error)); /* sets 0 again */
    args[1][0].buffer = to[2];
    values[0] = 31;
    GOOD(hwa_launch_many(queue, items + 1, 1, NULL, &error)); /* sets 2 */
    values[0] = values[1] = 99;
    memset(args, 0, sizeof args);
    hwa_program_free(set);
    hwa_program_free(batch);
    GOOD(hwa_buffer_write(to[3], 0, &written, sizeof written, &last, &error));
    for (int i = 0; i < 4; ++i)
        GOOD(hwa_buffer_read(to[i], 0, &got[i], sizeof got[i], &last, &error));
    MUST(hwa_event_wait(last, 0, &error) == HWA_ERROR_TIMEOUT && got[3] == 0);
    __atomic_store_n(&go_on, 1, __ATOMIC_RELEASE);
    GOOD(hwa_event_wait(last, HWA_FOREVER, &error));
    MUST(got[0] == 21 && got[1] == 12 && got[2] == 12 && got[3] == 13);
    works(queue);
}

/* ---- Closing --------------------------------------------------------------------------------- */

static hwa_queue_t *to_be_freed;

static int32_t free_a_queue(void *user, const hwa_host_call_t *call) {
    (void)user;
    (void)call;
    hwa_queue_free(to_be_freed);
    MUST(__atomic_load_n(&released[0], __ATOMIC_ACQUIRE) == 0);
    let_go();
    return 0;
}

/* On a thread of the library's a queue is closed at once, whatever it still has to do. */
static void queue_is_freed_by_a_kernel(void) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "cuda";
    options.timeout_ns = HWA_FOREVER;
    GOOD(hwa_queue_open(device_at(0), &options, &to_be_freed, &error));
    hwa_buffer_t *at = lend(to_be_freed, &flag, sizeof flag, &released[0]);
    hwa_program_t *program = program_of(to_be_freed, "forever");
    const hwa_arg_t args[] = {{.buffer = at}};
    GOOD(hwa_launch(to_be_freed, program, args, 1, NULL, NULL, &error));
    hwa_buffer_free(at);
    hwa_program_free(program);
    hwa_queue_t *cpu = open_cpu();
    GOOD(hwa_event_wait(launch_on_cpu(cpu, free_a_queue, NULL), HWA_FOREVER, &error));
    while (__atomic_load_n(&released[0], __ATOMIC_ACQUIRE) == 0)
        usleep(1000);
    works(open_queue(0));
}

static const struct row rows[] = {
    {"memory is lent to two queues", memory_is_lent_to_two, "", NULL, NULL},
    {"memory is locked in part", memory_is_locked_in_part, "", NULL, NULL},
    {"staging runs out", staging_runs_out, "fail cuMemHostAlloc 2 2\n", NULL, NULL},
    {"there is no staging", there_is_no_staging, "fail cuMemHostAlloc 0 2\n", NULL, NULL},
    {"a copy after a fault", copies_after_a_fault, "", NULL, NULL},
    {"work that waits for what fails", waits_for_what_fails, "", NULL, NULL},
    {"work that waits", keeps_what_it_was_given, "", NULL, NULL},
    {"work that waits, on an old driver", keeps_what_it_was_given, "driver 11010\n", NULL, NULL},
    {"a kernel frees a queue", queue_is_freed_by_a_kernel, "", NULL, NULL},
};

int main(int argc, char **argv) {
    return run_rows(rows, sizeof rows / sizeof rows[0], argc, argv);
}
