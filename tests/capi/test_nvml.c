/* SPDX-License-Identifier: MIT */
/* NVML as the fake plays it: facts of real cards, parts of one, links by switches and without, a
   device that is lost beside good ones; each function that must be there; each way to go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "witness.h"
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#define MIB ((uint64_t)1 << 20)

static void is_whole(const hwa_system_t *system) {
    assert_true(witness_info(system, "pci-0000:83:00.0").memory_bytes == 143771 * MIB);
}

static const struct witness nvml = {"nvml", "libnvidia-ml.so.1", "nvml.scenario", is_whole};

static double rate_of(const hwa_system_t *system, const char *id, hwa_dtype_t dtype) {
    hwa_compute_info_t compute = HWA_INIT(hwa_compute_info_t);
    const hwa_device_t *device = hwa_system_find_device(system, id);
    if (hwa_device_compute(device, dtype, &compute) == HWA_OK)
        return compute.ops_per_second;
    return 0;
}

/* Figures as nvidia-smi 590.48.01 and 595.71.05 printed them on an H200 and an RTX 4080 SUPER. */
static void shows_what_the_driver_tells(void **state) {
    (void)state;
    const struct folder folder = witness_folder(
        &nvml, "nvml", "",
        "gpu 0 0x83 0\nname NVIDIA H200\nid 0x233510de\n"
        "uuid GPU-8a5f0c1d-0000-4000-8000-000000000083\nminor 0\n"
        "memory 150754820096 643825664\npower 700000\nclocks 1980 3201 1980\nbus 6144\n"
        "cores 16896\ncapability 9 0\nvirtualization 1\nlost\n"
        "gpu 0 1 0\nname NVIDIA GeForce RTX 4080 SUPER\nid 0x270210de\n"
        "uuid GPU-8a5f0c1d-0000-4000-8000-000000000001\nminor 1\n"
        "memory 17171480576 455081984\npower 320000\nclocks 3165 11501\nbus 256\n"
        "cores 10240\ncapability 8 9\n");
    hwa_system_t *system = witness_look(&nvml, &folder, 20000);
    const hwa_backend_info_t row = witness_row(&nvml, system);
    assert_int_equal(row.outcome, HWA_OUTCOME_FOUND);
    assert_string_equal(row.version, "590.48.01, CUDA 13.1");
    assert_non_null(strstr(row.message, "NVML_ERROR_GPU_IS_LOST (15)"));

    const char *const h200 = "pci-0000:83:00.0";
    hwa_device_info_t info = witness_info(system, h200);
    assert_string_equal(info.name, "NVIDIA H200");
    assert_string_equal(info.vendor, "nvidia");
    assert_int_equal(info.kind, HWA_KIND_GPU);
    assert_int_equal(info.pci_device, 0x2335);
    assert_int_equal(info.power_limit_mw, 700000);
    assert_int_equal(info.compute_units, 132);
    assert_true(info.clock_hz == 1980000000);
    assert_true(info.memory_bytes == 143771 * MIB);
    assert_true(info.bytes_per_second == 4916736000000);
    assert_int_equal(witness_number(system, h200, "nvml.index"), 0);
    assert_int_equal(witness_number(system, h200, "nvidia.minor"), 0);
    assert_string_equal(witness_text(system, h200, "cuda.compute_capability"), "9.0");
    assert_string_equal(witness_text(system, h200, "nvml.virtualization"), "passthrough");
    hwa_memory_info_t memory = HWA_INIT(hwa_memory_info_t);
    assert_int_equal(hwa_device_memory(hwa_system_find_device(system, h200), 0, &memory), HWA_OK);
    assert_true(memory.usable_bytes == (143771 - 614) * MIB);
    assert_true(rate_of(system, h200, HWA_DTYPE_BF16) == 2048.0 * 132 * 2 * 1.98e9);

    const char *const rtx = "pci-0000:01:00.0";
    info = witness_info(system, rtx);
    assert_int_equal(info.power_limit_mw, 320000);
    assert_int_equal(info.compute_units, 80);
    assert_true(info.memory_bytes == 16376 * MIB);
    assert_true(info.bytes_per_second == 736064000000);
    assert_int_equal(witness_number(system, rtx, "nvml.index"), 2);
    assert_int_equal(witness_number(system, rtx, "nvml.max_sm_mhz"), 3165);
    assert_string_equal(witness_text(system, rtx, "nvidia.clock"), "highest");
    assert_string_equal(witness_text(system, h200, "nvidia.clock"), "");
    assert_int_equal(witness_number(system, h200, "nvml.boost_mhz"), 1980);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* Clocks of a Tesla P4, whose maker holds it to less than the most that can be set. */
static void counts_with_the_clock_that_it_is_held_to(void **state) {
    (void)state;
    const struct folder folder =
        witness_folder(&nvml, "nvml", "",
                       "gpu 0 0xaf 0\nname Tesla P4\nclocks 1531 3003 1113\ncores 2560\n"
                       "capability 6 1\n");
    hwa_system_t *system = witness_look(&nvml, &folder, 20000);
    assert_true(witness_info(system, "pci-0000:af:00.0").clock_hz == 1113000000);
    assert_string_equal(witness_text(system, "pci-0000:af:00.0", "nvidia.clock"), "");
    assert_true(rate_of(system, "pci-0000:af:00.0", HWA_DTYPE_F32) == 128.0 * 20 * 2 * 1.113e9);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* The same H200 divided, as its own tool listed the parts, and two that no slices make up. */
static void shows_parts_under_their_device(void **state) {
    (void)state;
    static const struct {
        const char *id;
        uint32_t units;
        uint64_t mebibytes;
        uint32_t slices; /* of eight; 0: no whole number of them */
    } parts[] = {
        {"pci-0000:83:00.0-gi2-ci0", 16, 71424, 4},  {"pci-0000:83:00.0-gi2-ci1", 32, 71424, 4},
        {"pci-0000:83:00.0-gi3-ci0", 32, 33280, 2},  {"pci-0000:83:00.0-gi9-ci0", 16, 16384, 1},
        {"pci-0000:83:00.0-gi10-ci0", 16, 16384, 1}, {"pci-0000:83:00.0-gi11-ci0", 16, 27648, 0},
        {"pci-0000:83:00.0-gi12-ci0", 16, 4096, 0},
    };
    const struct folder folder = witness_folder(
        &nvml, "nvml", "",
        "gpu 0 0x83 0\nname NVIDIA H200\nid 0x233510de\nmemory 150754820096 643825664\n"
        "clocks 1980 3201\nbus 6144\ncores 16896\ncapability 9 0\n"
        "mig 2 0 16 74893492224 MIG-8a5f0c1d-0000-4000-8000-000000000020 NVIDIA H200 MIG "
        "1c.3g.71gb\n"
        "mig 2 1 32 74893492224 MIG-8a5f0c1d-0000-4000-8000-000000000021 NVIDIA H200 MIG "
        "2c.3g.71gb\n"
        "mig 3 0 32 34896609280 MIG-8a5f0c1d-0000-4000-8000-000000000030 NVIDIA H200 MIG 2g.35gb\n"
        "mig 9 0 16 17179869184 MIG-8a5f0c1d-0000-4000-8000-000000000090 NVIDIA H200 MIG 1g.18gb\n"
        "mig 10 0 16 17179869184 MIG-8a5f0c1d-0000-4000-8000-0000000000a0 NVIDIA H200 MIG "
        "1g.18gb\n"
        "mig 11 0 16 28991029248 MIG-8a5f0c1d-0000-4000-8000-0000000000b0 odd\n"
        "mig 12 0 16 4294967296 MIG-8a5f0c1d-0000-4000-8000-0000000000c0 odd\n");
    hwa_system_t *system = witness_look(&nvml, &folder, 20000);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; ++i) {
        const hwa_device_info_t info = witness_info(system, parts[i].id);
        assert_ptr_equal(info.parent, hwa_system_find_device(system, "pci-0000:83:00.0"));
        assert_true((info.flags & HWA_DEVICE_PARTITION) != 0);
        assert_int_equal(info.compute_units, parts[i].units);
        assert_true(info.memory_bytes == parts[i].mebibytes * MIB);
        assert_true(info.bytes_per_second == 614592000000 * parts[i].slices);
        assert_true(rate_of(system, parts[i].id, HWA_DTYPE_BF16) ==
                    2048.0 * parts[i].units * 2 * 1.98e9);
    }
    hwa_system_free(system);
    folder_remove(&folder);
}

/* What is to be found of one pair of devices. */
struct wire {
    const char *name;
    uint64_t bytes_per_second;
    uint32_t flags;
};

static void finds_the_link(const char *devices, struct wire wire) {
    const struct folder folder = witness_folder(&nvml, "nvml", "", devices);
    hwa_system_t *system = witness_look(&nvml, &folder, 20000);
    hwa_link_info_t link = HWA_INIT(hwa_link_info_t);
    uint32_t i = 0;
    while (hwa_system_link(system, i, &link) == HWA_OK && link.kind != HWA_LINK_FABRIC)
        ++i;
    if (link.kind != HWA_LINK_FABRIC)
        fail_msg("there is no link %s", wire.name);
    assert_string_equal(link.name, wire.name);
    assert_int_equal(link.bytes_per_second, wire.bytes_per_second);
    assert_int_equal(link.flags, wire.flags);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* Speeds as nvidia-smi prints them; an H200 tells what is on the wire, a GA102 has half links. */
static void links_devices(void **state) {
    (void)state;
    finds_the_link("gpu 0 0x18 0\nname NVIDIA H200\nnvlink 6 0 17 switch\nspeed 26562\n"
                   "gpu 0 0x2a 0\nname NVIDIA H200\nnvlink 6 0 17 switch\nspeed 26562\n",
                   (struct wire){"nvlink4 x18", 450000000000, HWA_LINK_PEER_ACCESS});
    finds_the_link("gpu 0 1 0\ncapability 8 6\nnvlink 5 0 3 0 2 0\nspeed 14062\n"
                   "gpu 0 2 0\ncapability 8 6\nnvlink 5 0 3 0 1 0\nspeed 14062\n",
                   (struct wire){"nvlink3 x4", 56248000000, HWA_LINK_PEER_ACCESS});
    finds_the_link("gpu 0 1 0\ncapability 8 6\nnvlink 5 0 3 0 2 0\n"
                   "gpu 0 2 0\ncapability 8 6\nnvlink 5 0 3 0 1 0\n",
                   (struct wire){"nvlink3 x4", 56250000000, HWA_LINK_PEER_ACCESS});
    /* No document tells the rate of the sixth generation, but the driver does. */
    finds_the_link("gpu 0 1 0\nnvlink 8 0 35 switch\ngpu 0 2 0\nnvlink 8 0 35 switch\n",
                   (struct wire){"nvlink6 x36", 0, HWA_LINK_PEER_ACCESS});
    finds_the_link("gpu 0 1 0\nnvlink 8 0 35 switch\nspeed 50000\n"
                   "gpu 0 2 0\nnvlink 8 0 35 switch\nspeed 50000\n",
                   (struct wire){"nvlink6 x36", 1800000000000, HWA_LINK_PEER_ACCESS});
}

/* Links to a processor, as nvidia-smi printed them of a GH200, and as POWER9 has them. */
static void links_processors(void **state) {
    (void)state;
    hwa_system_t *system = NULL;
    assert_int_equal(hwa_detect(NULL, &system, NULL), HWA_OK);
    const int sockets = hwa_system_find_device(system, "cpu-1") != NULL;
    hwa_system_free(system);
    if (sockets)
        skip(); /* nothing says which of them it is */
    finds_the_link("gpu 9 1 0\nname NVIDIA GH200 480GB\nc2c 10 44712\n",
                   (struct wire){"nvlink-c2c x10", 447120000000, HWA_LINK_COHERENT});
    finds_the_link("gpu 9 1 0\nname NVIDIA GH200 480GB\nc2c 10 0\n",
                   (struct wire){"nvlink-c2c x10", 0, HWA_LINK_COHERENT});
    finds_the_link("gpu 4 4 0\nname Tesla V100-SXM2-16GB\nnvlink 2 0 2 host\nspeed 25781\n",
                   (struct wire){"nvlink2 x3", 75000000000, HWA_LINK_COHERENT});
}

/* A driver that tells of more links than there can be. */
static void counts_links_to_a_limit(void **state) {
    (void)state;
    const struct folder folder = witness_folder(
        &nvml, "nvml", "", "gpu 0 1 0\nnvlink 4 0 299 switch\nspeed 25000\nc2c 300 44712\n");
    hwa_system_t *system = witness_look(&nvml, &folder, 20000);
    assert_int_equal(witness_number(system, "pci-0000:01:00.0", "nvml.nvlink.switch"), 36);
    assert_int_equal(witness_number(system, "pci-0000:01:00.0", "nvml.c2c.links"), 36);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* Trays of one rack, a machine with switches of its own, and all that can come between. */
static void tells_of_the_fabric(void **state) {
    (void)state;
    static const struct {
        const char *fabric, *state, *cluster, *error;
        int clique;
    } cases[] = {
        {"fabric 3 0 32766 ab", "completed", "00ababababababababababababababab", "", 32766},
        {"fabric 3 0 0 0", "completed", "", "", -1},
        {"fabric 3 999 7 ab", "completed", "", "NVML_ERROR_UNKNOWN", -1},
        {"fabric 2 0 7 ab", "in progress", "", "", -1},
        {"fabric 1 0 7 ab", "not started", "", "", -1},
        {"fabric 0 0 7 ab", "", "", "", -1},
        {"fabric 9 0 7 ab", "", "", "", -1},
    };
    static const char *const id = "pci-0008:01:00.0";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char devices[128];
        snprintf(devices, sizeof devices, "gpu 8 1 0\nname NVIDIA GB200\n%s\n", cases[i].fabric);
        const struct folder folder = witness_folder(&nvml, "nvml", "", devices);
        hwa_system_t *system = witness_look(&nvml, &folder, 20000);
        assert_string_equal(witness_text(system, id, "nvml.fabric.state"), cases[i].state);
        assert_string_equal(witness_text(system, id, "nvml.fabric.cluster"), cases[i].cluster);
        assert_string_equal(witness_text(system, id, "nvml.fabric.error"), cases[i].error);
        assert_int_equal(witness_number(system, id, "nvml.fabric.clique"), cases[i].clique);
        hwa_system_free(system);
        folder_remove(&folder);
    }
}

static void tells_how_it_is_virtual(void **state) {
    (void)state;
    static const char *const modes[][2] = {{"virtualization 0", "none"},
                                           {"virtualization 1", "passthrough"},
                                           {"virtualization 2", "vgpu"},
                                           {"virtualization 3", "vgpu_host"},
                                           {"virtualization 4", "vsga_host"},
                                           {"virtualization 5", ""},
                                           {"", ""}};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; ++i) {
        char devices[64];
        snprintf(devices, sizeof devices, "gpu 0 1 0\n%s\n", modes[i][0]);
        const struct folder folder = witness_folder(&nvml, "nvml", "", devices);
        hwa_system_t *system = witness_look(&nvml, &folder, 20000);
        assert_string_equal(witness_text(system, "pci-0000:01:00.0", "nvml.virtualization"),
                            modes[i][1]);
        hwa_system_free(system);
        folder_remove(&folder);
    }
}

/* A chip that has no memory of its own has the host's, and never a number of NVML's. */
static void shares_memory(void **state) {
    (void)state;
    static const char *const memories[] = {"memory none", "memory 0 0"};
    for (size_t i = 0; i < 2; ++i) {
        char devices[128];
        snprintf(devices, sizeof devices, "gpu 0xf 1 0\nname NVIDIA GB10\n%s\n", memories[i]);
        const struct folder folder = witness_folder(&nvml, "nvml", "", devices);
        hwa_system_t *system = witness_look(&nvml, &folder, 20000);
        hwa_system_info_t host = HWA_INIT(hwa_system_info_t);
        assert_int_equal(hwa_system_info(system, &host), HWA_OK);
        const hwa_device_info_t info = witness_info(system, "pci-000f:01:00.0");
        assert_true(info.memory_bytes == host.memory_bytes);
        assert_true((info.flags & HWA_DEVICE_INTEGRATED) != 0);
        hwa_system_free(system);
        folder_remove(&folder);
    }
}

static const struct witness_case cases[] = {
    {"nvml", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* Which symbols it has. */
    {"empty", "", HWA_OUTCOME_FAILED, 0, "dlopen", "nvmlInit"},
    {"nvml-old", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml-no-Init_v2", "", HWA_OUTCOME_FAILED, 0, "dlopen", "nvmlInit"},
    {"nvml-no-DeviceGetCount_v2", "", HWA_OUTCOME_FAILED, 0, "dlopen", "GetCount"},
    {"nvml-no-DeviceGetHandleByIndex_v2", "", HWA_OUTCOME_FAILED, 0, "dlopen", "ByIndex"},
    {"nvml-no-DeviceGetName", "", HWA_OUTCOME_FAILED, 0, "dlopen", "GetName"},
    {"nvml-no-DeviceGetPciInfo_v3", "", HWA_OUTCOME_FAILED, 0, "dlopen", "GetPciInfo"},
    {"nvml-no-DeviceGetMemoryInfo", "", HWA_OUTCOME_FAILED, 0, "dlopen", "GetMemoryInfo"},
    {"nvml-no-DeviceGetHandleByPciBusId_v2", "", HWA_OUTCOME_FAILED, 0, "dlopen", "ByPciBusId"},
    {"nvml-no-DeviceGetUUID", "", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    /* What it answers. */
    {"nvml", "nvmlInit 1 null", HWA_OUTCOME_MISSING, 0, "nvmlInit", "VERSION_MISMATCH (18)"},
    {"nvml", "nvmlInit 1 fail", HWA_OUTCOME_FAILED, 0, "nvmlInit", "GPU_IS_LOST (15)"},
    {"nvml", "nvmlDeviceGetCount 1 null", HWA_OUTCOME_ABSENT, 0, NULL, "no device to show"},
    {"nvml", "nvmlDeviceGetCount 1 huge", HWA_OUTCOME_GARBAGE, 0, "nvmlDeviceGetCount",
     "4294967295"},
    {"nvml", "nvmlDeviceGetHandleByIndex 1 garbage", HWA_OUTCOME_CRASHED, 0, "nvmlDeviceGetPciInfo",
     NULL},
    {"nvml", "nvmlDeviceGetName 1 name", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml", "nvmlDeviceGetMemoryInfo 1 huge", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml", "nvmlDeviceGetMemoryInfo_v2 1 null", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml", "nvmlDeviceGetUUID 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml", "nvmlDeviceGetMaxClockInfo 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml", "nvmlDeviceGetGpuFabricInfoV 2 null", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml", "nvmlDeviceGetFieldValues 1 fail", HWA_OUTCOME_FOUND, 1, NULL, NULL},
    {"nvml", "nvmlDeviceGetFieldValues 1 segv", HWA_OUTCOME_CRASHED, 0, "nvmlDeviceGetNvLinkState",
     "SIGSEGV"},
    /* How it ends. */
    {"nvml", "nvmlInit 1 segv", HWA_OUTCOME_CRASHED, 0, "nvmlInit", "SIGSEGV"},
    {"nvml", "nvmlDeviceGetCount 1 exit", HWA_OUTCOME_EXITED, 0, "nvmlDeviceGetCount", NULL},
    {"nvml", "nvmlInit 1 hang", HWA_OUTCOME_TIMEOUT, 0, "nvmlInit", "within"},
};

static void goes_wrong_alone(void **state) {
    (void)state;
    witness_cases(&nvml, "pci-0000:83:00.0", cases, sizeof cases / sizeof cases[0]);
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_the_driver_tells),
        cmocka_unit_test(counts_with_the_clock_that_it_is_held_to),
        cmocka_unit_test(shows_parts_under_their_device),
        cmocka_unit_test(links_devices),
        cmocka_unit_test(links_processors),
        cmocka_unit_test(counts_links_to_a_limit),
        cmocka_unit_test(tells_of_the_fabric),
        cmocka_unit_test(tells_how_it_is_virtual),
        cmocka_unit_test(shares_memory),
        cmocka_unit_test(goes_wrong_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
