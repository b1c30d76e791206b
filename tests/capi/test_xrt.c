/* SPDX-License-Identifier: MIT */
/* XRT as the fake plays it, and Debian's own where it is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "witness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct witness xrt = {"xrt", "libxrt_core.so.2", "xrt.scenario", NULL};

#define CARD "pci-0000:65:00.1"

static void shows_what_the_runtime_tells(void **state) {
    (void)state;
    const struct folder folder = witness_folder(
        &xrt, "xrt", "",
        "device 0000:65:00.1 500d 2 34359738368 300 00112233445566778899aabbccddeeff u280_xdma\n"
        "lost\nchip\n"
        "device 0001:ff:1f.1 5021 0 0 0 - xilinx_u50\n");
    hwa_system_t *system = witness_look(&xrt, &folder, 20000);
    assert_int_equal(witness_row(&xrt, system).outcome, HWA_OUTCOME_FOUND);
    assert_int_equal(witness_row(&xrt, system).device_count, 2);
    assert_non_null(strstr(witness_row(&xrt, system).message, "device 2 is not on the PCI bus"));
    const hwa_device_info_t card = witness_info(system, CARD);
    assert_int_equal(card.kind, HWA_KIND_FPGA);
    assert_string_equal(card.vendor, "xilinx");
    assert_int_equal(card.pci_vendor, 0x10ee);
    assert_int_equal(card.pci_device, 0x500d);
    assert_true(card.memory_bytes == (uint64_t)32 << 30);
    assert_true(card.clock_hz == 0);
    assert_int_equal(witness_number(system, CARD, "xrt.ddr_banks"), 2);
    assert_int_equal(witness_number(system, CARD, "xrt.kernel_clock_hz"), 300000000);
    assert_string_equal(witness_text(system, CARD, "xrt.shell"), "u280_xdma");
    assert_string_equal(witness_text(system, CARD, "xrt.fpga"), "xcu280-fsvh2892-2L-e");
    assert_string_equal(witness_text(system, CARD, "xrt.xclbin"),
                        "00112233-4455-6677-8899-aabbccddeeff");
    /* No bank, no image, and so no clock. */
    static const char *const bare = "pci-0001:ff:1f.1";
    assert_true(witness_info(system, bare).memory_bytes == 0);
    assert_int_equal(witness_number(system, bare, "xrt.ddr_banks"), -1);
    assert_int_equal(witness_number(system, bare, "xrt.kernel_clock_hz"), -1);
    assert_string_equal(witness_text(system, bare, "xrt.xclbin"), "");
    hwa_system_free(system);
    folder_remove(&folder);
}

/* A link to a file with the version in its name, as packages have it. */
static void takes_the_version_from_the_library(void **state) {
    (void)state;
    static const struct {
        const char *file, *version;
    } names[] = {{"libxrt_core.so.2.13.0", "2.13.0"},
                 {"libxrt_core.so.2.19.194", "2.19.194"},
                 {"libxrt_core.so.beta", NULL},
                 {"mine.so.2", NULL}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        const struct folder folder = folder_make("");
        char link[128];
        folder_put(&folder, names[i].file, "xrt");
        snprintf(link, sizeof link, "%s/libxrt_core.so.2", folder.path);
        assert_int_equal(symlink(names[i].file, link), 0);
        hwa_system_t *system = witness_look(&xrt, &folder, 20000);
        assert_int_equal(witness_row(&xrt, system).outcome, HWA_OUTCOME_FOUND);
        const char *version = witness_row(&xrt, system).version;
        if (names[i].version == NULL)
            assert_null(version);
        else
            assert_string_equal(version, names[i].version);
        hwa_system_free(system);
        folder_remove(&folder);
    }
}

static const struct witness_case cases[] = {
    {"xrt", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* Which symbols it has; without cards to list it opens what is on the bus here: nothing. */
    {"empty", "", HWA_OUTCOME_FAILED, 0, "dlopen", "xrtDeviceOpenByBDF"},
    {"xrt-no-xrtDeviceOpenByBDF", "", HWA_OUTCOME_FAILED, 0, "dlopen", "xrtDeviceOpenByBDF"},
    {"xrt-no-xrtDeviceGetXclbinUUID", "", HWA_OUTCOME_FAILED, 0, "dlopen", "GetXclbinUUID"},
    {"xrt-no-xrtDeviceClose", "", HWA_OUTCOME_FAILED, 0, "dlopen", "xrtDeviceClose"},
    {"xrt-no-xclProbe", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    {"xrt-no-xclOpen", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    {"xrt-no-xclGetDeviceInfo2", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    {"xrt-no-xclClose", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    {"xrt-new", "", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    /* What it answers. */
    {"xrt", "xclProbe 1 null", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    {"xrt", "xclProbe 1 huge", HWA_OUTCOME_GARBAGE, 0, "xclProbe", "4294967295"},
    {"xrt", "xclOpen 1 fail", HWA_OUTCOME_MISSING, 0, "xclOpen", "could not open device 0"},
    {"xrt", "xclOpen 1 garbage", HWA_OUTCOME_CRASHED, 0, "xclGetDeviceInfo2", NULL},
    {"xrt", "xclGetDeviceInfo2 1 fail", HWA_OUTCOME_FAILED, 0, "xclClose", "answered -22"},
    {"xrt", "xclGetDeviceInfo2 1 name", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"xrt", "xclGetDeviceInfo2 1 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"xrt", "xrtDeviceOpenByBDF 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"xrt", "xrtDeviceGetXclbinUUID 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* How it ends. */
    {"xrt", "xclProbe 1 segv", HWA_OUTCOME_CRASHED, 0, "xclProbe", "SIGSEGV"},
    {"xrt", "xclOpen 1 exit", HWA_OUTCOME_EXITED, 0, "xclOpen", NULL},
    {"xrt", "xrtDeviceGetXclbinUUID 1 hang", HWA_OUTCOME_TIMEOUT, 0, "xrtDeviceGetXclbinUUID",
     "within"},
};

static void goes_wrong_alone(void **state) {
    (void)state;
    witness_cases(&xrt, CARD, cases, sizeof cases / sizeof cases[0]);
}

/* Files that XRT could not read leave nothing behind. */
static void takes_no_answer_for_a_number(void **state) {
    (void)state;
    const struct folder folder = witness_folder(&xrt, "xrt", "xclGetDeviceInfo2 0 huge", NULL);
    hwa_system_t *system = witness_look(&xrt, &folder, 20000);
    assert_true(witness_info(system, CARD).memory_bytes == 0);
    assert_int_equal(witness_number(system, CARD, "xrt.ddr_banks"), -1);
    assert_int_equal(witness_number(system, CARD, "xrt.kernel_clock_hz"), -1);
    hwa_system_free(system);
    folder_remove(&folder);
}

static void hears_the_real_one(void **state) {
    (void)state;
    witness_real(&xrt, "libxrt_core.so.2", "/sys/bus/pci/drivers/xocl", HWA_OUTCOME_ABSENT, NULL,
                 "no device to show");
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_the_runtime_tells),
        cmocka_unit_test(takes_the_version_from_the_library),
        cmocka_unit_test(goes_wrong_alone),
        cmocka_unit_test(takes_no_answer_for_a_number),
        cmocka_unit_test(hears_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
