/* SPDX-License-Identifier: MIT */
/* WebGPU as a capability: by the limits, features and queues of the fake, and by a real driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "witness.h"

#include <string.h>

static const struct witness vulkan = {"vulkan", "libvulkan.so.1", NULL, NULL};

#define CARD "pci-0000:fa:00.0"

static void says_what_lacks(void **state) {
    (void)state;
    static const struct {
        const char *faults;
        int core;
        const char *lacks;
    } cases[] = {
        {"", 1, ""},
        {"vkGetPhysicalDeviceProperties2 1 null", 0,
         "maxPerStageDescriptorStorageBuffers is 4; 8 is needed"},
        {"vkGetPhysicalDeviceFeatures2 0 null", 0, "the driver lacks fragmentStoresAndAtomics"},
        {"vkGetPhysicalDeviceQueueFamilyProperties 0 many", 0,
         "the device has no queue that draws and computes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        const struct folder folder = witness_folder(&vulkan, "vulkan", cases[i].faults, NULL);
        hwa_system_t *system = witness_look(&vulkan, &folder, 20000);
        assert_int_equal(witness_number(system, CARD, "webgpu.core"), cases[i].core);
        assert_string_equal(witness_text(system, CARD, "webgpu.lacks"), cases[i].lacks);
        hwa_attr_t attr = {0};
        assert_int_equal(
            hwa_device_attr(hwa_system_find_device(system, CARD), "webgpu.core", &attr), HWA_OK);
        assert_int_equal(attr.source, HWA_SOURCE_DERIVED);
        hwa_system_free(system);
        folder_remove(&folder);
    }
}

static hwa_system_t *look_here(uint32_t flags) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    options.backends = "vulkan";
    options.flags = flags;
    options.timeout_ms = 60000;
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

/* Nothing else could tell. */
static void is_unknown_where_vulkan_was_not_asked(void **state) {
    (void)state;
    hwa_system_t *system = look_here(HWA_DETECT_NO_DRIVERS);
    const hwa_device_t *device;
    hwa_attr_t attr = {0};
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; ++i)
        assert_int_not_equal(hwa_device_attr(device, "webgpu.core", &attr), HWA_OK);
    hwa_system_free(system);
}

static void is_had_by_lavapipe(void **state) {
    (void)state;
    hwa_system_t *system = look_here(0);
    const hwa_device_t *device;
    int seen = 0;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; ++i) {
        hwa_attr_t driver = {0}, core = {0};
        if (hwa_device_attr(device, "vulkan.driver", &driver) != HWA_OK ||
            strncmp(driver.s, "llvmpipe", 8) != 0)
            continue;
        assert_int_equal(hwa_device_attr(device, "webgpu.core", &core), HWA_OK);
        assert_int_equal(core.i, 1);
        ++seen;
    }
    hwa_system_free(system);
    if (seen == 0)
        skip();
}

int main(int count, char **args) {
    assert_int_equal(count, 2);
    fakes = args[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_lacks),
        cmocka_unit_test(is_unknown_where_vulkan_was_not_asked),
        cmocka_unit_test(is_had_by_lavapipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
