/* SPDX-License-Identifier: MIT */
/* Variables that hide devices: what detection saw is opened again, or refused with the variable's
   name; never is another device taken for it. With PoCL, whose devices a variable lists, and with
   the fake CUDA driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#define HWA_DLPACK_TYPES
#include <hwa/dlpack.h>

#include "folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRIVER "/etc/OpenCL/vendors/pocl.icd"

static void set(const char *name, const char *value) {
    if (value == NULL)
        assert_int_equal(unsetenv(name), 0);
    else
        assert_int_equal(setenv(name, value, 1), 0);
}

static hwa_system_t *look(const char *devices) {
    set("OCL_ICD_VENDORS", DRIVER);
    set("POCL_DEVICES", devices);
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.backends = "opencl";
    options.timeout_ms = 20000;
    hwa_system_t *system = NULL;
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    return system;
}

/* The number that a device goes by in this process, as other libraries are told it. */
static int32_t number_of(hwa_queue_t *queue) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 64;
    hwa_arg_t whole = {0};
    whole.dtype = HWA_DTYPE_U8;
    DLManagedTensorVersioned *lent = NULL;
    if (hwa_buffer_create(queue, &desc, &whole.buffer, NULL) != HWA_OK ||
        hwa_buffer_to_dlpack(&whole, &lent, NULL) != HWA_OK)
        return -1;
    const int32_t number = lent->dl_tensor.device.device_id;
    lent->deleter(lent);
    hwa_buffer_free(whole.buffer);
    return number;
}

/* In a process of its own: drivers read the environment once. 0 if it went as expected. */
static int open_in_child(const hwa_device_t *device, hwa_status_t expected, const char *text,
                         int32_t number) {
    const pid_t child = fork();
    if (child == 0) {
        hwa_queue_t *queue = NULL;
        hwa_error_t error = {0};
        const hwa_status_t status = hwa_queue_open(device, NULL, &queue, &error);
        int good = status == expected && strstr(error.message, text) != NULL;
        if (!good)
            printf("%s: %s\n", hwa_status_name(status), error.message);
        if (status == HWA_OK && number_of(queue) != number)
            good = 0;
        fflush(stdout);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void pocl_devices_come_and_go(void **state) {
    (void)state;
    if (access(DRIVER, R_OK) != 0)
        skip();
    static const struct {
        const char *then;
        const char *device;
        const char *drivers;
        const char *now;
        hwa_status_t status;
        const char *text;
    } rows[] = {
        {"pthread pthread", "sw-opencl-0", DRIVER, "pthread pthread", HWA_OK, ""},
        {"pthread pthread", "sw-opencl-1", DRIVER, "pthread pthread", HWA_OK, ""},
        {"pthread basic", "sw-opencl-1", DRIVER, "basic pthread", HWA_OK, ""},
        {"pthread pthread", "sw-opencl-1", DRIVER, "pthread", HWA_OK, ""},
        {"pthread", "sw-opencl-0", DRIVER, "pthread pthread", HWA_ERROR_AMBIGUOUS,
         ", 0:1 'pthread"},
        {"pthread", "sw-opencl-0", DRIVER, "basic", HWA_ERROR_UNAVAILABLE, "POCL_DEVICES=basic"},
        {"pthread", "sw-opencl-0", "/nonexistent", NULL, HWA_ERROR_UNAVAILABLE,
         "OCL_ICD_VENDORS=/nonexistent"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        hwa_system_t *system = look(rows[i].then);
        const hwa_device_t *device = hwa_system_find_device(system, rows[i].device);
        if (device == NULL)
            fail_msg("row %zu: %s", i, hwa_system_json(system));
        hwa_attr_t attr = {0};
        assert_int_equal(hwa_device_attr(device, "opencl.environment", &attr), HWA_OK);
        assert_non_null(strstr(attr.s, rows[i].then));
        set("OCL_ICD_VENDORS", rows[i].drivers);
        set("POCL_DEVICES", rows[i].now);
        if (open_in_child(device, rows[i].status, rows[i].text, 0) != 0)
            fail_msg("row %zu", i);
        hwa_system_free(system);
    }
}

/* What works is first; what could and does not says why, and so does a queue that asks for it. */
static void assert_routes(const hwa_device_t *device) {
    static const struct {
        const char *name;
        hwa_status_t status;
    } rows[] = {
        {"cuda", HWA_OK}, {"opencl", HWA_ERROR_UNAVAILABLE}, {"vulkan", HWA_ERROR_UNAVAILABLE}};
    for (uint32_t i = 0; i < 3; ++i) {
        hwa_runtime_info_t info = HWA_INIT(hwa_runtime_info_t);
        assert_int_equal(hwa_device_runtime(device, i, &info), HWA_OK);
        assert_string_equal(info.name, rows[i].name);
        assert_int_equal(info.status, rows[i].status);
        if (info.status == HWA_OK)
            continue;
        assert_string_equal(info.message, "left out by the option backends");
        hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
        options.runtime = info.name;
        hwa_queue_t *queue = NULL;
        hwa_error_t error = {0};
        assert_int_equal(hwa_queue_open(device, &options, &queue, &error), info.status);
        assert_non_null(strstr(error.message, info.message));
    }
    hwa_runtime_info_t past = HWA_INIT(hwa_runtime_info_t);
    assert_int_equal(hwa_device_runtime(device, 3, &past), HWA_ERROR_RANGE);
}

static void cuda_devices_change_places(void **state) {
    (void)state;
    static const struct {
        const char *now;
        hwa_status_t status;
        const char *text;
        int32_t number;
    } rows[] = {
        {NULL, HWA_OK, "", 2},
        {"2,0", HWA_OK, "", 0},
        {"0,2", HWA_OK, "", 1},
        {"0,1", HWA_ERROR_UNAVAILABLE, "CUDA_VISIBLE_DEVICES=0,1", 0},
        {"-1", HWA_ERROR_UNAVAILABLE, "CUDA_VISIBLE_DEVICES=-1", 0},
    };
    struct folder folder = folder_make("");
    folder_put(&folder, "libcuda.so.1", "cuda");
    char path[96];
    snprintf(path, sizeof path, "%s/cuda.scenario", folder.path);
    FILE *scenario = fopen(path, "w");
    assert_non_null(scenario);
    fputs("devices 3\n", scenario);
    fclose(scenario);
    set("CUDA_VISIBLE_DEVICES", NULL);
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.backends = "cuda";
    options.library_path = folder.path;
    options.timeout_ms = 20000;
    hwa_system_t *system = NULL;
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    const hwa_device_t *device = hwa_system_find_device(system, "pci-0000:37:00.0");
    if (device == NULL)
        fail_msg("%s", hwa_system_json(system));
    assert_routes(device);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        set("CUDA_VISIBLE_DEVICES", rows[i].now);
        if (open_in_child(device, rows[i].status, rows[i].text, rows[i].number) != 0)
            fail_msg("row %zu", i);
    }
    set("CUDA_VISIBLE_DEVICES", NULL);
    hwa_system_free(system);
    folder_remove(&folder);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pocl_devices_come_and_go),
        cmocka_unit_test(cuda_devices_change_places),
    };
    if (argc != 2)
        return 1;
    fakes = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
