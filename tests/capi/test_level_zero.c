/* SPDX-License-Identifier: MIT */
/* Level Zero as the fake plays it: cards, tiles and NPUs as it shows them; each function that must
   be there and those that may lack; each way to go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include "folder.h"

#include <stdio.h>
#include <string.h>

#define LOADER "libze_loader.so.1"

static struct folder with(const char *fake, const char *faults, const char *devices) {
    const struct folder folder = folder_make(faults);
    folder_put(&folder, LOADER, fake);
    if (devices != NULL) {
        char path[128];
        snprintf(path, sizeof path, "%s/level_zero.scenario", folder.path);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(devices, file) >= 0);
        fclose(file);
    }
    return folder;
}

static hwa_system_t *look(const struct folder *folder, uint32_t timeout_ms) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    options.library_path = folder->path;
    options.backends = "level_zero";
    options.timeout_ms = timeout_ms;
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

static hwa_backend_info_t row_of(const hwa_system_t *system) {
    hwa_backend_info_t info = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &info) == HWA_OK; ++i)
        if (strcmp(info.name, "level_zero") == 0)
            return info;
    fail_msg("there is no row for level_zero");
    return info;
}

static hwa_device_info_t info_of(const hwa_system_t *system, const char *id) {
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    const hwa_device_t *device = hwa_system_find_device(system, id);
    if (device == NULL)
        fail_msg("there is no %s in %s", id, hwa_system_json(system));
    assert_int_equal(hwa_device_info(device, &info), HWA_OK);
    return info;
}

static int64_t number_of(const hwa_system_t *system, const char *id, const char *key) {
    hwa_attr_t attr = {0};
    if (hwa_device_attr(hwa_system_find_device(system, id), key, &attr) != HWA_OK)
        return -1;
    return attr.i;
}

#define MAX_ID "pci-0000:29:00.0"

static void shows_what_the_drivers_tell(void **state) {
    (void)state;
    const struct folder folder =
        with("level-zero", "",
             "device gpu 8086 0bd5 0000:29:00.0 Intel(R) Data Center GPU Max 1550\n"
             "clock 1600\nunits 1 128 8\nmemory 137438953472\ntiles 2\npower 600000 450000\n"
             "ports 8 53000000000\nchips 0\nfp 3\nuuid 8680d50b2f0000002900000000000000\n"
             "device gpu 8086 64a0 0000:00:02.0 Intel(R) Arc(TM) 140V GPU\n"
             "integrated\nclock 2050\nunits 1 8 8\nmemory 16970153984\nfp 3\n"
             "uuid 8680a06404000000000200000000000\n"
             "device npu 8086 643e - Intel(R) AI Boost\nmemory 33285996544\n"
             "uuid 00000000000000000000000000643e01\n");
    hwa_system_t *system = look(&folder, 20000);
    assert_int_equal(row_of(system).outcome, HWA_OUTCOME_FOUND);
    assert_string_equal(row_of(system).version, "17002026");
    const hwa_device_info_t max = info_of(system, MAX_ID);
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
    assert_true(number_of(system, MAX_ID, "intel.xe_link_ports") == 8);
    assert_true(number_of(system, MAX_ID, "intel.xe_link_bits_per_second") == 53000000000);
    for (const char *const *id = (const char *const[]){MAX_ID "-tile0", MAX_ID "-tile1", NULL};
         *id != NULL; ++id) {
        const hwa_device_info_t tile = info_of(system, *id);
        assert_int_equal(tile.compute_units, 512);
        assert_true(tile.memory_bytes == (uint64_t)64 << 30);
        assert_ptr_equal(tile.parent, hwa_system_find_device(system, MAX_ID));
        assert_true((tile.flags & HWA_DEVICE_PARTITION) != 0);
    }
    const hwa_device_info_t own = info_of(system, "pci-0000:00:02.0");
    assert_true((own.flags & HWA_DEVICE_INTEGRATED) != 0);
    assert_int_equal(hwa_device_memory(hwa_system_find_device(system, own.id), 0, &memory), HWA_OK);
    assert_int_equal(memory.role, HWA_MEMORY_ROLE_SHARED);
    /* Its uuid is that of all NPUs of the kind, so it says nothing of this one. */
    const hwa_device_info_t npu = info_of(system, "level_zero-2");
    assert_int_equal(npu.kind, HWA_KIND_NPU);
    assert_int_equal(npu.compute_units, 0);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* The width of a bus and the number of engines are no sizes of memories. */
static void a_card_has_its_memory(void **state) {
    (void)state;
    const struct folder folder = with("level-zero", "", NULL);
    hwa_system_t *system = look(&folder, 20000);
    const hwa_device_info_t info = info_of(system, "pci-0000:03:00.0");
    assert_string_equal(info.name, "Intel(R) Arc(TM) A770 Graphics");
    assert_int_equal(info.compute_units, 512);
    assert_true(info.memory_bytes == 16225243136);
    hwa_system_free(system);
    folder_remove(&folder);
}

static const struct row {
    const char *fake, *faults;
    hwa_outcome_t outcome;
    int cards;
    const char *stage, *message; /* NULL: none is demanded */
} rows[] = {
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
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        const struct row *row = &rows[i];
        const struct folder folder = with(row->fake, row->faults, NULL);
        hwa_system_t *system = look(&folder, strstr(row->faults, "hang") != NULL ? 300 : 20000);
        const hwa_backend_info_t told = row_of(system);
        const int cards = hwa_system_find_device(system, "pci-0000:03:00.0") != NULL;
        if (told.outcome != row->outcome || cards != row->cards ||
            (row->stage != NULL && (told.stage == NULL || strcmp(told.stage, row->stage) != 0)) ||
            (row->message != NULL &&
             (told.message == NULL || strstr(told.message, row->message) == NULL)))
            fail_msg("%s, %s: outcome %d, %d cards, in %s: %s", row->fake, row->faults,
                     (int)told.outcome, cards, told.stage, told.message);
        hwa_system_free(system);
        folder_remove(&folder);
    }
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
