/* SPDX-License-Identifier: MIT */
/* AMD's HSA runtime as the fake plays it, and Debian's own where it is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "witness.h"

#include <string.h>

#define CARD "pci-0000:c1:00.0"

/* A pool of a work group's own memory is none of the card's, however large. */
static void has_the_cards_memory_or_none(const hwa_system_t *system) {
    const int64_t bytes = witness_number(system, CARD, "hsa.memory_bytes");
    assert_true(bytes == 206141652992 || bytes == -1);
}

static const struct witness hsa = {"hsa", "libhsa-runtime64.so.1", "hsa.scenario",
                                   has_the_cards_memory_or_none};

static void tells_of_each_agent(void **state) {
    (void)state;
    const struct folder folder = witness_folder(
        &hsa, "hsa", "",
        "gpu 0 c100 74a1 304 2100 206141652992 0de0b6b3a7640007 gfx942 AMD Instinct MI300X\n"
        "npu 0 c300 17f0 4 1800 1 - aie2 AMD NPU\n"
        "gpu 10000 400 744c 96 2482 25753026560 - gfx1100 Radeon RX 7900 XTX\n"
        "gpu - 0 0 0 0 0 - gfx90a\n");
    hwa_system_t *system = witness_look(&hsa, &folder, 20000);
    const hwa_backend_info_t row = witness_row(&hsa, system);
    assert_int_equal(row.outcome, HWA_OUTCOME_FOUND);
    assert_string_equal(row.version, "HSA 1.14");
    assert_int_equal(row.device_count, 3);
    const hwa_device_info_t card = witness_info(system, CARD);
    assert_int_equal(card.kind, HWA_KIND_GPU);
    assert_string_equal(card.vendor, "amd");
    assert_int_equal(card.pci_device, 0x74a1);
    assert_int_equal(witness_number(system, CARD, "hsa.ordinal"), 0);
    assert_int_equal(witness_number(system, CARD, "hsa.node"), 1);
    assert_int_equal(witness_number(system, CARD, "hsa.compute_units"), 304);
    assert_true(witness_number(system, CARD, "hsa.clock_hz") == 2100000000);
    assert_true(witness_number(system, CARD, "hsa.memory_bytes") == 206141652992);
    assert_string_equal(witness_text(system, CARD, "hsa.gfx"), "gfx942");
    assert_string_equal(witness_text(system, CARD, "hsa.name"), "AMD Instinct MI300X");
    assert_string_equal(witness_text(system, CARD, "hsa.uuid"), "GPU-0de0b6b3a7640007");
    assert_int_equal(witness_number(system, "pci-10000:04:00.0", "hsa.ordinal"), 1);
    assert_string_equal(witness_text(system, "pci-10000:04:00.0", "hsa.uuid"), "");
    /* Of what is not told there is nothing. */
    assert_string_equal(witness_text(system, "hsa-2", "hsa.gfx"), "gfx90a");
    assert_string_equal(witness_text(system, "hsa-2", "hsa.name"), "");
    assert_int_equal(witness_number(system, "hsa-2", "hsa.compute_units"), -1);
    assert_int_equal(witness_number(system, "hsa-2", "hsa.memory_bytes"), -1);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* By the bits of the function, by those at the top, and by nothing but their order. */
static void tells_parts_apart(void **state) {
    (void)state;
    const struct folder folder = witness_folder(&hsa, "hsa", "",
                                                "gpu 0 500 74a1 38 2100 25769803776 - gfx942\n"
                                                "gpu 0 503 74a1 38 2100 25769803776 - gfx942\n"
                                                "gpu 0 20000600 74a1 38 2100 25769803776 - gfx942\n"
                                                "gpu 0 700 74a1 38 2100 25769803776 - gfx942\n"
                                                "gpu 0 700 74a1 38 2100 25769803776 - gfx942\n"
                                                "gpu 0 801 74a1 304 2100 25769803776 - gfx942\n");
    static const char *const parts[] = {"pci-0000:05:00.0-xcp0", "pci-0000:05:00.0-xcp3",
                                        "pci-0000:06:00.0-xcp2", "pci-0000:07:00.0-xcp0",
                                        "pci-0000:07:00.0-xcp1"};
    hwa_system_t *system = witness_look(&hsa, &folder, 20000);
    for (int i = 0; i < 5; ++i) {
        assert_int_equal(witness_number(system, parts[i], "hsa.ordinal"), i);
        assert_true((witness_info(system, parts[i]).flags & HWA_DEVICE_PARTITION) != 0);
    }
    /* It may be a function, and is alone. */
    assert_int_equal(witness_number(system, "pci-0000:08:00.1", "hsa.ordinal"), 5);
    assert_int_equal(witness_info(system, "pci-0000:08:00.1").flags & HWA_DEVICE_PARTITION, 0);
    hwa_system_free(system);
    folder_remove(&folder);
}

static void knows_no_place_of_an_old_one(void **state) {
    (void)state;
    const struct folder folder = witness_folder(&hsa, "hsa-old", "", NULL);
    hwa_system_t *system = witness_look(&hsa, &folder, 20000);
    assert_int_equal(witness_row(&hsa, system).outcome, HWA_OUTCOME_FOUND);
    assert_int_equal(witness_info(system, "hsa-0").pci_device, 0x74a1);
    assert_string_equal(witness_text(system, "hsa-0", "hsa.uuid"), "");
    hwa_system_free(system);
    folder_remove(&folder);
}

static void goes_wrong_alone(void **state) {
    (void)state;
    static const struct witness_case cases[] = {
        {"hsa", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        /* Which symbols it has. */
        {"empty", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hsa_init"},
        {"hsa-no-hsa_init", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hsa_init"},
        {"hsa-no-hsa_shut_down", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hsa_shut_down"},
        {"hsa-no-hsa_system_get_info", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hsa_system_get_info"},
        {"hsa-no-hsa_iterate_agents", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hsa_iterate_agents"},
        {"hsa-no-hsa_agent_get_info", "", HWA_OUTCOME_FAILED, 0, "dlopen", "hsa_agent_get_info"},
        {"hsa-no-hsa_amd_agent_iterate_memory_pools", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa-no-hsa_amd_memory_pool_get_info", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        /* What it answers. */
        {"hsa", "hsa_init 1 null", HWA_OUTCOME_MISSING, 0, "hsa_init", "OUT_OF_RESOURCES (0x1008)"},
        {"hsa", "hsa_init 1 fail", HWA_OUTCOME_FAILED, 0, "hsa_init", "HSA_STATUS_ERROR (0x1000)"},
        {"hsa", "hsa_system_get_info 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa", "hsa_iterate_agents 1 fail", HWA_OUTCOME_FAILED, 0, "hsa_iterate_agents",
         "HSA_STATUS_ERROR (0x1000)"},
        {"hsa", "hsa_iterate_agents 1 null", HWA_OUTCOME_ABSENT, 0, NULL, "no GPU to show"},
        {"hsa", "hsa_iterate_agents 1 huge", HWA_OUTCOME_GARBAGE, 0, "hsa_iterate_agents",
         "more than"},
        {"hsa", "hsa_iterate_agents 1 garbage", HWA_OUTCOME_CRASHED, 0, "hsa_agent_get_info",
         "SIGSEGV"},
        {"hsa", "hsa_agent_get_info 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa", "hsa_agent_get_info 0 fail", HWA_OUTCOME_ABSENT, 0, NULL, "no GPU to show"},
        {"hsa", "hsa_agent_get_info 0 name", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa", "hsa_agent_get_info 0 huge", HWA_OUTCOME_FOUND, 0, NULL, NULL},
        {"hsa", "hsa_amd_agent_iterate_memory_pools 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa", "hsa_amd_agent_iterate_memory_pools 1 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa", "hsa_amd_memory_pool_get_info 0 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa", "hsa_amd_memory_pool_get_info 0 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        {"hsa", "hsa_shut_down 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
        /* How it ends. What it showed before stays. */
        {"hsa", "hsa_init 1 segv", HWA_OUTCOME_CRASHED, 0, "hsa_init", "SIGSEGV"},
        {"hsa", "hsa_init 1 exit", HWA_OUTCOME_EXITED, 0, "hsa_init", "exit status 0"},
        {"hsa", "hsa_init 1 hang", HWA_OUTCOME_TIMEOUT, 0, "hsa_init", "within"},
        {"hsa", "hsa_shut_down 1 segv", HWA_OUTCOME_CRASHED, 1, "hsa_shut_down", "SIGSEGV"},
    };
    witness_cases(&hsa, CARD, cases, sizeof cases / sizeof cases[0]);
}

static void hears_the_real_one(void **state) {
    (void)state;
    witness_real(&hsa, "libhsa-runtime64.so.1", "/dev/kfd", HWA_OUTCOME_MISSING, "hsa_init",
                 "HSA_STATUS_ERROR_OUT_OF_RESOURCES (0x1008)");
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_each_agent),          cmocka_unit_test(tells_parts_apart),
        cmocka_unit_test(knows_no_place_of_an_old_one), cmocka_unit_test(goes_wrong_alone),
        cmocka_unit_test(hears_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
