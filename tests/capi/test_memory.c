/* SPDX-License-Identifier: MIT */
/* Every allocation of a launch fails once: a status, no crash, each release hook called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <errno.h>
#include <string.h>

/* In place of the C library's, for the library under test as well. */
void *malloc(size_t size);
void *aligned_alloc(size_t alignment, size_t size);
extern void *__libc_malloc(size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static int seen;   /* allocations so far */
static int fails;  /* the one that fails; 0: none does */
static int hit;    /* whether it has */
static int hooked; /* calls of hooks */

static int fails_now(void) {
    const int armed = __atomic_load_n(&fails, __ATOMIC_SEQ_CST);
    if (armed == 0 || __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST) != armed)
        return 0;
    __atomic_store_n(&hit, 1, __ATOMIC_SEQ_CST);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size) {
    return fails_now() ? NULL : __libc_malloc(size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    return fails_now() ? NULL : __libc_memalign(alignment, size);
}

static void on_release(void *user) {
    (void)user;
    __atomic_add_fetch(&hooked, 1, __ATOMIC_SEQ_CST);
}

/* Fails where the caller wants it to. */
static int32_t kernel(void *user, const hwa_host_call_t *call) {
    memset(call->args[1], 1, call->arg_bytes[1]);
    memset(call->shared, 1, call->shared_bytes);
    return *(const int32_t *)user;
}

static hwa_status_t worse(hwa_status_t before, hwa_status_t now) {
    return before != HWA_OK || now == HWA_ERROR_DRIVER ? before : now;
}

/* Returns HWA_OK, or how something went wrong that was not asked to. */
static hwa_status_t launch_thrice(hwa_queue_t *queue, const hwa_program_t *program,
                                  hwa_buffer_t *buffer) {
    hwa_arg_t args[2];
    memset(args, 0, sizeof args);
    args[0].buffer = buffer;
    args[1].size_bytes = 8;
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = 200;
    shape.shared_bytes = 100;
    hwa_status_t result = HWA_OK;
    for (int i = 0; i < 3; ++i) {
        hwa_event_t *event = NULL;
        result = worse(result, hwa_launch(queue, program, args, 2, &shape, &event, NULL));
        if (event != NULL)
            result = worse(result, hwa_event_wait(event, HWA_FOREVER, NULL));
        hwa_event_free(event);
    }
    return result;
}

/* One run from the queue to the last release, with the failure somewhere in it. */
static hwa_status_t run_once(const hwa_device_t *device, int32_t code) {
    uint64_t lent[8];
    hwa_buffer_desc_t memory = HWA_INIT(hwa_buffer_desc_t);
    memory.size_bytes = sizeof lent;
    memory.host = lent;
    memory.release = on_release;
    hwa_kernel_desc_t host = HWA_INIT(hwa_kernel_desc_t);
    host.code_kind = HWA_CODE_HOST;
    host.host = kernel;
    host.host_user = &code;
    const hwa_kernel_desc_t *variants[] = {&host};
    hwa_queue_t *queue = NULL;
    hwa_buffer_t *buffer = NULL;
    hwa_program_t *program = NULL;
    hwa_status_t result = hwa_queue_open(device, NULL, &queue, NULL);
    result = worse(result, hwa_buffer_create(queue, &memory, &buffer, NULL));
    result = worse(result, hwa_program_from_kernel(queue, variants, 1, &program, NULL));
    if (result == HWA_OK)
        result = launch_thrice(queue, program, buffer);
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
    return result;
}

static void survives_each_failure(void **state) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    hwa_system_t *system = NULL;
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    const hwa_device_t *device = hwa_system_find_device(system, "cpu-0");
    int number = 0;
    do {
        hooked = seen = hit = 0;
        fails = ++number;
        const hwa_status_t result = run_once(device, *(const int32_t *)*state);
        fails = 0;
        if (result != HWA_OK)
            assert_int_equal(result, hit ? HWA_ERROR_HOST_MEMORY : HWA_OK);
        assert_int_equal(hooked, 1);
    } while (hit);
    assert_true(number > 20); /* it did count */
    hwa_system_free(system);
}

int main(void) {
    static int32_t well, badly = 7;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_prestate(survives_each_failure, &well),
        cmocka_unit_test_prestate(survives_each_failure, &badly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
