/* SPDX-License-Identifier: MIT */
/* What a driver can do wrong: each fault has its outcome, the other backend does not notice, and
   the caller is as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include "folder.h"
#include "self.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only drivers that hang are waited for; the others get all the time a slow machine takes. */
enum { TIMEOUT_MS = 300, SLACK_MS = 1500, PATIENCE_MS = 20000 };

#define V "vulkan"
#define C "opencl"
#define FOUND HWA_OUTCOME_FOUND
#define ABSENT HWA_OUTCOME_ABSENT
#define MISSING HWA_OUTCOME_MISSING
#define TIMEOUT HWA_OUTCOME_TIMEOUT
#define CRASHED HWA_OUTCOME_CRASHED
#define EXITED HWA_OUTCOME_EXITED
#define GARBAGE HWA_OUTCOME_GARBAGE
#define STARVED HWA_OUTCOME_STARVED
#define FAILED HWA_OUTCOME_FAILED

static const struct row {
    const char *backend;  /* the one at fault */
    const char *library;  /* what stands in its place */
    const char *scenario; /* of the fake library */
    hwa_outcome_t outcome;
    int devices;
    const char *stage;   /* NULL: none is told */
    const char *message; /* a part of it; NULL: none is demanded */
} rows[] = {
    {V, "vulkan", "", FOUND, 1, NULL, NULL},
    {C, "opencl", "", FOUND, 1, NULL, NULL},
    /* What is there in place of a library. */
    {V, NOTHING, "", ABSENT, 0, NULL, NULL},
    {C, NOTHING, "", ABSENT, 0, NULL, NULL},
    {V, A_FIFO, "", MISSING, 0, "dlopen", "FIFO"},
    {C, A_FIFO, "", MISSING, 0, "dlopen", "FIFO"},
    {V, A_FOLDER, "", MISSING, 0, "dlopen", "directory"},
    {C, A_FOLDER, "", MISSING, 0, "dlopen", "directory"},
    {V, A_TEXT, "", MISSING, 0, "dlopen", "not an ELF"},
    {C, A_TEXT, "", MISSING, 0, "dlopen", "not an ELF"},
    {V, CUT_SHORT, "", MISSING, 0, "dlopen", "truncated"},
    {C, CUT_SHORT, "", MISSING, 0, "dlopen", "truncated"},
    {V, "/dev/zero", "", MISSING, 0, "dlopen", "device node"},
    {V, A_BROKEN_LINK, "", ABSENT, 0, NULL, NULL},
    /* Which symbols it has. */
    {V, "empty", "", FAILED, 0, "dlopen", "vkGetInstanceProcAddr"},
    {C, "empty", "", FAILED, 0, "dlopen", "clGetPlatformIDs"},
    {C, "vulkan", "", FAILED, 0, "dlopen", "clGetPlatformIDs"},
    {V, "vulkan", "vkGetInstanceProcAddr 1 null", FAILED, 0, "dlopen",
     "vkEnumerateInstanceVersion"},
    {V, "vulkan", "vkGetInstanceProcAddr 2 null", FAILED, 0, "dlopen", "vkCreateInstance"},
    {V, "vulkan", "vkGetInstanceProcAddr 3 null", FAILED, 0, "vkCreateInstance",
     "vkEnumeratePhysicalDevices"},
    {V, "vulkan", "vkGetInstanceProcAddr 4 null", FAILED, 0, "vkCreateInstance",
     "vkEnumerateDeviceExtensionProperties"},
    {V, "vulkan", "vkGetInstanceProcAddr 5 null", FAILED, 0, "vkCreateInstance",
     "vkGetPhysicalDeviceFeatures2"},
    {V, "vulkan", "vkGetInstanceProcAddr 6 null", FAILED, 0, "vkCreateInstance",
     "vkGetPhysicalDeviceMemoryProperties2"},
    {V, "vulkan", "vkGetInstanceProcAddr 7 null", FAILED, 0, "vkCreateInstance",
     "vkGetPhysicalDeviceProperties2"},
    /* It dies. */
    {V, "vulkan", "vulkan.ctor 1 segv", CRASHED, 0, "dlopen", "signal 11, SIGSEGV"},
    {C, "opencl", "opencl.ctor 1 segv", CRASHED, 0, "dlopen", "signal 11, SIGSEGV"},
    {V, "vulkan", "vkCreateInstance 1 abort", CRASHED, 0, "vkCreateInstance", "SIGABRT"},
    {V, "vulkan", "vkEnumeratePhysicalDevices 2 segv", CRASHED, 0, "vkEnumeratePhysicalDevices",
     "in vkEnumeratePhysicalDevices (signal 11"},
    {C, "opencl", "clGetPlatformIDs 1 abort", CRASHED, 0, "clGetPlatformIDs", "SIGABRT"},
    {C, "opencl", "clGetDeviceIDs 2 segv", CRASHED, 0, "clGetDeviceIDs", "in clGetDeviceIDs"},
    {C, "opencl", "clGetDeviceInfo 3 segv", CRASHED, 0, "clGetDeviceInfo", NULL},
    {V, "vulkan", "vulkan.dtor 1 segv", FOUND, 1, NULL, NULL},
    /* It leaves. */
    {V, "vulkan", "vulkan.ctor 1 exit", EXITED, 0, "dlopen", "exit status 0"},
    {V, "vulkan", "vkCreateInstance 1 exit", EXITED, 0, "vkCreateInstance", "exit status 0"},
    {C, "opencl", "clGetPlatformIDs 2 exit3", EXITED, 0, "clGetPlatformIDs", "exit status 3"},
    /* It stays. */
    {V, "vulkan", "vkCreateInstance 1 hang", TIMEOUT, 0, "vkCreateInstance", "within 300 ms"},
    {V, "vulkan", "vulkan.ctor 1 hang", TIMEOUT, 0, "dlopen", "within 300 ms"},
    {C, "opencl", "clGetDeviceIDs 1 spin", TIMEOUT, 0, "clGetDeviceIDs", "within 300 ms"},
    {C, "opencl", "clGetDeviceInfo 1 hang", TIMEOUT, 0, "clGetDeviceInfo", NULL},
    /* It answers, and the answer is bad. */
    {V, "vulkan", "vkCreateInstance 1 fail", FAILED, 0, "vkCreateInstance", "INCOMPATIBLE_DRIVER"},
    {V, "vulkan", "vkEnumerateDeviceExtensionProperties 1 fail", FAILED, 0,
     "vkEnumerateDeviceExtensionProperties", "OUT_OF_DEVICE_MEMORY"},
    {C, "opencl", "clGetPlatformIDs 1 fail", FAILED, 0, "clGetPlatformIDs", "CL_OUT_OF_RESOURCES"},
    {V, "vulkan", "vkEnumeratePhysicalDevices 1 null", ABSENT, 0, NULL, "no device to show"},
    {C, "opencl", "clGetPlatformIDs 1 null", MISSING, 0, "clGetPlatformIDs", "no platform"},
    {C, "opencl", "clGetDeviceIDs 1 null", ABSENT, 0, NULL, "no device to show"},
    {C, "opencl", "clGetDeviceIDs 1 fail", STARVED, 0, "clGetDeviceIDs", "OUT_OF_HOST_MEMORY"},
    {C, "opencl", "clGetDeviceInfo 0 fail", FOUND, 1, NULL, NULL},
    {V, "vulkan", "vkEnumeratePhysicalDevices 1 huge", GARBAGE, 0, "vkEnumeratePhysicalDevices",
     "4294967295"},
    {V, "vulkan", "vkEnumerateDeviceExtensionProperties 1 huge", GARBAGE, 0,
     "vkEnumerateDeviceExtensionProperties", "cannot be"},
    {V, "vulkan", "vkEnumerateDeviceExtensionProperties 2 huge", FOUND, 1, NULL, NULL},
    {V, "vulkan", "vkGetPhysicalDeviceMemoryProperties2 1 huge", FOUND, 1, NULL, NULL},
    {V, "vulkan", "vkEnumeratePhysicalDevices 2 garbage", CRASHED, 0,
     "vkEnumerateDeviceExtensionProperties", NULL},
    {V, "vulkan", "vkGetInstanceProcAddr 2 garbage", CRASHED, 0, "vkCreateInstance", NULL},
    {V, "vulkan", "vkGetPhysicalDeviceProperties2 0 garbage", FOUND, 1, NULL, NULL},
    {C, "opencl", "clGetPlatformIDs 1 huge", GARBAGE, 0, "clGetPlatformIDs", "4294967295"},
    {C, "opencl", "clGetDeviceIDs 1 huge", GARBAGE, 0, "clGetDeviceIDs", "4294967295"},
    {C, "opencl", "clGetPlatformIDs 2 garbage", CRASHED, 0, "clGetDeviceIDs", NULL},
    {C, "opencl", "clGetDeviceIDs 2 garbage", CRASHED, 0, "clGetDeviceInfo", NULL},
    {C, "opencl", "clGetDeviceInfo 0 huge", FOUND, 1, NULL, NULL},
    {V, "vulkan", "vkGetPhysicalDeviceProperties2 0 name", FOUND, 1, NULL, NULL},
    {C, "opencl", "clGetDeviceInfo 0 name", FOUND, 1, NULL, NULL},
    /* It has side effects. */
    {V, "vulkan", "vkCreateInstance 1 close", FOUND, 1, NULL, NULL},
    {V, "vulkan", "vkCreateInstance 1 closeall", EXITED, 0, "vkCreateInstance", NULL},
    {C, "opencl", "clGetPlatformIDs 1 scribble", GARBAGE, 0, "clGetPlatformIDs", "record"},
    {C, "opencl", "clGetPlatformIDs 1 print", FOUND, 1, NULL, NULL},
    {V, "vulkan", "vkCreateInstance 1 meddle", FOUND, 1, NULL, NULL},
    {C, "opencl", "clGetPlatformIDs 1 threads", FOUND, 1, NULL, NULL},
    {C, "opencl", "clGetPlatformIDs 1 daemon", FOUND, 1, NULL, NULL},
    {V, "vulkan", "vkCreateInstance 1 gorge", CRASHED, 0, "vkCreateInstance", "SIGABRT"},
};

