/* SPDX-License-Identifier: MIT */
/* OpenCL as it is called and as it fails: the system's driver behind a shim that counts the calls
   and has them go wrong. Skipped where there is no OpenCL device. */
#include "opencl_set.h"
#include "refused.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SKIPPED 77

/* Of CL/cl.h and CL/cl_ext.h, which a program of the public header needs not have. */
enum {
    CL_RUNNING = 1,
    CL_DEVICE_NOT_AVAILABLE = -2,
    CL_MEM_OBJECT_ALLOCATION_FAILURE = -4,
    CL_OUT_OF_RESOURCES = -5
};

enum { SECOND = 1000000000 };

/* ---- Calls of the driver ------------------------------------------------------------------ */

/* Everything is checked before the driver sees it. */
static void refuses_without_the_driver(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    const hwa_arg_t arg = {.buffer = set.buffer};
    const struct launch right = {set.queue, set.program, &arg, 1, NULL, 0};
    CHECK(hwa_queue_finish(set.queue, HWA_FOREVER, error));
    const unsigned long before = calls(NULL);
    assert_int_equal(ask_what_is_refused(&right), 0);
    assert_int_equal(calls(NULL), before);
    assert_int_equal(counted(&set), 0);
    free_set(&set);
}

enum { LAUNCHES = 100 };

static hwa_program_t *record(const struct set *set) {
    const hwa_arg_t arg = {.buffer = set->buffer};
    hwa_launch_item_t items[LAUNCHES];
    for (int i = 0; i < LAUNCHES; ++i)
        items[i] = (hwa_launch_item_t){.program = set->program, .args = &arg, .arg_count = 1};
    hwa_program_t *recorded = NULL;
    CHECK(hwa_program_from_launches(set->queue, items, LAUNCHES, &recorded, error));
    return recorded;
}

static void replays_in_three_calls(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    hwa_program_t *recorded = record(&set);
    unsigned long before = calls(NULL);
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(set.queue, recorded, NULL, 0, NULL, &event, error));
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    assert_in_range(calls(NULL) - before, 1, 3);
    hwa_event_free(event);

    before = calls(NULL);
    CHECK(hwa_launch(set.queue, recorded, NULL, 0, NULL, &event, error));
    CHECK(hwa_event_wait(event, 60ull * SECOND, error));
    assert_in_range(calls(NULL) - before, 1, 3);
    hwa_event_free(event);

    before = calls(NULL);
    CHECK(hwa_launch(set.queue, recorded, NULL, 0, NULL, NULL, error));
    CHECK(hwa_queue_finish(set.queue, HWA_FOREVER, error));
    assert_in_range(calls(NULL) - before, 1, 3);

    assert_int_equal(counted(&set), 3 * LAUNCHES);
    hwa_program_free(recorded);
    free_set(&set);
}

static const char add_source[] =
    "__kernel void add(__global int *x, int by, long more) { x[0] += by + (int)more; }";

/* A kernel keeps its arguments: the driver is told of one that is another than last time. */
static void tells_what_has_changed(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue();
    struct set sets[2];
    sets[0] = use_set(queue, build_kernel(queue, add_source, "add"));
    sets[1] = use_set(queue, sets[0].program);
    static const struct {
        int set, by;
        int64_t more;
        unsigned long told;
        int sum;
    } rows[] = {{0, 1, 10, 3, 11}, {0, 1, 10, 0, 22},        {1, 1, 10, 1, 11},
                {0, 1, 10, 1, 33}, {0, 2, 10, 1, 45},        {0, 10, 2, 2, 57},
                {1, 10, 2, 1, 23}, {1, 0, 1ll << 32, 2, 23}, {1, 0, 0, 1, 23}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        const hwa_arg_t args[] = {{.buffer = sets[rows[i].set].buffer},
                                  {.data = &rows[i].by, .size_bytes = sizeof rows[i].by},
                                  {.data = &rows[i].more, .size_bytes = sizeof rows[i].more}};
        const unsigned long before = calls("clSetKernelArg");
        CHECK(hwa_launch(queue, sets[0].program, args, 3, NULL, NULL, error));
        assert_int_equal(calls("clSetKernelArg") - before, rows[i].told);
        assert_int_equal(counted(&sets[rows[i].set]), rows[i].sum);
    }
    /* A driver may give the handle of a buffer that is gone to the next one. */
    for (int i = 0; i < 4; ++i) {
        hwa_buffer_free(sets[1].buffer);
        sets[1].buffer = use_set(queue, sets[0].program).buffer;
        const hwa_arg_t args[] = {{.buffer = sets[1].buffer},
                                  {.data = &rows[0].by, .size_bytes = sizeof rows[0].by},
                                  {.data = &rows[0].more, .size_bytes = sizeof rows[0].more}};
        const unsigned long before = calls("clSetKernelArg");
        CHECK(hwa_launch(queue, sets[0].program, args, 3, NULL, NULL, error));
        assert_true(calls("clSetKernelArg") - before >= 1);
        assert_int_equal(counted(&sets[1]), 11);
    }
    /* What was not taken is told again. */
    const hwa_arg_t args[] = {{.buffer = sets[0].buffer},
                              {.data = &rows[0].by, .size_bytes = sizeof rows[0].by},
                              {.data = &rows[0].more, .size_bytes = sizeof rows[0].more}};
    fault("clSetKernelArg", 1, CL_OUT_OF_RESOURCES);
    FAILS(HWA_ERROR_DEVICE_MEMORY, CL_OUT_OF_RESOURCES, "clSetKernelArg",
          hwa_launch(queue, sets[0].program, args, 3, NULL, NULL, error));
    CHECK(hwa_launch(queue, sets[0].program, args, 3, NULL, NULL, error));
    assert_int_equal(counted(&sets[0]), 68);
    hwa_buffer_free(sets[1].buffer);
    free_set(&sets[0]);
}

