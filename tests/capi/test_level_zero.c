/* SPDX-License-Identifier: MIT */
/* Level Zero as the fake plays it: cards, tiles and NPUs as it shows them; each function that must
   be there and those that may lack; each way to go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "witness.h"
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const struct witness level_zero = {"level_zero", "libze_loader.so.1", "level_zero.scenario",
                                          NULL};

#define MAX_ID "pci-0000:29:00.0"

static void shows_what_the_drivers_tell(void **state) {
    (void)state;
    const struct folder folder = witness_folder(
        &level_zero, "level-zero", "",
        "device gpu 8086 0bd5 0000:29:00.0 Intel(R) Data Center GPU Max 1550\n"
        "clock 1600\nunits 1 128 8\nmemory 137438953472\ntiles 2\npower 600000 450000\n"
        "ports 8 53000000000\nchips 0\nfp 3\nuuid 8680d50b2f0000002900000000000000\n"
        "device gpu 8086 64a0 0000:00:02.0 Intel(R) Arc(TM) 140V GPU\n"
        "integrated\nclock 2050\nunits 1 8 8\nmemory 16970153984\nfp 3\n"
        "uuid 8680a06404000000000200000000000\n"
        "device npu 8086 643e - Intel(R) AI Boost\nmemory 33285996544\n"
        "uuid 00000000000000000000000000643e01\n");
    hwa_system_t *system = witness_look(&level_zero, &folder, 20000);
    assert_int_equal(witness_row(&level_zero, system).outcome, HWA_OUTCOME_FOUND);
    assert_string_equal(witness_row(&level_zero, system).version, "17002026");
    const hwa_device_info_t max = witness_info(system, MAX_ID);
    assert_string_equal(max.name, "Intel(R) Data Center GPU Max 1550");
    assert_string_equal(max.vendor, "intel");
    assert_int_equal(max.kind, HWA_KIND_GPU);
    assert_int_equal(max.compute_units, 1024);
    assert_int_equal(max.power_limit_mw, 450000);
    assert_true(max.clock_hz == 1600000000);
    assert_true(max.memory_bytes == (uint64_t)128 << 30);
    hwa_memory_info_t memory = HWA_INIT(hwa_memory_info_t);
    assert_int_equal(hwa_device_memory(hwa_system_find_device(system, MAX_ID), 0, &memory), HWA_OK);
    assert_int_equal(memory.kind, HWA_MEMORY_HBM);
    assert_int_equal(memory.role, HWA_MEMORY_ROLE_DEDICATED);
    assert_true(witness_number(system, MAX_ID, "intel.xe_link_ports") == 8);
    assert_true(witness_number(system, MAX_ID, "intel.xe_link_bits_per_second") == 53000000000);
    for (const char *const *id = (const char *const[]){MAX_ID "-tile0", MAX_ID "-tile1", NULL};
         *id != NULL; ++id) {
        const hwa_device_info_t tile = witness_info(system, *id);
        assert_int_equal(tile.compute_units, 512);
        assert_true(tile.memory_bytes == (uint64_t)64 << 30);
        assert_ptr_equal(tile.parent, hwa_system_find_device(system, MAX_ID));
        assert_true((tile.flags & HWA_DEVICE_PARTITION) != 0);
    }
    const hwa_device_info_t own = witness_info(system, "pci-0000:00:02.0");
    assert_true((own.flags & HWA_DEVICE_INTEGRATED) != 0);
    assert_int_equal(hwa_device_memory(hwa_system_find_device(system, own.id), 0, &memory), HWA_OK);
    assert_int_equal(memory.role, HWA_MEMORY_ROLE_SHARED);
    /* Its uuid is that of all NPUs of the kind, so it says nothing of this one. */
    const hwa_device_info_t npu = witness_info(system, "level_zero-2");
    assert_int_equal(npu.kind, HWA_KIND_NPU);
    assert_int_equal(npu.compute_units, 0);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* The width of a bus and the number of engines are no sizes of memories. */
