/* SPDX-License-Identifier: MIT */
/* What must be refused, with a status and a sentence, before a driver sees it. */
#include "suite.h"

#include <string.h>

static void refuses_null(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_EMPTY);
    hwa_queue_t *no_queue = queue;
    hwa_buffer_t *no_buffer = NULL;
    hwa_program_t *no_program = program;
    hwa_event_t *no_event = NULL;
    REFUSED(HWA_ERROR_INVALID, hwa_queue_open(NULL, NULL, &no_queue, error));
    assert_null(no_queue);
    REFUSED(HWA_ERROR_INVALID, hwa_queue_open(the_device, NULL, NULL, error));
    REFUSED(HWA_ERROR_INVALID, hwa_queue_finish(NULL, 0, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_create(NULL, NULL, &no_buffer, error));
    REFUSED(HWA_ERROR_INVALID, hwa_buffer_create(queue, NULL, &no_buffer, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(NULL, NULL, 1, &no_program, error));
    assert_null(no_program);
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, NULL, 1, &no_program, error));
    const hwa_kernel_desc_t *nothing[] = {NULL};
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, nothing, 1, &no_program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, nothing, 0, &no_program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_op(queue, NULL, NULL, 0, &no_program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_op(NULL, "gemm", NULL, 0, &no_program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_op(queue, "gemm", NULL, 1, &no_program, error));
    REFUSED(HWA_ERROR_INVALID, hwa_launch(NULL, program, NULL, 0, NULL, &no_event, error));
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, NULL, NULL, 0, NULL, &no_event, error));
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, NULL, 1, NULL, &no_event, error));
    REFUSED(HWA_ERROR_INVALID, hwa_event_wait(NULL, 0, error));
    assert_int_equal(hwa_queue_info(queue, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_queue_info(NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_program_info(NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_program_info(program, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_program_binding(NULL, 0, NULL), HWA_ERROR_INVALID);
    hwa_binding_t binding = HWA_INIT(hwa_binding_t);
    assert_int_equal(hwa_program_binding(program, 0, &binding), HWA_ERROR_RANGE);
    assert_null(hwa_queue_build_log(NULL));
    assert_null(hwa_queue_native(NULL));
    assert_int_equal(hwa_buffer_size(NULL), 0);
    assert_int_equal(hwa_buffer_native(NULL), 0);
    assert_int_equal(hwa_event_elapsed_ns(NULL), 0);
    hwa_queue_free(NULL);
    hwa_buffer_free(NULL);
    hwa_program_free(NULL);
    hwa_event_free(NULL);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void refuses_wrong_structs(void **state) {
    (void)state;
    hwa_queue_t *queue = NULL;
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.struct_size = 0;
    REFUSED(HWA_ERROR_INVALID, hwa_queue_open(the_device, &options, &queue, error));
    options.struct_size = 1u << 30;
    REFUSED(HWA_ERROR_INVALID, hwa_queue_open(the_device, &options, &queue, error));
    struct {
        hwa_queue_options_t known;
        uint64_t more[4];
    } longer;
    memset(&longer, 0, sizeof longer);
    longer.known.struct_size = sizeof longer;
    longer.known.runtime = the_runtime;
    longer.more[2] = 1;
    REFUSED(HWA_ERROR_UNSUPPORTED, hwa_queue_open(the_device, &longer.known, &queue, error));
    longer.more[2] = 0;
    CHECK(hwa_queue_open(the_device, &longer.known, &queue, error));
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    info.struct_size = 8; /* as an old program would have it */
    info.group_limit[0] = 4711;
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    assert_int_equal(info.struct_size, 8);
    assert_int_equal(info.group_limit[0], 4711);
    info.struct_size = 0;
    assert_int_equal(hwa_queue_info(queue, &info), HWA_ERROR_INVALID);
    hwa_queue_free(queue);

    options = HWA_INIT(hwa_queue_options_t);
    options.flags = 1u << 30;
    REFUSED(HWA_ERROR_UNSUPPORTED, hwa_queue_open(the_device, &options, &queue, error));
    options.flags = 0;
    options.runtime = "no such runtime";
    hwa_error_t why = {0};
    assert_int_equal(hwa_queue_open(the_device, &options, &queue, &why), HWA_ERROR_NOT_FOUND);
    assert_non_null(strstr(why.message, the_runtime)); /* what there is */
}

static void refuses_foreign_code(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = NULL;
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code = "x";
    kernel.code_bytes = 1;
    const hwa_kernel_desc_t *variants[] = {&kernel, &kernel};
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, variants, 1, &program, error));
    kernel.code_kind = (hwa_code_t)4711;
    REFUSED(HWA_ERROR_UNSUPPORTED, hwa_program_from_kernel(queue, variants, 1, &program, error));
    kernel.code_kind = HWA_CODE_HSACO;
    hwa_kernel_desc_t wgsl = kernel;
    wgsl.code_kind = HWA_CODE_WGSL;
    variants[1] = &wgsl;
    hwa_error_t why = {0};
    assert_int_equal(hwa_program_from_kernel(queue, variants, 2, &program, &why),
                     HWA_ERROR_UNSUPPORTED);
    assert_non_null(strstr(why.message, "hsaco"));
    assert_non_null(strstr(why.message, "wgsl"));
    kernel.code_bytes = 0;
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, variants, 1, &program, error));
    kernel.code_kind = HWA_CODE_HOST;
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, variants, 1, &program, error));
    kernel.struct_size = 0;
    REFUSED(HWA_ERROR_INVALID, hwa_program_from_kernel(queue, variants, 1, &program, error));
    assert_null(program);
    hwa_queue_free(queue);
}

