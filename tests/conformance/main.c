/* SPDX-License-Identifier: MIT */
/* Runs the suite on the first device that has a runtime: `conformance RUNTIME [DEVICE]`. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SKIPPED 77

const hwa_device_t *the_device;
const char *the_runtime;

static uint64_t seed = 88172645463325252u;

int is_host(void) {
    return strcmp(the_runtime, "cpu") == 0;
}

double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

double random_number(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (double)(seed >> 11) / 4503599627370496.0 - 1.0;
}

void random_floats(float *into, size_t count) {
    for (size_t i = 0; i < count; ++i)
        into[i] = (float)random_number();
}

hwa_queue_t *open_queue(uint32_t flags) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = the_runtime;
    options.flags = flags;
    hwa_queue_t *queue = NULL;
    CHECK(hwa_queue_open(the_device, &options, &queue, error));
    assert_non_null(queue);
    return queue;
}

hwa_queue_t *open_sharing(hwa_queue_t *with) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = the_runtime;
    options.share = with;
    hwa_queue_t *queue = NULL;
    CHECK(hwa_queue_open(the_device, &options, &queue, error));
    return queue;
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

/* The first device that the runtime can drive; says why if there is none. */
static const hwa_device_t *find_device(const hwa_system_t *system, const char *id) {
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; ++i) {
        hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
        if (hwa_device_info(device, &info) != HWA_OK || (id != NULL && strcmp(id, info.id) != 0))
            continue;
        for (uint32_t j = 0; j < info.runtime_count; ++j) {
            hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
            if (hwa_device_runtime(device, j, &row) != HWA_OK || strcmp(row.name, the_runtime) != 0)
                continue;
            if (row.status == HWA_OK)
                return device;
            printf("%s on %s: %s\n", the_runtime, info.id, row.message);
        }
    }
    return NULL;
}

static void say_why_not(const hwa_system_t *system) {
    printf("no device has the runtime %s\n", the_runtime);
    hwa_backend_info_t row = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &row) == HWA_OK; ++i)
        if (strcmp(row.name, the_runtime) == 0)
            printf("the backend says: %s\n", row.message == NULL ? "nothing" : row.message);
}

static int run(const char *name, const struct CMUnitTest *tests, size_t count) {
    return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    the_runtime = argv[1];
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_detect(NULL, &system, &error) != HWA_OK) {
        printf("%s\n", error.message);
        return 1;
    }
    the_device = find_device(system, argc > 2 ? argv[2] : NULL);
    if (the_device == NULL) {
        say_why_not(system);
        hwa_system_free(system);
        return SKIPPED;
    }
    /* First, while no driver is loaded yet. */
    int failed = run("process", process_tests, process_test_count);
    failed += run("buffers", buffer_tests, buffer_test_count);
    failed += run("launches", launch_tests, launch_test_count);
    failed += run("events", event_tests, event_test_count);
    failed += run("lifetimes", lifetime_tests, lifetime_test_count);
    failed += run("refusals", refusal_tests, refusal_test_count);
    failed += run("gemm", gemm_tests, gemm_test_count);
    failed += run("operations", op_tests, op_test_count);
    hwa_system_free(system);
    return failed == 0 ? 0 : 1;
}