/* ---- Calls that are refused --------------------------------------------------------------- */

static void loses_the_device_at_a_launch(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    struct set other = make_set(open_queue());
    fault("clEnqueueNDRangeKernel", 1, CL_DEVICE_NOT_AVAILABLE);
    FAILS(HWA_ERROR_LOST, CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE",
          launch(&set, NULL, error));
    /* Whatever comes later is lost too, and nobody else. */
    hwa_event_t *event = NULL;
    CHECK(launch(&set, &event, error));
    FAILS(HWA_ERROR_LOST, CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE",
          hwa_event_wait(event, HWA_FOREVER, error));
    FAILS(HWA_ERROR_LOST, CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE",
          hwa_queue_finish(set.queue, HWA_FOREVER, error));
    CHECK(launch(&other, NULL, error));
    assert_int_equal(counted(&other), 1);
    hwa_event_free(event);
    free_set(&set);
    free_set(&other);
}

static void loses_the_device_at_a_wait(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    fault("kernel", 1, CL_RUNNING);
    hwa_event_t *event = NULL;
    CHECK(launch(&set, &event, error));
    fault("clWaitForEvents", 1, CL_DEVICE_NOT_AVAILABLE);
    FAILS(HWA_ERROR_LOST, CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE",
          hwa_event_wait(event, HWA_FOREVER, error));
    hwa_event_free(event);
    free_set(&set);
}

static void runs_out_of_memory(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 64;
    hwa_buffer_t *buffer = NULL;
    fault("clCreateBuffer", 1, CL_MEM_OBJECT_ALLOCATION_FAILURE);
    FAILS(HWA_ERROR_DEVICE_MEMORY, CL_MEM_OBJECT_ALLOCATION_FAILURE,
          "CL_MEM_OBJECT_ALLOCATION_FAILURE", hwa_buffer_create(set.queue, &desc, &buffer, error));
    assert_null(buffer);
    /* Many drivers take the memory when it is first used. */
    static const int codes[] = {CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES};
    for (int i = 0; i < 2; ++i) {
        fault("clEnqueueNDRangeKernel", 1, codes[i]);
        FAILS(HWA_ERROR_DEVICE_MEMORY, codes[i], "clEnqueueNDRangeKernel",
              launch(&set, NULL, error));
    }
    CHECK(launch(&set, NULL, error));
    assert_int_equal(counted(&set), 1);
    free_set(&set);
}

/* ---- Work that fails ---------------------------------------------------------------------- */

static void fails_what_comes_after(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    struct set other = make_set(open_on(device, set.queue, 0));
    static const uint64_t timeouts[] = {HWA_FOREVER, 60ull * SECOND};
    hwa_event_t *before = NULL, *event = NULL, *after = NULL;
    CHECK(launch(&set, &before, error));
    fault("kernel", 1, CL_OUT_OF_RESOURCES);
    CHECK(launch(&set, &event, error));
    CHECK(launch(&set, &after, error));
    for (int i = 0; i < 2; ++i) {
        FAILS(HWA_ERROR_DRIVER, CL_OUT_OF_RESOURCES, "earlier work",
              hwa_event_wait(after, timeouts[i], error));
        FAILS(HWA_ERROR_DRIVER, CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES",
              hwa_event_wait(event, timeouts[i], error));
        CHECK(hwa_event_wait(before, timeouts[i], error));
        FAILS(HWA_ERROR_DRIVER, CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES",
              hwa_queue_finish(set.queue, timeouts[i], error));
    }
    CHECK(launch(&other, NULL, error));
    assert_int_equal(counted(&other), 1);
    /* Who waits for it fails too. */
    CHECK(hwa_queue_wait(other.queue, event, error));
    CHECK(launch(&other, NULL, error));
    FAILS(HWA_ERROR_DRIVER, CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES",
          hwa_queue_finish(other.queue, HWA_FOREVER, error));
    hwa_event_free(before);
    hwa_event_free(event);
    hwa_event_free(after);
    free_set(&other);
    free_set(&set);
}

