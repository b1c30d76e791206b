/* SPDX-License-Identifier: MIT */
/* Live readings and what a job asks, through the public header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "self.h"

#define DOCUMENT                                                                                   \
    "{\"schema\":1,\"devices\":["                                                                  \
    "{\"id\":\"gpu-0\",\"kind\":\"gpu\",\"vendor\":\"amd\",\"flags\":[\"usable\"],"                \
    "\"memories\":[{\"kind\":\"hbm\",\"size_bytes\":1000,\"bytes_per_second\":50}],"               \
    "\"compute\":{\"bf16\":{\"support\":\"native\",\"ops_per_second\":1e12},"                      \
    "\"i4\":{\"support\":\"storage\",\"ops_per_second\":1e12}},"                                   \
    "\"runtimes\":[{\"name\":\"hip\",\"status\":\"ok\"},"                                          \
    "{\"name\":\"opencl\",\"status\":\"denied\"}]},"                                               \
    "{\"id\":\"npu-0\",\"kind\":\"npu\",\"memories\":[]}]}"

static hwa_system_t *live_system(void) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    hwa_system_t *system = NULL;
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    return system;
}

static hwa_system_t *saved_system(void) {
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_system_from_json(DOCUMENT, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

static void reads_the_processor(void **state) {
    (void)state;
    hwa_system_t *system = live_system();
    const hwa_device_t *cpu = hwa_system_find_device(system, "cpu-0");
    hwa_monitor_t *monitor = NULL;
    assert_int_equal(hwa_monitor_open(&cpu, 1, 0, &monitor, NULL), HWA_OK);
    hwa_system_free(system); /* the monitor keeps what it needs */
    hwa_sample_t sample = HWA_INIT(hwa_sample_t);
    assert_int_equal(hwa_monitor_sample(monitor, 0, &sample), HWA_OK);
    assert_int_equal(sample.time_ns, 0);
    assert_true(isnan(sample.utilization));
    uint64_t before = 0;
    for (int i = 0; i < 3; ++i) {
        const struct timespec pause = {0, 60000000};
        nanosleep(&pause, NULL);
        assert_int_equal(hwa_monitor_read(monitor, 0, NULL), HWA_OK);
        sample = HWA_INIT(hwa_sample_t);
        assert_int_equal(hwa_monitor_sample(monitor, 0, &sample), HWA_OK);
        assert_int_equal(sample.struct_size, sizeof sample);
        assert_int_equal(sample.status, HWA_OK);
        assert_null(sample.message);
        assert_true(sample.time_ns > before);
        assert_true(isnan(sample.utilization) ||
                    (sample.utilization >= 0 && sample.utilization <= 1));
        assert_true(sample.memory_total_bytes > 0 && sample.memory_total_bytes != UINT64_MAX);
        assert_true(sample.memory_used_bytes < sample.memory_total_bytes);
        assert_true(sample.memory_free_bytes > 0);
        before = sample.time_ns;
    }
    hwa_monitor_free(monitor);
}

static void an_older_struct_is_filled_as_far_as_it_goes(void **state) {
    (void)state;
    hwa_system_t *system = live_system();
    const hwa_device_t *cpu = hwa_system_find_device(system, "cpu-0");
    hwa_monitor_t *monitor = NULL;
    assert_int_equal(hwa_monitor_open(&cpu, 1, 0, &monitor, NULL), HWA_OK);
    hwa_sample_t sample = HWA_INIT(hwa_sample_t);
    sample.struct_size = offsetof(hwa_sample_t, time_ns);
    sample.flags = 77;
    assert_int_equal(hwa_monitor_sample(monitor, 0, &sample), HWA_OK);
    assert_int_equal(sample.struct_size, offsetof(hwa_sample_t, time_ns));
    assert_int_equal(sample.flags, 77);
    hwa_monitor_free(monitor);
    hwa_system_free(system);
}

