/* SPDX-License-Identifier: MIT */
/* AWS's Neuron runtime as the fake plays it, where the kernel has no device: what it tells is of
   none, so there is none. tests/unit/test_neuron_rt.cpp has the devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "witness.h"

#include <string.h>

static const struct witness neuron_rt = {"neuron_rt", "libnrt.so.1", "neuron_rt.scenario", NULL};

static void shows_no_device_of_its_own(void **state) {
    (void)state;
    const struct folder folder = witness_folder(&neuron_rt, "neuron-rt", "", "cores 16 4\n");
    hwa_system_t *system = witness_look(&neuron_rt, &folder, 20000);
    const hwa_backend_info_t row = witness_row(&neuron_rt, system);
    assert_int_equal(row.outcome, HWA_OUTCOME_ABSENT);
    assert_int_equal(row.device_count, 0);
    assert_string_equal(row.version, "2.31.24.0");
    assert_non_null(strstr(row.library, folder.path));
    assert_non_null(strstr(row.message, "no device"));
    assert_null(hwa_system_find_device(system, "neuron_rt"));
    hwa_system_free(system);
    folder_remove(&folder);
}

static void has_no_version_where_none_is_told(void **state) {
    (void)state;
    static const char *const faults[] = {"nrt_get_version 1 fail", "nrt_get_version 1 huge"};
    for (int i = 0; i < 2; ++i) {
        const struct folder folder = witness_folder(&neuron_rt, "neuron-rt", faults[i], NULL);
        hwa_system_t *system = witness_look(&neuron_rt, &folder, 20000);
        assert_int_equal(witness_row(&neuron_rt, system).outcome, HWA_OUTCOME_ABSENT);
        assert_null(witness_row(&neuron_rt, system).version);
        hwa_system_free(system);
        folder_remove(&folder);
    }
}

static void goes_wrong_alone(void **state) {
    (void)state;
    static const struct witness_case cases[] = {
        {"neuron-rt", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device"},
        /* Which symbols it has. */
        {"empty", "", HWA_OUTCOME_FAILED, 0, "dlopen", "nrt_get_version"},
        {"neuron-rt-no-nrt_get_version", "", HWA_OUTCOME_FAILED, 0, "dlopen", "nrt_get_version"},
        {"neuron-rt-no-nrt_get_total_nc_count", "", HWA_OUTCOME_FAILED, 0, "dlopen",
         "nrt_get_total_nc_count"},
        {"neuron-rt-no-nrt_get_visible_nc_count", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device"},
        {"neuron-rt-old", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device"},
        /* What it answers. */
        {"neuron-rt", "nrt_get_total_vnc_count 1 fail", HWA_OUTCOME_STARVED, 0,
         "nrt_get_total_vnc_count", "NRT_FAIL_HOST_MEM_ALLOC (11)"},
        {"neuron-rt", "nrt_get_total_vnc_count 1 huge", HWA_OUTCOME_GARBAGE, 0,
         "nrt_get_total_vnc_count", "4294967295"},
        {"neuron-rt", "nrt_get_total_vnc_count 1 null", HWA_OUTCOME_ABSENT, 0, NULL,
         "no core to show"},
        {"neuron-rt-old", "nrt_get_total_nc_count 1 huge", HWA_OUTCOME_GARBAGE, 0,
         "nrt_get_total_nc_count", "4294967295"},
        {"neuron-rt", "nrt_get_visible_vnc_count 1 fail", HWA_OUTCOME_ABSENT, 0, NULL, "no device"},
        /* How it ends. */
        {"neuron-rt", "nrt_get_version 1 segv", HWA_OUTCOME_CRASHED, 0, "nrt_get_version",
         "SIGSEGV"},
        {"neuron-rt", "nrt_get_total_vnc_count 1 exit", HWA_OUTCOME_EXITED, 0,
         "nrt_get_total_vnc_count", "exit status 0"},
        {"neuron-rt", "nrt_get_visible_vnc_count 1 hang", HWA_OUTCOME_TIMEOUT, 0,
         "nrt_get_visible_vnc_count", "within"},
    };
    witness_cases(&neuron_rt, "neuron_rt", cases, sizeof cases / sizeof cases[0]);
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_no_device_of_its_own),
        cmocka_unit_test(has_no_version_where_none_is_told),
        cmocka_unit_test(goes_wrong_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
