/* SPDX-License-Identifier: MIT */
/* Runs the suite on every device that a runtime drives: `conformance RUNTIME [DEVICE]`. The
   variable HWA_TEST_DRIVERS names the folder that drivers are taken from. */
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SKIPPED 77
#define TARGETS (sizeof the_others / sizeof *the_others)

const hwa_device_t *the_device;
const char *the_runtime;
target_t the_others[16];
size_t the_other_count;

/* In the order they run: the first looks at a process that has not loaded a driver yet. */
static const group_t *const groups[] = {
    &process_group,  &buffers_group,     &launches_group,  &variants_group,
    &events_group,   &waits_group,       &copies_group,    &maps_group,
    &batches_group,  &descriptors_group, &lifetimes_group, &bounds_group,
    &refusals_group, &gemm_group,        &ops_group,       &edges_group,
};

/* Name of the device if the runtime works on it; says why not. */
static const char *drives(const hwa_device_t *device, const char *runtime) {
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    if (hwa_device_info(device, &info) != HWA_OK)
        return NULL;
    for (uint32_t j = 0; j < info.runtime_count; ++j) {
        hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
        if (hwa_device_runtime(device, j, &row) != HWA_OK || strcmp(row.name, runtime) != 0)
            continue;
        if (row.status == HWA_OK)
            return info.id;
        printf("%s on %s: %s\n", runtime, info.id, row.message);
    }
    return NULL;
}

/* Devices with that runtime; at most `limit` of them. */
static size_t find_targets(const hwa_system_t *system, const char *runtime, target_t *into,
                           size_t limit) {
    size_t count = 0;
    const hwa_device_t *device;
    for (uint32_t i = 0; count < limit && (device = hwa_system_device(system, i)) != NULL; ++i) {
        const char *id = drives(device, runtime);
        if (id != NULL)
            into[count++] = (target_t){device, runtime, id};
    }
    return count;
}

static void find_others(const hwa_system_t *system, const target_t *targets, size_t count) {
    static const char *const runtimes[] = {"cpu", "opencl", "vulkan", "cuda"};
    the_other_count = 0;
    for (size_t i = 0; i < count; ++i)
        if (targets[i].device != the_device)
            the_others[the_other_count++] = targets[i];
    for (size_t i = 0; i < sizeof runtimes / sizeof *runtimes && the_other_count < TARGETS; ++i)
        if (strcmp(runtimes[i], the_runtime) != 0)
            the_other_count += find_targets(system, runtimes[i], the_others + the_other_count, 1);
}

const target_t *the_cpu(void) {
    static target_t self;
    if (is_host()) {
        self = (target_t){the_device, the_runtime, "cpu"};
        return &self;
    }
    for (size_t i = 0; i < the_other_count; ++i)
        if (strcmp(the_others[i].runtime, "cpu") == 0)
            return &the_others[i];
    return NULL;
}

static void say_why_not(const hwa_system_t *system) {
    printf("no device has the runtime %s\n", the_runtime);
    hwa_backend_info_t row = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &row) == HWA_OK; ++i)
        if (strcmp(row.name, the_runtime) == 0)
            printf("the backend says: %s\n", row.message == NULL ? "nothing" : row.message);
}

/* All groups, or the one that HWA_TEST_GROUP names. */
static int run_groups(void) {
    const char *only = getenv("HWA_TEST_GROUP");
    int failed = 0;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; ++i)
        if (only == NULL || strcmp(only, groups[i]->name) == 0)
            failed += _cmocka_run_group_tests(groups[i]->name, groups[i]->tests, groups[i]->count,
                                              NULL, NULL);
    return failed;
}

static int run_all(const hwa_system_t *system, const char *id) {
    target_t targets[8];
    const size_t count = find_targets(system, the_runtime, targets, 8);
    int failed = 0;
    size_t ran = 0;
    for (size_t i = 0; i < count; ++i) {
        if (id != NULL && strcmp(id, targets[i].id) != 0)
            continue;
        the_device = targets[i].device;
        find_others(system, targets, count);
        printf("%s with %s, and %zu others\n", targets[i].id, the_runtime, the_other_count);
        failed += run_groups();
        ++ran;
    }
    if (ran == 0)
        say_why_not(system);
    return ran == 0 ? SKIPPED : failed == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    the_runtime = argv[1];
    const char *given = getenv("HWA_TEST_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 10)
                                        : (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    seed_random(seed);
    printf("HWA_TEST_SEED=%llu\n", (unsigned long long)seed);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.library_path = getenv("HWA_TEST_DRIVERS");
    if (hwa_detect(&options, &system, &error) != HWA_OK) {
        printf("%s\n", error.message);
        return 1;
    }
    const int result = run_all(system, argc > 2 ? argv[2] : NULL);
    hwa_system_free(system);
    return result;
}