static void refuses(void **state) {
    (void)state;
    hwa_system_t *live = live_system(), *saved = saved_system();
    const hwa_device_t *cpu = hwa_system_find_device(live, "cpu-0");
    const hwa_device_t *gpu = hwa_system_device(saved, 0);
    const hwa_device_t *mixed[] = {cpu, gpu}, *missing[] = {cpu, NULL};
    const struct {
        const hwa_device_t *const *devices;
        uint32_t count, flags;
        hwa_status_t status;
    } rows[] = {{NULL, 1, 0, HWA_ERROR_INVALID},     {&cpu, 0, 0, HWA_ERROR_INVALID},
                {&cpu, 1, 1, HWA_ERROR_UNSUPPORTED}, {&gpu, 1, 0, HWA_ERROR_UNAVAILABLE},
                {mixed, 2, 0, HWA_ERROR_INVALID},    {missing, 2, 0, HWA_ERROR_INVALID},
                {mixed, 70000, 0, HWA_ERROR_INVALID}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        hwa_monitor_t *monitor = (hwa_monitor_t *)(uintptr_t)8;
        hwa_error_t error = {0};
        assert_int_equal(
            hwa_monitor_open(rows[i].devices, rows[i].count, rows[i].flags, &monitor, &error),
            rows[i].status);
        assert_null(monitor);
        assert_int_equal(error.status, rows[i].status);
        assert_true(strlen(error.message) > 10);
    }
    assert_int_equal(hwa_monitor_open(&cpu, 1, 0, NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_monitor_read(NULL, 0, NULL), HWA_ERROR_INVALID);
    hwa_sample_t sample = HWA_INIT(hwa_sample_t);
    assert_int_equal(hwa_monitor_sample(NULL, 0, &sample), HWA_ERROR_INVALID);
    hwa_monitor_t *monitor = NULL;
    assert_int_equal(hwa_monitor_open(&cpu, 1, 0, &monitor, NULL), HWA_OK);
    assert_int_equal(hwa_monitor_sample(monitor, 0, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_monitor_sample(monitor, 1, &sample), HWA_ERROR_RANGE);
    sample.struct_size = 0;
    assert_int_equal(hwa_monitor_sample(monitor, 0, &sample), HWA_ERROR_INVALID);
    hwa_monitor_free(monitor);
    hwa_monitor_free(NULL);
    hwa_system_free(saved);
    hwa_system_free(live);
}

static void a_child_opens_its_own(void **state) {
    (void)state;
    hwa_system_t *system = live_system();
    const hwa_device_t *cpu = hwa_system_find_device(system, "cpu-0");
    hwa_monitor_t *monitor = NULL;
    assert_int_equal(hwa_monitor_open(&cpu, 1, 0, &monitor, NULL), HWA_OK);
    const pid_t child = fork();
    if (child == 0) {
        const int right = hwa_monitor_read(monitor, 0, NULL) == HWA_ERROR_FORKED;
        hwa_monitor_free(monitor);
        _exit(right ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(hwa_monitor_read(monitor, 0, NULL), HWA_OK);
    hwa_monitor_free(monitor);
    hwa_system_free(system);
}

/* Nothing of a monitor is left in the process. */
static void leaves_nothing(void **state) {
    (void)state;
    hwa_system_t *system = live_system();
    char *before = self_snapshot();
    for (int round = 0; round < 20; ++round) {
        const hwa_device_t *all[64];
        uint32_t count = 0;
        while (count < 64 && hwa_system_device(system, count) != NULL) {
            all[count] = hwa_system_device(system, count);
            ++count;
        }
        hwa_monitor_t *monitor = NULL;
        assert_int_equal(hwa_monitor_open(all, count, 0, &monitor, NULL), HWA_OK);
        assert_int_equal(hwa_monitor_read(monitor, 0, NULL), HWA_OK);
        hwa_monitor_free(monitor);
    }
    char *after = self_snapshot();
    assert_string_equal(before, after);
    free(before);
    free(after);
    hwa_system_free(system);
}

static hwa_requirement_t asks(void) {
    return HWA_INIT(hwa_requirement_t);
}

static void a_job_is_met_or_not(void **state) {
    (void)state;
    hwa_system_t *system = saved_system();
    const hwa_device_t *gpu = hwa_system_find_device(system, "gpu-0");
    const hwa_device_t *npu = hwa_system_find_device(system, "npu-0");
    hwa_requirement_t rows[24];
    int gpu_meets[24], npu_meets[24], count = 0;
#define ROW(change, on_gpu, on_npu)                                                                \
    do {                                                                                           \
        hwa_requirement_t *r = &rows[count];                                                       \
        *r = asks();                                                                               \
        change;                                                                                    \
        gpu_meets[count] = on_gpu;                                                                 \
        npu_meets[count++] = on_npu;                                                               \
    } while (0)
    ROW((void)r, 1, 1);
    ROW(r->kind_mask = 1u << HWA_KIND_GPU, 1, 0);
    ROW(r->kind_mask = 1u << HWA_KIND_GPU | 1u << HWA_KIND_NPU, 1, 1);
    ROW(r->kind_mask = 1u << HWA_KIND_UNKNOWN, 0, 0);
    ROW(r->memory_bytes = 1000, 1, 0);
    ROW(r->memory_bytes = 1001, 0, 0);
    ROW(r->bytes_per_second = 50, 1, 0);
    ROW(r->bytes_per_second = 51, 0, 0);
    ROW(r->dtype = HWA_DTYPE_BF16, 1, 0);
    ROW(r->dtype = HWA_DTYPE_F16, 0, 0);
    ROW(r->dtype = HWA_DTYPE_I4, 0, 0);
    ROW((r->dtype = HWA_DTYPE_BF16, r->ops_per_second = 1e12), 1, 0);
    ROW((r->dtype = HWA_DTYPE_BF16, r->ops_per_second = 1.1e12), 0, 0);
    ROW(r->ops_per_second = 1, 0, 0);
    ROW(r->ops_per_second = (double)NAN, 0, 0);
    ROW(r->ops_per_second = -1, 0, 0);
    ROW(r->usable = 1, 1, 0);
    ROW(r->usable = 2, 0, 0);
    ROW(r->runtime = "hip", 1, 0);
    ROW(r->runtime = "opencl", 0, 0);
    ROW(r->vendor = "amd", 1, 0);
    ROW(r->vendor = "AMD", 0, 0);
    ROW(r->struct_size = 0, 0, 0);
#undef ROW
    for (int i = 0; i < count; ++i) {
        if (hwa_device_meets(gpu, &rows[i]) != gpu_meets[i] ||
            hwa_device_meets(npu, &rows[i]) != npu_meets[i])
            fail_msg("row %d", i);
    }
    assert_int_equal(hwa_device_meets(NULL, &rows[0]), 0);
    assert_int_equal(hwa_device_meets(gpu, NULL), 0);
    hwa_system_free(system);
}

static void free_memory_counts_on_a_live_device(void **state) {
    (void)state;
    hwa_system_t *system = live_system();
    const hwa_device_t *cpu = hwa_system_find_device(system, "cpu-0");
    hwa_memory_info_t memory = HWA_INIT(hwa_memory_info_t);
    assert_int_equal(hwa_device_memory(cpu, 0, &memory), HWA_OK);
    hwa_requirement_t little = asks(), all = asks();
    little.memory_bytes = 1 << 20;
    all.memory_bytes = memory.size_bytes; /* this very process has taken some of it */
    assert_int_equal(hwa_device_meets(cpu, &little), 1);
    assert_int_equal(hwa_device_meets(cpu, &all), 0);
    hwa_system_t *saved = NULL;
    assert_int_equal(hwa_system_from_json(hwa_system_json(system), &saved, NULL), HWA_OK);
    assert_int_equal(hwa_device_meets(hwa_system_find_device(saved, "cpu-0"), &all), 1);
    hwa_system_free(saved);
    hwa_system_free(system);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_processor),
        cmocka_unit_test(an_older_struct_is_filled_as_far_as_it_goes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(a_child_opens_its_own),
        cmocka_unit_test(leaves_nothing),
        cmocka_unit_test(a_job_is_met_or_not),
        cmocka_unit_test(free_memory_counts_on_a_live_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
