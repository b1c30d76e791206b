/* SPDX-License-Identifier: MIT */
/* Variables that hide devices: what detection saw is opened again, or refused with the variable's
   name; never is another device taken for it. With PoCL, whose devices a variable lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

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

/* In a process of its own: drivers read the environment once. 0 if it went as expected. */
static int open_in_child(const hwa_device_t *device, hwa_status_t expected, const char *text) {
    const pid_t child = fork();
    if (child == 0) {
        hwa_queue_t *queue = NULL;
        hwa_error_t error = {0};
        const hwa_status_t status = hwa_queue_open(device, NULL, &queue, &error);
        const int good = status == expected && strstr(error.message, text) != NULL;
        if (!good)
            printf("%s: %s\n", hwa_status_name(status), error.message);
        fflush(stdout);
        _exit(good ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void devices_come_and_go(void **state) {
    (void)state;
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
        if (open_in_child(device, rows[i].status, rows[i].text) != 0)
            fail_msg("row %zu", i);
        hwa_system_free(system);
    }
}

int main(void) {
    if (access(DRIVER, R_OK) != 0) {
        puts(DRIVER " is not here");
        return 77;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(devices_come_and_go)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