static hwa_backend_info_t backend_of(const hwa_system_t *system, const char *name) {
    hwa_backend_info_t info = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &info) == HWA_OK; ++i)
        if (strcmp(info.name, name) == 0)
            return info;
    fail_msg("there is no row for %s", name);
    return info;
}

/* Compares as text, so that a failure shows what there was. */
static void expect_row(const struct row *row, const hwa_backend_info_t *info) {
    char want[256];
    char have[256];
    snprintf(want, sizeof want, "outcome %d, %d devices, in %s", row->outcome, row->devices,
             row->stage == NULL ? "-" : row->stage);
    snprintf(have, sizeof have, "outcome %d, %d devices, in %s", info->outcome,
             (int)info->device_count, info->stage == NULL ? "-" : info->stage);
    if (strcmp(want, have) != 0)
        fail_msg("wanted %s; have %s: %s", want, have, info->message ? info->message : "");
    if (row->message != NULL && strstr(info->message ? info->message : "", row->message) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", info->message ? info->message : "", row->message);
    if (row->outcome == TIMEOUT)
        assert_true(info->elapsed_ns < (uint64_t)(TIMEOUT_MS + SLACK_MS) * 1000000);
}

/* No name of a device has a control character or half a character in it. */
static void expect_fit_to_print(const hwa_system_t *system) {
    for (uint32_t i = 0; hwa_system_device(system, i) != NULL; ++i) {
        hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
        assert_int_equal(hwa_device_info(hwa_system_device(system, i), &info), HWA_OK);
        for (const char *at = info.name; at != NULL && *at != '\0'; ++at)
            assert_true((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f);
    }
}

static void survives(void **state) {
    const struct row *row = *state;
    const int vulkan = strcmp(row->backend, V) == 0;
    const struct folder folder = folder_make(row->scenario);
    folder_put(&folder, "libvulkan.so.1", vulkan ? row->library : "vulkan");
    folder_put(&folder, "libOpenCL.so.1", vulkan ? "opencl" : row->library);
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.library_path = folder.path;
    options.timeout_ms = row->outcome == TIMEOUT ? TIMEOUT_MS : PATIENCE_MS;
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    char *before = self_snapshot();
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    char *after = self_snapshot();
    assert_string_equal(before, after);
    const hwa_backend_info_t bad = backend_of(system, row->backend);
    expect_row(row, &bad);
    const hwa_backend_info_t good = backend_of(system, vulkan ? C : V);
    const struct row well = {NULL, NULL, NULL, FOUND, 1, NULL, NULL};
    expect_row(&well, &good);
    expect_fit_to_print(system);
    assert_non_null(hwa_system_find_device(system, "cpu-0"));
    assert_non_null(hwa_system_find_device(system, "pci-0000:fa:00.0"));
    hwa_system_free(system);
    folder_remove(&folder);
    free(before);
    free(after);
}

enum { ROWS = sizeof rows / sizeof rows[0] };

int main(int argc, char **argv) {
    static struct CMUnitTest tests[ROWS];
    static char names[ROWS][128];
    if (argc < 2)
        return 99;
    fakes = argv[1];
    /* A first look at everything, for what the C library does but once. */
    free(self_snapshot());
    for (size_t i = 0; i < ROWS; ++i) {
        snprintf(names[i], sizeof names[i], "%s: %s: %s", rows[i].backend, rows[i].library,
                 rows[i].scenario);
        tests[i].name = names[i];
        tests[i].test_func = survives;
        tests[i].initial_state = (void *)(size_t)&rows[i];
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
