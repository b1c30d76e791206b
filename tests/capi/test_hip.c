/* SPDX-License-Identifier: MIT */
/* HIP's runtime as the fake plays it, and Debian's own where it is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "witness.h"

#include <string.h>

static const struct witness hip = {"hip", "libamdhip64.so.6", "hip.scenario", NULL};

#define CARD "pci-0000:c1:00.0"

static void numbers_devices_as_the_runtime_does(void **state) {
    (void)state;
    const struct folder folder =
        witness_folder(&hip, "hip", "",
                       "device 0000:C3:00.0 25753026560 - Radeon RX 7900 XTX\n"
                       "device 0000:c1:00.0 25767706624 0de0b6b3a7640007 AMD Instinct MI300X\n"
                       "device 0000:c1:00.0 25767706624 0de0b6b3a7640007 AMD Instinct MI300X\n"
                       "device - 1 - Somewhere\n");
    hwa_system_t *system = witness_look(&hip, &folder, 20000);
    assert_int_equal(witness_row(&hip, system).outcome, HWA_OUTCOME_FOUND);
    assert_string_equal(witness_row(&hip, system).version, "6.3.42134");
    assert_int_equal(witness_row(&hip, system).device_count, 4);
    assert_int_equal(witness_number(system, "pci-0000:c3:00.0", "hip.ordinal"), 0);
    assert_string_equal(witness_text(system, "pci-0000:c3:00.0", "hip.name"), "Radeon RX 7900 XTX");
    assert_string_equal(witness_text(system, "pci-0000:c3:00.0", "hip.uuid"), "");
    assert_true(witness_number(system, "pci-0000:c3:00.0", "hip.memory_bytes") == 25753026560);
    /* Parts of one card. */
    assert_int_equal(witness_number(system, CARD "-xcp0", "hip.ordinal"), 1);
    assert_int_equal(witness_number(system, CARD "-xcp1", "hip.ordinal"), 2);
    assert_true((witness_info(system, CARD "-xcp1").flags & HWA_DEVICE_PARTITION) != 0);
    assert_string_equal(witness_text(system, CARD "-xcp1", "hip.uuid"), "GPU-0de0b6b3a7640007");
    assert_int_equal(witness_number(system, "hip-3", "hip.ordinal"), 3);
    assert_string_equal(witness_info(system, "hip-3").vendor, "amd");
    hwa_system_free(system);
    folder_remove(&folder);
}

static void goes_wrong_alone(void **state) {
    (void)state;
    static const struct witness_case cases[] = {
        {"hip", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"empty", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hipGetErrorName"},
        {"hip-no-hipInit", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hipInit"},
        {"hip-no-hipRuntimeGetVersion", "", HWA_OUTCOME_FAILED, 0, "dlopen",
         "hipRuntimeGetVersion"},
        {"hip-no-hipGetDeviceCount", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hipGetDeviceCount"},
        {"hip-no-hipDeviceGetName", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hipDeviceGetName"},
        {"hip-no-hipDeviceGetPCIBusId", "", HWA_OUTCOME_FAILED, 0, "dlopen",
         "hipDeviceGetPCIBusId"},
        {"hip-no-hipDeviceTotalMem", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hipDeviceTotalMem"},
        {"hip-no-hipDeviceGetUuid", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hip", "hipInit 1 fail", HWA_OUTCOME_FAILED, 0, "hipInit", "hipErrorUnknown (999)"},
        {"hip", "hipGetDeviceCount 1 fail", HWA_OUTCOME_STARVED, 0, "hipGetDeviceCount",
         "hipErrorOutOfMemory (2)"},
        {"hip", "hipGetDeviceCount 1 huge", HWA_OUTCOME_GARBAGE, 0, "hipGetDeviceCount",
         "2147483647"},
        {"hip", "hipGetDeviceCount 1 garbage", HWA_OUTCOME_GARBAGE, 0, "hipGetDeviceCount", "-1"},
        {"hip", "hipRuntimeGetVersion 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hip", "hipDeviceGetName 1 name", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hip", "hipDeviceTotalMem 1 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hip", "hipDeviceGetUuid 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hip", "hipInit 1 segv", HWA_OUTCOME_CRASHED, 0, "hipInit", "SIGSEGV"},
        {"hip", "hipInit 1 exit", HWA_OUTCOME_EXITED, 0, "hipInit", "exit status 0"},
        {"hip", "hipInit 1 hang", HWA_OUTCOME_TIMEOUT, 0, "hipInit", "within"},
    };
    witness_cases(&hip, CARD, cases, sizeof cases / sizeof cases[0]);
}

static void shows_nothing_where_there_is_nothing(void **state) {
    (void)state;
    const struct folder folder = witness_folder(&hip, "hip", "", "# none\n");
    hwa_system_t *system = witness_look(&hip, &folder, 20000);
    assert_int_equal(witness_row(&hip, system).outcome, HWA_OUTCOME_MISSING);
    assert_non_null(strstr(witness_row(&hip, system).message, "hipErrorInvalidDevice"));
    hwa_system_free(system);
    folder_remove(&folder);
}

static void hears_the_real_one(void **state) {
    (void)state;
    witness_real(&hip, "libamdhip64.so.5", "/dev/kfd", HWA_OUTCOME_MISSING, "hipInit",
                 "hipErrorInvalidDevice (101)");
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_devices_as_the_runtime_does),
        cmocka_unit_test(goes_wrong_alone),
        cmocka_unit_test(shows_nothing_where_there_is_nothing),
        cmocka_unit_test(hears_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
