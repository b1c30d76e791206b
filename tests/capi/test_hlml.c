/* SPDX-License-Identifier: MIT */
/* HLML as the fake plays it: devices as it shows them, one that is lost beside a good one; each
   function that must be there; each way to go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "witness.h"
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const struct witness hlml = {"hlml", "libhlml.so", "hlml.scenario", NULL};

static void shows_what_the_driver_tells(void **state) {
    (void)state;
    const struct folder folder =
        witness_folder(&hlml, "hlml", "",
                       "device 0000:19:00.0 1020 103079215104 1800 600000 HL-225\nlost\n"
                       "device 0000:B3:00.0 1060 137438953472 1600 900000 HL-325\n");
    hwa_system_t *system = witness_look(&hlml, &folder, 20000);
    const hwa_backend_info_t row = witness_row(&hlml, system);
    assert_int_equal(row.outcome, HWA_OUTCOME_FOUND);
    assert_string_equal(row.version, "1.17.0-495");
    assert_non_null(strstr(row.message, "HLML_ERROR_AIP_IS_LOST (15)"));
    const hwa_device_t *device = hwa_system_find_device(system, "pci-0000:b3:00.0");
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(device, &info), HWA_OK);
    assert_string_equal(info.name, "HL-325");
    assert_int_equal(info.kind, HWA_KIND_ASIC);
    assert_int_equal(info.pci_vendor, 0x1da3);
    assert_int_equal(info.pci_device, 0x1060);
    assert_int_equal(info.power_limit_mw, 900000);
    assert_true(info.clock_hz == 1600000000);
    assert_true(info.memory_bytes == (uint64_t)128 << 30);
    hwa_attr_t attr = {0};
    assert_int_equal(hwa_device_attr(device, "hlml.index", &attr), HWA_OK);
    assert_true(attr.i == 2);
    assert_int_equal(hwa_device_attr(device, "hlml.uuid", &attr), HWA_OK);
    assert_string_equal(attr.s, "01P0-HL-325");
    assert_non_null(hwa_system_find_device(system, "pci-0000:19:00.0"));
    hwa_system_free(system);
    folder_remove(&folder);
}

static const hwa_device_info_t *device_at(const hwa_system_t *system, uint32_t bus) {
    static hwa_device_info_t info;
    char id[32];
    snprintf(id, sizeof id, "pci-0000:%02x:00.0", bus);
    info = HWA_INIT(hwa_device_info_t);
    const hwa_device_t *device = hwa_system_find_device(system, id);
    assert_non_null(device);
    assert_int_equal(hwa_device_info(device, &info), HWA_OK);
    return &info;
}

/* Eight Gaudi 3 of 128 GiB each. */
static void shows_all_of_a_server(void **state) {
    (void)state;
    char devices[1024] = "";
    for (int i = 0; i < 8; ++i) {
        char line[96];
        snprintf(line, sizeof line, "device 0000:%02x:00.0 1060 137438953472 1600 900000 HL-325\n",
                 0x10 + i);
        strcat(devices, line);
    }
    const struct folder folder = witness_folder(&hlml, "hlml", "", devices);
    hwa_system_t *system = witness_look(&hlml, &folder, 20000);
    assert_int_equal(witness_row(&hlml, system).device_count, 8);
    for (uint32_t i = 0; i < 8; ++i) {
        const hwa_device_info_t *info = device_at(system, 0x10 + i);
        assert_string_equal(info->architecture, "gaudi3");
        assert_true(info->memory_bytes == 137438953472);
    }
    hwa_system_free(system);
    folder_remove(&folder);
}

/* The generation is that of the chip, whatever a card is called. */
static void tells_generations_apart(void **state) {
    (void)state;
    const struct folder folder =
        witness_folder(&hlml, "hlml", "",
                       "device 0000:01:00.0 1000 34359738368 1575 350000 HL-205\n"
                       "device 0000:02:00.0 1020 103079215104 1800 600000 HL-225\n"
                       "device 0000:03:00.0 1063 137438953472 1600 600000 HL-338\n");
    hwa_system_t *system = witness_look(&hlml, &folder, 20000);
    static const char *const generations[] = {"gaudi", "gaudi2", "gaudi3"};
    for (uint32_t i = 0; i < 3; ++i)
        assert_string_equal(device_at(system, 1 + i)->architecture, generations[i]);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* A device that cannot be named is a warning, and no device. */
static void shows_nothing_that_is_lost(void **state) {
    (void)state;
    const struct folder folder = witness_folder(&hlml, "hlml", "", "lost\n");
    hwa_system_t *system = witness_look(&hlml, &folder, 20000);
    assert_int_equal(witness_row(&hlml, system).outcome, HWA_OUTCOME_FAILED);
    assert_int_equal(witness_row(&hlml, system).device_count, 0);
    assert_non_null(strstr(witness_row(&hlml, system).message, "HLML_ERROR_AIP_IS_LOST"));
    hwa_system_free(system);
    folder_remove(&folder);
}

static const struct witness_case cases[] = {
    {"hlml", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* Which symbols it has. */
    {"empty", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hlml_init"},
    {"hlml-no-hlml_init", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hlml_init"},
    {"hlml-no-hlml_device_get_count", "", HWA_OUTCOME_FAILED, 0, "dlopen", "get_count"},
    {"hlml-no-hlml_device_get_handle_by_index", "", HWA_OUTCOME_FAILED, 0, "dlopen", "by_index"},
    {"hlml-no-hlml_device_get_name", "", HWA_OUTCOME_FAILED, 0, "dlopen", "get_name"},
    {"hlml-no-hlml_device_get_pci_info", "", HWA_OUTCOME_FAILED, 0, "dlopen", "get_pci_info"},
    {"hlml-no-hlml_device_get_memory_info", "", HWA_OUTCOME_FAILED, 0, "dlopen", "get_memory_info"},
    {"hlml-no-hlml_get_driver_version", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* What it answers. */
    {"hlml", "hlml_init 1 fail", HWA_OUTCOME_MISSING, 0, "hlml_init", "DRIVER_NOT_LOADED (9)"},
    {"hlml", "hlml_device_get_count 1 null", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    {"hlml", "hlml_device_get_count 1 huge", HWA_OUTCOME_GARBAGE, 0, "hlml_device_get_count",
     "4294967295"},
    {"hlml", "hlml_device_get_handle_by_index 1 garbage", HWA_OUTCOME_CRASHED, 0,
     "hlml_device_get_pci_info", NULL},
    {"hlml", "hlml_device_get_name 1 name", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"hlml", "hlml_device_get_memory_info 1 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"hlml", "hlml_device_get_uuid 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* How it ends. */
    {"hlml", "hlml_init 1 segv", HWA_OUTCOME_CRASHED, 0, "hlml_init", "SIGSEGV"},
    {"hlml", "hlml_device_get_count 1 exit", HWA_OUTCOME_EXITED, 0, "hlml_device_get_count", NULL},
    {"hlml", "hlml_init 1 hang", HWA_OUTCOME_TIMEOUT, 0, "hlml_init", "within"},
};

static void goes_wrong_alone(void **state) {
    (void)state;
    witness_cases(&hlml, "pci-0000:19:00.0", cases, sizeof cases / sizeof cases[0]);
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_the_driver_tells),
        cmocka_unit_test(shows_all_of_a_server),
        cmocka_unit_test(tells_generations_apart),
        cmocka_unit_test(shows_nothing_that_is_lost),
        cmocka_unit_test(goes_wrong_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