static void a_card_has_its_memory(void **state) {
    (void)state;
    const struct folder folder = witness_folder(&level_zero, "level-zero", "", NULL);
    hwa_system_t *system = witness_look(&level_zero, &folder, 20000);
    const hwa_device_info_t info = witness_info(system, "pci-0000:03:00.0");
    assert_string_equal(info.name, "Intel(R) Arc(TM) A770 Graphics");
    assert_int_equal(info.compute_units, 512);
    assert_true(info.memory_bytes == 16225243136);
    hwa_system_free(system);
    folder_remove(&folder);
}

static const struct witness_case cases[] = {
    {"level-zero", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* Which symbols it has. */
    {"empty", "", HWA_OUTCOME_FAILED, 0, "dlopen", "zeInit"},
    {"level-zero-no-zeInit", "", HWA_OUTCOME_FAILED, 0, "dlopen", "zeInit"},
    {"level-zero-no-zeDriverGet", "", HWA_OUTCOME_FAILED, 0, "dlopen", "zeDriverGet"},
    {"level-zero-no-zeDriverGetProperties", "", HWA_OUTCOME_FAILED, 0, "dlopen",
     "zeDriverGetProperties"},
    {"level-zero-no-zeDeviceGet", "", HWA_OUTCOME_FAILED, 0, "dlopen", "zeDeviceGet"},
    {"level-zero-no-zeDeviceGetProperties", "", HWA_OUTCOME_FAILED, 0, "dlopen",
     "zeDeviceGetProperties"},
    {"level-zero-no-zeDeviceGetMemoryProperties", "", HWA_OUTCOME_FAILED, 0, "dlopen",
     "zeDeviceGetMemoryProperties"},
    {"level-zero-no-zeInitDrivers", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"level-zero-no-zesInit", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* What it answers. */
    {"level-zero", "zeInitDrivers 1 fail", HWA_OUTCOME_MISSING, 0, "zeInitDrivers",
     "ZE_RESULT_ERROR_UNINITIALIZED (0x78000001)"},
    {"level-zero-no-zeInitDrivers", "zeInit 1 fail", HWA_OUTCOME_MISSING, 0, "zeInit",
     "ZE_RESULT_ERROR_UNINITIALIZED"},
    {"level-zero-no-zeInitDrivers", "zeDriverGet 2 fail", HWA_OUTCOME_MISSING, 0, "zeDriverGet",
     NULL},
    {"level-zero", "zeInitDrivers 1 null", HWA_OUTCOME_ABSENT, 0, NULL, "no device"},
    {"level-zero", "zeDeviceGet 1 null", HWA_OUTCOME_ABSENT, 0, NULL, "no device"},
    {"level-zero", "zeDeviceGet 1 huge", HWA_OUTCOME_GARBAGE, 0, "zeDeviceGet", "4294967295"},
    {"level-zero", "zeDeviceGet 2 garbage", HWA_OUTCOME_CRASHED, 0, "zeDeviceGetProperties", NULL},
    {"level-zero", "zeDeviceGetProperties 1 name", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"level-zero", "zeDeviceGetProperties 1 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"level-zero", "zeDeviceGetMemoryProperties 2 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"level-zero", "zesInit 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"level-zero", "zesDeviceGet 1 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"level-zero", "zeDeviceGetSubDevices 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* How it ends. */
    {"level-zero", "zeInitDrivers 1 segv", HWA_OUTCOME_CRASHED, 0, "zeInitDrivers", "SIGSEGV"},
    {"level-zero", "zesInit 1 abort", HWA_OUTCOME_CRASHED, 0, "zesInit", "SIGABRT"},
    {"level-zero", "zeDeviceGet 1 exit", HWA_OUTCOME_EXITED, 0, "zeDeviceGet", "exit status 0"},
    {"level-zero", "zeDeviceGetSubDevices 1 segv", HWA_OUTCOME_CRASHED, 1, "zeDeviceGetSubDevices",
     NULL},
    {"level-zero", "zeInitDrivers 1 hang", HWA_OUTCOME_TIMEOUT, 0, "zeInitDrivers", "within"},
};

static void goes_wrong_alone(void **state) {
    (void)state;
    witness_cases(&level_zero, "pci-0000:03:00.0", cases, sizeof cases / sizeof cases[0]);
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_the_drivers_tell),
        cmocka_unit_test(a_card_has_its_memory),
        cmocka_unit_test(goes_wrong_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