static void refuses_wrong_arguments(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_SPIN);
    const uint32_t zero = 0;
    const uint64_t turns = 1;
    hwa_buffer_t *buffer = make_buffer(queue, sizeof zero, &zero);
    hwa_arg_t args[3] = {{.buffer = buffer}, {.data = &turns, .size_bytes = sizeof turns}};
    hwa_event_t *event = (hwa_event_t *)buffer;
    args[0].offset = 4;
    REFUSED(HWA_ERROR_RANGE, hwa_launch(queue, program, args, 2, NULL, &event, error));
    assert_null(event);
    args[0].offset = UINT64_MAX;
    REFUSED(HWA_ERROR_RANGE, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    args[0].offset = 0;
    args[0].size_bytes = 5;
    REFUSED(HWA_ERROR_RANGE, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    args[0].size_bytes = 0;
    args[1].size_bytes = 0;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    args[1].size_bytes = UINT64_MAX;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    args[1].size_bytes = sizeof turns;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 100000, NULL, NULL, error));
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.struct_size = 2;
    REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, &shape, NULL, error));
    if (!is_host()) { /* these kernels tell what they want */
        args[1].size_bytes = 4;
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, NULL, NULL, error));
        args[1].size_bytes = sizeof turns;
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 1, NULL, NULL, error));
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 3, NULL, NULL, error));
        args[1].data = NULL;
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    }
    /* CUDA tells the size of an argument, and an address has that of this value. */
    if (!is_host() && strcmp(the_runtime, "cuda") != 0) {
        args[1].buffer = buffer;
        args[1].size_bytes = 0;
        REFUSED(HWA_ERROR_INVALID, hwa_launch(queue, program, args, 2, NULL, NULL, error));
    }
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    uint32_t value = 1;
    CHECK(hwa_buffer_read(buffer, 0, &value, sizeof value, NULL, error));
    assert_int_equal(value, 0); /* nothing ran */
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

/* Sizes that add up to 0 in 64 bits. */
static void refuses_values_that_wrap(hwa_queue_t *queue, const hwa_program_t *program) {
    const char value = 0;
    hwa_arg_t args[4];
    memset(args, 0, sizeof args);
    for (int i = 0; i < 4; ++i) {
        args[i].data = &value;
        args[i].size_bytes = UINT64_C(1) << 62;
    }
    /* As over the limit, or where the kernel tells beforehand, as not what it takes. */
    const int limit = is_host() || strcmp(the_runtime, "cuda") == 0;
    REFUSED(limit ? HWA_ERROR_UNSUPPORTED : HWA_ERROR_INVALID,
            hwa_launch(queue, program, args, 4, NULL, NULL, error));
}

static void refuses_what_is_over_a_limit(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_EMPTY);
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    assert_ptr_equal(info.device, the_device);
    assert_string_equal(info.runtime, the_runtime);
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    for (int i = 0; i < 3; ++i)
        shape.grid[i] = UINT32_MAX;
    REFUSED(HWA_ERROR_UNSUPPORTED, hwa_launch(queue, program, NULL, 0, &shape, NULL, error));
    shape = HWA_INIT(hwa_launch_options_t);
    if (info.threads_per_group != 0) {
        shape.group[0] = info.threads_per_group;
        shape.group[1] = 2;
        REFUSED(HWA_ERROR_UNSUPPORTED, hwa_launch(queue, program, NULL, 0, &shape, NULL, error));
        shape.group[1] = 1;
    }
    if (info.group_limit[2] != 0 && info.group_limit[2] < UINT32_MAX) {
        shape.group[0] = 1;
        shape.group[2] = info.group_limit[2] + 1;
        REFUSED(HWA_ERROR_UNSUPPORTED, hwa_launch(queue, program, NULL, 0, &shape, NULL, error));
    }
    shape = HWA_INIT(hwa_launch_options_t);
    shape.shared_bytes = UINT32_MAX;
    REFUSED(HWA_ERROR_UNSUPPORTED, hwa_launch(queue, program, NULL, 0, &shape, NULL, error));
    if (info.buffer_bytes != 0 && info.buffer_bytes < UINT64_MAX) {
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        desc.size_bytes = info.buffer_bytes + 1;
        hwa_buffer_t *buffer = NULL;
        REFUSED(HWA_ERROR_UNSUPPORTED, hwa_buffer_create(queue, &desc, &buffer, error));
    }
    refuses_values_that_wrap(queue, program);
    CHECK(hwa_launch(queue, program, NULL, 0, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static const struct CMUnitTest refusals_tests[] = {
    cmocka_unit_test(refuses_null),
    cmocka_unit_test(refuses_wrong_structs),
    cmocka_unit_test(refuses_foreign_code),
    cmocka_unit_test(refuses_wrong_arguments),
    cmocka_unit_test(refuses_what_is_over_a_limit),
};
GROUP(refusals);
