/* SPDX-License-Identifier: MIT */
/* Variants of a kernel: which is taken, and why each before it was not. */
#include "suite.h"

#include <string.h>

static int32_t nothing(void *user, const hwa_host_call_t *call) {
    (void)user;
    (void)call;
    return 0;
}

/* Kinds of code that no device of this suite takes, each in its own words. */
static void gives_a_reason_for_each(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_kernel_desc_t foreign[2] = {HWA_INIT(hwa_kernel_desc_t), HWA_INIT(hwa_kernel_desc_t)};
    foreign[0].code_kind = HWA_CODE_METAL;
    foreign[1].code_kind = HWA_CODE_HSACO;
    for (int i = 0; i < 2; ++i) {
        foreign[i].code = "x";
        foreign[i].code_bytes = 1;
    }
    hwa_program_t *first = make_program(queue, KERNEL_EMPTY);
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    assert_int_equal(hwa_program_info(first, &info), HWA_OK);
    const uint32_t own = info.variant; /* of those that the suite has for every kernel */
    assert_true((own == 0) == (info.message == NULL));

    const hwa_kernel_desc_t *variants[SUITE_VARIANTS + 2] = {&foreign[0], &foreign[1]};
    hwa_kernel_desc_t mine[SUITE_VARIANTS];
    const uint32_t count = kernel_variants(KERNEL_EMPTY, mine);
    for (uint32_t i = 0; i < count; ++i)
        variants[2 + i] = &mine[i];
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, 2 + count, &program, error));
    assert_int_equal(hwa_program_info(program, &info), HWA_OK);
    assert_int_equal(info.variant, own + 2);
    assert_non_null(info.message);
    assert_non_null(strstr(info.message, "metal: "));
    assert_non_null(strstr(info.message, "hsaco: "));
    assert_true(strstr(info.message, "metal: ") < strstr(info.message, "hsaco: "));
    CHECK(hwa_launch(queue, program, NULL, 0, NULL, NULL, error));
    CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
    hwa_program_free(program);
    hwa_program_free(first);
    hwa_queue_free(queue);
}

/* The first that fits is taken, and nothing said of those after it. */
static void takes_the_first_that_fits(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0);
    hwa_kernel_desc_t mine[SUITE_VARIANTS];
    const uint32_t count = kernel_variants(KERNEL_EMPTY, mine);
    for (uint32_t i = 0; i < count; ++i) {
        const hwa_kernel_desc_t *alone = &mine[i];
        hwa_program_t *program = NULL;
        hwa_error_t why = {0};
        if (hwa_program_from_kernel(queue, &alone, 1, &program, &why) == HWA_OK) {
            hwa_kernel_desc_t last = HWA_INIT(hwa_kernel_desc_t);
            last.code_kind = HWA_CODE_HOST;
            last.host = nothing;
            const hwa_kernel_desc_t *two[] = {alone, &last};
            hwa_program_free(program);
            CHECK(hwa_program_from_kernel(queue, two, 2, &program, error));
            hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
            assert_int_equal(hwa_program_info(program, &info), HWA_OK);
            assert_int_equal(info.variant, 0);
            assert_null(info.message);
            hwa_program_free(program);
            hwa_queue_free(queue);
            return;
        }
        assert_int_equal(why.status, HWA_ERROR_UNSUPPORTED);
        assert_true(strlen(why.message) > 20);
    }
    fail_msg("%s takes none of the suite's variants", the_runtime);
}

static const struct CMUnitTest variants_tests[] = {
    cmocka_unit_test(gives_a_reason_for_each),
    cmocka_unit_test(takes_the_first_that_fits),
};
GROUP(variants);