/* A batch of which the driver refuses the second has failed, and with it the queue. */
static void fails_half_a_batch(void **state) {
    (void)state;
    struct set set = make_set(open_queue());
    const hwa_arg_t arg = {.buffer = set.buffer};
    hwa_launch_item_t items[3];
    for (int i = 0; i < 3; ++i)
        items[i] = (hwa_launch_item_t){.program = set.program, .args = &arg, .arg_count = 1};
    fault("clEnqueueNDRangeKernel", 2, CL_OUT_OF_RESOURCES);
    FAILS(HWA_ERROR_DEVICE_MEMORY, CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES",
          hwa_launch_many(set.queue, items, 3, NULL, error));
    FAILS(HWA_ERROR_DEVICE_MEMORY, CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES",
          hwa_queue_finish(set.queue, 60ull * SECOND, error));
    free_set(&set);
}

/* ---- Compilers ---------------------------------------------------------------------------- */

static void keeps_the_whole_log(void **state) {
    (void)state;
    enum { WARNINGS = 1200, LINE = 128 };
    char *source = malloc(WARNINGS * LINE + LINE);
    size_t length = 0;
    for (int i = 0; i < WARNINGS; ++i)
        length += (size_t)sprintf(source + length, "#warning \"%0100d\"\n", i);
    length += (size_t)sprintf(source + length, "__kernel void k(void) { nonsense; }\n");
    hwa_queue_t *queue = open_queue();
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    desc.code_kind = HWA_CODE_OPENCL_C;
    desc.code = source;
    desc.code_bytes = length;
    desc.entry = "k";
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    hwa_error_t why = {0};
    assert_int_equal(hwa_program_from_kernel(queue, variants, 1, &program, &why), HWA_ERROR_BUILD);
    assert_non_null(strstr(why.message, "nonsense"));
    const char *log = hwa_queue_build_log(queue);
    assert_non_null(log);
    assert_true(strlen(log) > 100000);
    for (int i = 0; i < WARNINGS; ++i) {
        char number[LINE];
        sprintf(number, "%0100d", i);
        assert_non_null(strstr(log, number));
    }
    hwa_queue_free(queue);
    free(source);
}

/* More than 4 KiB of names are there to be told. */
static void names_the_kernels_there_are(void **state) {
    (void)state;
    enum { KERNELS = 30, LENGTH = 200 };
    char *source = malloc(KERNELS * (LENGTH + 32));
    size_t length = 0;
    for (int i = 0; i < KERNELS; ++i)
        length += (size_t)sprintf(source + length, "__kernel void k%0200d(void) {}\n", i);
    hwa_queue_t *queue = open_queue();
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    desc.code_kind = HWA_CODE_OPENCL_C;
    desc.code = source;
    desc.code_bytes = length;
    desc.entry = "another";
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    hwa_error_t why = {0};
    assert_int_equal(hwa_program_from_kernel(queue, variants, 1, &program, &why),
                     HWA_ERROR_NOT_FOUND);
    assert_non_null(strstr(why.message, "it has: k0"));
    hwa_queue_free(queue);
    free(source);
}

/* SPIR-V goes as it is to a device that takes it, and to no other. */
static void hands_on_spirv(void **state) {
    (void)state;
    static const uint32_t words[] = {0x07230203, 0x00010200, 0, 8, 0, 0x00020011, 6};
    void (*take)(const void *, size_t, const char *) =
        (void (*)(const void *, size_t, const char *))shim_function("shim_il");
    for (int takes = 0; takes < 2; ++takes) {
        take(words, sizeof words, takes ? count_source : NULL);
        hwa_queue_t *queue = open_queue();
        hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
        desc.code_kind = HWA_CODE_SPIRV_KERNEL;
        desc.code = words;
        desc.code_bytes = sizeof words;
        desc.entry = "count";
        const hwa_kernel_desc_t *const variants[] = {&desc};
        hwa_program_t *program = NULL;
        const unsigned long before = calls("clCreateProgramWithIL");
        hwa_error_t why = {0};
        const hwa_status_t status = hwa_program_from_kernel(queue, variants, 1, &program, &why);
        assert_int_equal(calls("clCreateProgramWithIL") - before, takes);
        if (!takes) {
            assert_int_equal(status, HWA_ERROR_UNSUPPORTED);
            assert_non_null(strstr(why.message, "this OpenCL device takes no SPIR-V"));
            hwa_queue_free(queue);
            continue;
        }
        assert_int_equal(status, HWA_OK);
        struct set set = use_set(queue, program);
        CHECK(launch(&set, NULL, error));
        assert_int_equal(counted(&set), 1);
        free_set(&set);
    }
    take(NULL, 0, NULL);
}

