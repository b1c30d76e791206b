/* SPDX-License-Identifier: MIT */
/* T7: order, waiting before there is anything to wait for, and a fault in another process.
   T8: many threads, each with a queue. */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 1 << 20, THREADS = 16 };

static void chain(void) {
    static float ones[COUNT], got[COUNT];
    const uint32_t count = COUNT;
    hwa_queue_t *first = open_queue(), *second = open_queue();
    hwa_program_t *add =
        build(second, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "add", NULL);
    hwa_buffer_t *from = make_buffer(first, sizeof ones), *to = make_buffer(second, sizeof ones);
    hwa_event_t *event = NULL, *last = NULL;
    int32_t fd = -1;
    for (int i = 0; i < COUNT; ++i)
        ones[i] = 1;
    NEED(hwa_buffer_write(from, 0, ones, sizeof ones, &event, &error));
    NEED(hwa_queue_wait(second, event, &error));
    NEED(hwa_buffer_copy(to, 0, from, 0, sizeof ones, NULL, &error));
    const hwa_arg_t args[] = {{.buffer = to},
                              {.buffer = to},
                              {.buffer = to},
                              {.data = &count, .size_bytes = sizeof count}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = COUNT / 256;
    shape.group[0] = 256;
    for (int i = 0; i < 10; ++i)
        NEED(hwa_launch(second, add, args, 4, &shape, i == 9 ? &last : NULL, &error));
    NEED(hwa_event_fd(last, &fd, &error));
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    row("an event wakes poll()", VERDICT(poll(&ready, 1, 10000) == 1), "-");
    NEED(hwa_buffer_read(to, 0, got, sizeof got, NULL, &error));
    int good = 1;
    for (int i = 0; i < COUNT; ++i)
        good &= got[i] == 1024;
    row("two queues, the second waits for the first", VERDICT(good), "11 steps");
    hwa_event_free(event);
    hwa_event_free(last);
    hwa_buffer_free(from);
    hwa_buffer_free(to);
    hwa_program_free(add);
    hwa_queue_free(first);
    hwa_queue_free(second);
}

/* In a child: the driver is not in use here yet. */
static int fault(void) {
    uint64_t nowhere = 16;
    const hwa_arg_t args[] = {{.data = &nowhere, .size_bytes = sizeof nowhere}};
    hwa_queue_t *queue = open_queue();
    hwa_program_t *poke =
        build(queue, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "poke", NULL);
    hwa_program_t *empty =
        build(queue, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "empty", NULL);
    hwa_event_t *event = NULL;
    NEED(hwa_launch(queue, empty, NULL, 0, NULL, &event, &error));
    NEED(hwa_event_wait(event, HWA_FOREVER, &error));
    hwa_event_free(event);
    /* It may fail before the launch returns. */
    hwa_status_t status = hwa_launch(queue, poke, args, 1, NULL, &event, &error);
    status = status == HWA_OK ? hwa_event_wait(event, HWA_FOREVER, &error)
                              : hwa_queue_finish(queue, HWA_FOREVER, &error);
    return status == HWA_ERROR_DRIVER ? error.code & 0xff : 0;
}

void check_order(void) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0)
        _exit(fault());
    (void)waitpid(child, &status, 0);
    row("an illegal address in another process fails with code 700",
        VERDICT(WIFEXITED(status) && WEXITSTATUS(status) == (700 & 0xff)), "-");
    chain();
}

static void *work(void *argument) {
    const uint32_t count = 4096;
    const float own = (float)*(int *)argument;
    float values[4096], got[4096];
    hwa_queue_t *queue = open_queue();
    hwa_program_t *add =
        build(queue, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "add", NULL);
    hwa_buffer_t *in = make_buffer(queue, sizeof values), *out = make_buffer(queue, sizeof values);
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = 16;
    shape.group[0] = 256;
    for (int i = 0; i < 4096; ++i)
        values[i] = own;
    const hwa_arg_t args[] = {{.buffer = in},
                              {.buffer = in},
                              {.buffer = out},
                              {.data = &count, .size_bytes = sizeof count}};
    int good = hwa_buffer_write(in, 0, values, sizeof values, NULL, NULL) == HWA_OK;
    for (int round = 0; round < 50; ++round) {
        good &= hwa_launch(queue, add, args, 4, &shape, NULL, NULL) == HWA_OK;
        good &= hwa_buffer_read(out, 0, got, sizeof got, NULL, NULL) == HWA_OK;
        for (int i = 0; i < 4096; ++i)
            good &= got[i] == 2 * own;
    }
    hwa_buffer_free(in);
    hwa_buffer_free(out);
    hwa_program_free(add);
    hwa_queue_free(queue);
    return good ? argument : NULL;
}

void check_threads(void) {
    pthread_t threads[THREADS];
    int numbers[THREADS], good = 0;
    CUcontext before = NULL, after = NULL;
    hwa_queue_free(open_queue());
    (void)raw.cuCtxGetCurrent(&before);
    for (int i = 0; i < THREADS; ++i) {
        numbers[i] = i + 1;
        if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0)
            give_up("pthread_create");
    }
    for (int i = 0; i < THREADS; ++i) {
        void *answer = NULL;
        (void)pthread_join(threads[i], &answer);
        good += answer != NULL;
    }
    (void)raw.cuCtxGetCurrent(&after);
    row("threads with a queue each, no cross-talk", VERDICT(good == THREADS), "%d of %d", good,
        THREADS);
    row("the caller's current context is as it was", VERDICT(before == after), "-");
}
