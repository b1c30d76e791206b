/* SPDX-License-Identifier: MIT */
/* Queues on devices that cannot be opened: each refusal has its own status and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <string.h>

static hwa_system_t *here(void) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

static void a_system_from_a_file_cannot_be_opened(void **state) {
    (void)state;
    hwa_system_t *live = here();
    hwa_system_t *read = NULL;
    assert_int_equal(hwa_system_from_json(hwa_system_json(live), &read, NULL), HWA_OK);
    hwa_queue_t *queue = (hwa_queue_t *)read;
    hwa_error_t error = {0};
    assert_int_equal(hwa_queue_open(hwa_system_find_device(read, "cpu-0"), NULL, &queue, &error),
                     HWA_ERROR_UNAVAILABLE);
    assert_null(queue);
    assert_non_null(strstr(error.message, "cpu-0"));
    hwa_system_free(read);
    hwa_system_free(live);
}

static void a_queue_keeps_its_system(void **state) {
    (void)state;
    hwa_system_t *system = here();
    const hwa_device_t *device = hwa_system_find_device(system, "cpu-0");
    hwa_queue_t *queue = NULL;
    assert_int_equal(hwa_queue_open(device, NULL, &queue, NULL), HWA_OK);
    hwa_system_free(system);
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    assert_int_equal(hwa_queue_info(queue, &info), HWA_OK);
    assert_ptr_equal(info.device, device);
    hwa_device_info_t facts = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(info.device, &facts), HWA_OK);
    assert_string_equal(facts.id, "cpu-0");
    hwa_queue_free(queue);
}

static void a_queue_shares_with_its_own_kind_only(void **state) {
    (void)state;
    hwa_system_t *one = here();
    hwa_system_t *two = here();
    hwa_queue_t *queue = NULL;
    assert_int_equal(hwa_queue_open(hwa_system_find_device(one, "cpu-0"), NULL, &queue, NULL),
                     HWA_OK);
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.share = queue;
    hwa_queue_t *other = NULL;
    hwa_error_t error = {0};
    assert_int_equal(hwa_queue_open(hwa_system_find_device(two, "cpu-0"), &options, &other, &error),
                     HWA_ERROR_INVALID);
    assert_true(error.message[0] != '\0');
    hwa_queue_free(queue);
    hwa_system_free(one);
    hwa_system_free(two);
}

static void the_cpu_says_what_it_runs(void **state) {
    (void)state;
    hwa_system_t *system = here();
    hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
    assert_int_equal(hwa_device_runtime(hwa_system_find_device(system, "cpu-0"), 0, &row), HWA_OK);
    assert_string_equal(row.name, "cpu");
    assert_int_equal(row.status, HWA_OK);
    assert_int_equal(row.code_mask,
                     1u << HWA_CODE_HOST | 1u << HWA_CODE_SHARED_OBJECT | 1u << HWA_CODE_C);
    assert_int_equal(row.flags, HWA_BACKEND_RUNS_KERNELS | HWA_BACKEND_RUNS_OPS);
    hwa_system_free(system);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_from_a_file_cannot_be_opened),
        cmocka_unit_test(a_queue_keeps_its_system),
        cmocka_unit_test(a_queue_shares_with_its_own_kind_only),
        cmocka_unit_test(the_cpu_says_what_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
