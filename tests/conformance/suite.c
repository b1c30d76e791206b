/* SPDX-License-Identifier: MIT */
/* What the parts of the suite share: random data, queues, buffers, pairs of queues. */
#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t seed;

int is_host(void) {
    return strcmp(the_runtime, "cpu") == 0;
}

double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

/* The generator stays at 0 if it starts there. */
void seed_random(uint64_t given) {
    seed = given == 0 ? 1 : given;
}

static uint64_t random_bits(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

double random_number(void) {
    return (double)(random_bits() >> 11) / 4503599627370496.0 - 1.0;
}

uint64_t random_below(uint64_t end) {
    return random_bits() % end;
}

void random_floats(float *into, size_t count) {
    for (size_t i = 0; i < count; ++i)
        into[i] = (float)random_number();
}

void random_bytes(void *into, size_t size_bytes) {
    unsigned char *bytes = into;
    for (size_t i = 0; i < size_bytes; i += sizeof seed) {
        const uint64_t bits = random_bits();
        memcpy(bytes + i, &bits, size_bytes - i < sizeof bits ? size_bytes - i : sizeof bits);
    }
}

static hwa_queue_t *open_with(const hwa_device_t *device, hwa_queue_options_t options) {
    hwa_queue_t *queue = NULL;
    CHECK(hwa_queue_open(device, &options, &queue, error));
    assert_non_null(queue);
    return queue;
}

hwa_queue_t *open_queue(uint32_t flags) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = the_runtime;
    options.flags = flags;
    return open_with(the_device, options);
}

hwa_queue_t *open_on(const target_t *target, uint64_t timeout_ns) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = target->runtime;
    options.timeout_ns = timeout_ns;
    return open_with(target->device, options);
}

hwa_queue_t *open_sharing(hwa_queue_t *with) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = the_runtime;
    options.share = with;
    return open_with(the_device, options);
}

hwa_buffer_t *make_buffer(hwa_queue_t *queue, uint64_t size_bytes, const void *content) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = size_bytes;
    hwa_buffer_t *buffer = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &buffer, error));
    assert_int_equal(hwa_buffer_size(buffer), size_bytes);
    if (content != NULL)
        CHECK(hwa_buffer_write(buffer, 0, content, size_bytes, NULL, error));
    return buffer;
}

uint32_t read_counter(hwa_buffer_t *counter) {
    uint32_t value = 0;
    CHECK(hwa_buffer_read(counter, 0, &value, sizeof value, NULL, error));
    return value;
}

int has_timer(const hwa_queue_t *queue) {
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    if (info.timer_ns == 0)
        print_message("device time: the driver reports a resolution of 0 ns\n");
    return info.timer_ns != 0;
}

void count_release(void *user) {
    __atomic_add_fetch((int *)user, 1, __ATOMIC_SEQ_CST);
}

static void run_pair(void (*body)(const pair_t *), const char *what, hwa_queue_t *a, hwa_queue_t *b,
                     int shares) {
    print_message("  %s\n", what);
    const pair_t pair = {.what = what, .a = a, .b = b, .shares = shares};
    body(&pair);
    hwa_queue_free(a);
    hwa_queue_free(b);
}

void each_pair(void (*body)(const pair_t *pair)) {
    hwa_queue_t *home = open_queue(0);
    hwa_queue_t *sharing = open_sharing(home);
    run_pair(body, "queues that share", home, sharing, 1);
    run_pair(body, "queues of one device", open_queue(0), open_queue(0), 0);
    for (size_t i = 0; i < the_other_count; ++i) {
        const target_t *other = &the_others[i];
        char what[200];
        snprintf(what, sizeof what, "from it to %s with %s", other->id, other->runtime);
        run_pair(body, what, open_queue(0), open_on(other, 0), 0);
        snprintf(what, sizeof what, "to it from %s with %s", other->id, other->runtime);
        run_pair(body, what, open_on(other, 0), open_queue(0), 0);
    }
}

static int32_t sleep_and_fail(void *user, const hwa_host_call_t *call) {
    (void)call;
    const int milliseconds = (int)(intptr_t)user;
    const struct timespec time = {.tv_nsec = milliseconds * 1000000L};
    nanosleep(&time, NULL);
    return 7;
}

int make_failing(failing_t *made, int milliseconds) {
    if (the_cpu() == NULL)
        return 0;
    made->queue = open_on(the_cpu(), 0);
    const uint32_t zero = 0;
    made->buffer = make_buffer(made->queue, sizeof zero, &zero);
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_HOST;
    kernel.host = sleep_and_fail;
    kernel.host_user = (void *)(intptr_t)milliseconds;
    const hwa_kernel_desc_t *const variants[] = {&kernel};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(made->queue, variants, 1, &program, error));
    CHECK(hwa_launch(made->queue, program, NULL, 0, NULL, &made->event, error));
    hwa_program_free(program);
    return 1;
}

void free_failing(failing_t *made) {
    hwa_event_free(made->event);
    hwa_buffer_free(made->buffer);
    hwa_queue_free(made->queue);
}