/* ---- Loaders ------------------------------------------------------------------------------ */

/* Version 1.0: no callbacks, no user events, no parts of buffers, no command buffers. */
static void drives_an_old_loader(void **state) {
    (void)state;
    struct folder old = folder_make("");
    folder_put(&old, "libOpenCL.so.1", "opencl-old");
    hwa_system_t *system = NULL;
    const hwa_device_t *on = detect(old.path, &system);
    assert_non_null(on);
    struct set set = make_set(open_on(on, NULL, 0));
    hwa_event_t *event = NULL;
    CHECK(launch(&set, &event, error));
    int32_t fd = -1;
    CHECK(hwa_event_fd(event, &fd, error));
    struct pollfd poll_for = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_for, 1, 60000), 1);
    CHECK(hwa_event_wait(event, 0, error));
    hwa_event_free(event);
    CHECK(launch(&set, &event, error));
    CHECK(hwa_event_wait(event, 60ull * SECOND, error));
    hwa_program_t *recorded = record(&set);
    CHECK(hwa_launch(set.queue, recorded, NULL, 0, NULL, NULL, error));
    assert_int_equal(counted(&set), 2 + LAUNCHES);
    close(fd);
    hwa_event_free(event);
    hwa_program_free(recorded);
    free_set(&set);
    hwa_system_free(system);
    folder_remove(&old);
}

/* What detection saw is not there any more when a queue is opened. */
static void misses_the_loader(void **state) {
    (void)state;
    static const struct {
        const char *instead;
        hwa_status_t status;
        const char *message;
    } rows[] = {{NOTHING, HWA_ERROR_UNAVAILABLE, "libOpenCL.so.1"},
                {"empty", HWA_ERROR_UNSUPPORTED, "clGetPlatformIDs"},
                {A_TEXT, HWA_ERROR_UNAVAILABLE, "libOpenCL.so.1"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        struct folder changed = folder_make("");
        folder_put(&changed, "libOpenCL.so.1", "opencl-shim");
        hwa_system_t *system = NULL;
        const hwa_device_t *on = detect(changed.path, &system);
        assert_non_null(on);
        char path[96];
        snprintf(path, sizeof path, "%s/libOpenCL.so.1", changed.path);
        assert_int_equal(unlink(path), 0);
        folder_put(&changed, "libOpenCL.so.1", rows[i].instead);
        hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
        options.runtime = "opencl";
        hwa_queue_t *queue = NULL;
        hwa_error_t why = {0};
        assert_int_equal(hwa_queue_open(on, &options, &queue, &why), rows[i].status);
        assert_non_null(strstr(why.message, rows[i].message));
        assert_null(queue);
        hwa_system_free(system);
        folder_remove(&changed);
    }
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(refuses_without_the_driver, no_faults),
        cmocka_unit_test_teardown(replays_in_three_calls, no_faults),
        cmocka_unit_test_teardown(tells_what_has_changed, no_faults),
        cmocka_unit_test_teardown(loses_the_device_at_a_launch, no_faults),
        cmocka_unit_test_teardown(loses_the_device_at_a_wait, no_faults),
        cmocka_unit_test_teardown(runs_out_of_memory, no_faults),
        cmocka_unit_test_teardown(fails_what_comes_after, no_faults),
        cmocka_unit_test_teardown(fails_half_a_batch, no_faults),
        cmocka_unit_test_teardown(keeps_the_whole_log, no_faults),
        cmocka_unit_test_teardown(names_the_kernels_there_are, no_faults),
        cmocka_unit_test_teardown(hands_on_spirv, no_faults),
        cmocka_unit_test_teardown(drives_an_old_loader, no_faults),
        cmocka_unit_test_teardown(misses_the_loader, no_faults),
    };
    if (argc != 2)
        return 2;
    int failed = SKIPPED;
    if (shim_open(argv[1]))
        failed = cmocka_run_group_tests_name("opencl", tests, NULL, NULL) != 0;
    shim_close();
    return failed;
}
