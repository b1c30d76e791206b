/* SPDX-License-Identifier: MIT */
/* Readings that come from drivers in a helper process: what they tell, and each way to go wrong. A
   good device beside a bad driver is still read, in time; nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include "folder.h"
#include "self.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const uint64_t second = 1000000000;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * second + (uint64_t)now.tv_nsec;
}

static struct folder gaudi(const char *faults) {
    const struct folder folder = folder_make(faults);
    folder_put(&folder, "libhlml.so", "hlml");
    return folder;
}

static hwa_system_t *look(const struct folder *folder, const char *backends) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    options.library_path = folder->path;
    options.backends = backends;
    options.timeout_ms = 20000;
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

/* The device of a driver and the processor beside it. */
struct pair {
    struct folder folder;
    hwa_system_t *system;
    const hwa_device_t *devices[2];
    hwa_monitor_t *monitor;
};

static struct pair watch(struct folder folder, const char *backends, const char *id) {
    struct pair pair = {.folder = folder, .system = look(&folder, backends)};
    pair.devices[0] = hwa_system_find_device(pair.system, id);
    pair.devices[1] = hwa_system_find_device(pair.system, "cpu-0");
    assert_non_null(pair.devices[0]);
    assert_int_equal(hwa_monitor_open(pair.devices, 2, 0, &pair.monitor, NULL), HWA_OK);
    return pair;
}

static void done(struct pair *pair) {
    hwa_monitor_free(pair->monitor);
    hwa_system_free(pair->system);
    folder_remove(&pair->folder);
}

static hwa_sample_t sample_of(const struct pair *pair, uint32_t index) {
    hwa_sample_t sample = HWA_INIT(hwa_sample_t);
    assert_int_equal(hwa_monitor_sample(pair->monitor, index, &sample), HWA_OK);
    return sample;
}

static hwa_sample_t read_once(const struct pair *pair, uint64_t timeout_ns) {
    assert_int_equal(hwa_monitor_read(pair->monitor, timeout_ns, NULL), HWA_OK);
    /* Whatever the driver did, the processor is read. */
    assert_int_equal(sample_of(pair, 1).status, HWA_OK);
    return sample_of(pair, 0);
}

static int children(void) {
    siginfo_t facts;
    memset(&facts, 0, sizeof facts);
    if (waitid(P_ALL, 0, &facts, WEXITED | WNOHANG | WNOWAIT) != 0)
        return errno == ECHILD ? 0 : -1;
    return 1;
}

static const char faultless[] = "";

static void gaudi_is_read(void **state) {
    (void)state;
    struct pair pair = watch(gaudi(faultless), "hlml,cpu", "pci-0000:19:00.0");
    for (int i = 0; i < 3; ++i) {
        const hwa_sample_t sample = read_once(&pair, 20 * second);
        if (sample.status != HWA_OK)
            fail_msg("%s", sample.message);
        assert_true(fabsf(sample.utilization - 0.75F) < 1e-6F);
        assert_true(fabsf(sample.temperature_c - 43) < 1e-6F);
        assert_true(fabsf(sample.power_w - 300) < 1e-6F);
        assert_int_equal(sample.clock_hz, 1800000000);
        assert_int_equal(sample.memory_total_bytes, 103079215104);
        assert_int_equal(sample.memory_used_bytes, 103079215104 / 4);
        assert_int_equal(sample.memory_free_bytes, 103079215104 - 103079215104 / 4);
    }
    hwa_requirement_t fits = HWA_INIT(hwa_requirement_t), larger = HWA_INIT(hwa_requirement_t);
    fits.memory_bytes = 103079215104 - 103079215104 / 4;
    larger.memory_bytes = fits.memory_bytes + 1;
    assert_int_equal(hwa_device_meets(pair.devices[0], &fits), 1);
    assert_int_equal(hwa_device_meets(pair.devices[0], &larger), 0);
    done(&pair);
    assert_int_equal(children(), 0);
}

static void nvidia_is_read(void **state) {
    (void)state;
    const struct folder folder = folder_make(faultless);
    folder_put(&folder, "libcuda.so.1", "cuda");
    folder_put(&folder, "libnvidia-ml.so.1", "nvml-live");
    hwa_system_t *system = look(&folder, "cuda,cpu");
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(hwa_system_device(system, 0), &info), HWA_OK);
    char id[64];
    snprintf(id, sizeof id, "%s", info.id);
    hwa_system_free(system);
    struct pair pair = watch(folder, "cuda,cpu", id);
    const hwa_sample_t sample = read_once(&pair, 20 * second);
    if (sample.status != HWA_OK)
        fail_msg("%s: %s", id, sample.message);
    assert_true(fabsf(sample.utilization - 0.5F) < 1e-6F);
    assert_true(fabsf(sample.temperature_c - 61) < 1e-6F);
    assert_true(isnan(sample.power_w)); /* not supported */
    assert_int_equal(sample.clock_hz, 1980000000);
    assert_int_equal(sample.memory_total_bytes, 1000000);
    assert_int_equal(sample.memory_free_bytes, 400000);
    assert_int_equal(sample.memory_used_bytes, 600000);
    done(&pair);
}

static void intel_is_read(void **state) {
    (void)state;
    const struct folder folder = folder_make(faultless);
    folder_put(&folder, "libze_loader.so.1", "level-zero");
    hwa_system_t *system = look(&folder, "level_zero,cpu");
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(hwa_system_device(system, 0), &info), HWA_OK);
    if (info.kind == HWA_KIND_CPU)
        skip(); /* built where there is no header for the fake */
    char id[64];
    snprintf(id, sizeof id, "%s", info.id);
    const uint64_t size = info.memory_bytes;
    hwa_system_free(system);
    struct pair pair = watch(folder, "level_zero,cpu", id);
    const hwa_sample_t sample = read_once(&pair, 20 * second);
    if (sample.status != HWA_OK)
        fail_msg("%s: %s", id, sample.message);
    assert_int_equal(sample.memory_total_bytes, size);
    assert_int_equal(sample.memory_free_bytes, size / 4 * 3);
    assert_int_equal(sample.memory_used_bytes, size - size / 4 * 3);
    assert_true(fabsf(sample.temperature_c - 54) < 1e-6F); /* the hotter of two sensors */
    assert_true(isnan(sample.utilization));
    done(&pair);
}

/* What a driver does in a call, and what is said of it. All of them are over soon but the hangs. */
static const struct {
    const char *faults;
    hwa_status_t status;
    const char *message; /* part of it */
    int knows_memory;
} rows[] = {
    {"hlml_init 0 segv", HWA_ERROR_CRASHED, "hlml_init", 0},
    {"hlml_device_get_temperature 0 segv", HWA_ERROR_CRASHED, "hlml_device_get_temperature", 0},
    {"hlml_device_get_temperature 0 abort", HWA_ERROR_CRASHED, "hlml_device_get_temperature", 0},
    {"hlml_device_get_temperature 0 exit3", HWA_ERROR_CRASHED, "hlml_device_get_temperature", 0},
    {"hlml_device_get_temperature 0 scribble", HWA_ERROR_CRASHED, "answer", 0},
    {"hlml_device_get_temperature 0 closeall", HWA_ERROR_CRASHED, "hlml_device_get_temperature", 0},
    {"hlml_device_get_temperature 0 close", HWA_OK, NULL, 1},
    {"hlml_device_get_temperature 0 print", HWA_OK, NULL, 1},
    {"hlml_device_get_temperature 0 threads", HWA_OK, NULL, 1},
    {"hlml_device_get_temperature 0 meddle", HWA_OK, NULL, 1},
    {"hlml_device_get_temperature 0 fail", HWA_OK, NULL, 1},
    {"hlml_device_get_utilization_rates 0 huge", HWA_OK, NULL, 1},
    {"hlml_device_get_memory_info 0 fail", HWA_ERROR_UNAVAILABLE, "NOT_LOADED", 0},
    {"hlml_device_get_memory_info 0 huge", HWA_ERROR_CRASHED, "makes no sense", 0},
    {"hlml_device_get_temperature 0 hang", HWA_ERROR_TIMEOUT, "hlml_device_get_temperature", 0},
    {"hlml_device_get_temperature 0 spin", HWA_ERROR_TIMEOUT, "hlml_device_get_temperature", 0},
};

/* The faults are put in only once the devices were found. */
static void bad_drivers_cost_their_own_readings(void **state) {
    (void)state;
    char *before = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
        struct folder folder = gaudi(faultless);
        hwa_system_t *system = look(&folder, "hlml,cpu");
        const hwa_device_t *devices[] = {hwa_system_find_device(system, "pci-0000:19:00.0"),
                                         hwa_system_find_device(system, "cpu-0")};
        char path[128];
        snprintf(path, sizeof path, "%s/scenario", folder.path);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        fputs(rows[i].faults, file);
        fclose(file);
        struct pair pair = {folder, system, {devices[0], devices[1]}, NULL};
        assert_int_equal(hwa_monitor_open(devices, 2, 0, &pair.monitor, NULL), HWA_OK);
        const int hangs = rows[i].status == HWA_ERROR_TIMEOUT;
        const uint64_t timeout = hangs ? second / 2 : 20 * second, begun = now_ns();
        const hwa_sample_t sample = read_once(&pair, timeout);
        const uint64_t took = now_ns() - begun;
        if (took > timeout + second)
            fail_msg("%s: took %llu ms", rows[i].faults, (unsigned long long)took / 1000000);
        if (sample.status != rows[i].status)
            fail_msg("%s: %s, %s", rows[i].faults, hwa_status_name(sample.status), sample.message);
        if (rows[i].message != NULL && strstr(sample.message, rows[i].message) == NULL)
            fail_msg("%s: %s", rows[i].faults, sample.message);
        if ((sample.memory_free_bytes != UINT64_MAX) != rows[i].knows_memory)
            fail_msg("%s: memory", rows[i].faults);
        /* Another read at once neither waits for a dead helper nor starts one. */
        const uint64_t again = now_ns();
        read_once(&pair, hangs ? 0 : 20 * second);
        assert_true(now_ns() - again < 2 * second);
        done(&pair);
        assert_int_equal(children(), 0);
        char *after = self_snapshot();
        if (before != NULL)
            assert_string_equal(before, after);
        free(before);
        before = after;
    }
    free(before);
}

/* One crash, and a second later all is well again. */
static void a_driver_that_recovers_is_read_again(void **state) {
    (void)state;
    struct pair pair = watch(gaudi(faultless), "hlml,cpu", "pci-0000:19:00.0");
    assert_int_equal(read_once(&pair, 20 * second).status, HWA_OK);
    FILE *file = fopen("/proc/thread-self/children", "re");
    int helper = 0;
    if (file == NULL || fscanf(file, "%d", &helper) != 1)
        skip(); /* a kernel without that file */
    fclose(file);
    assert_int_equal(kill(helper, SIGKILL), 0);
    const hwa_sample_t lost = read_once(&pair, 20 * second);
    assert_int_equal(lost.status, HWA_ERROR_CRASHED);
    assert_true(isnan(lost.utilization));
    hwa_sample_t sample = lost;
    for (int i = 0; i < 200 && sample.status != HWA_OK; ++i) {
        const struct timespec pause = {0, 50000000};
        nanosleep(&pause, NULL);
        sample = read_once(&pair, 20 * second);
    }
    assert_int_equal(sample.status, HWA_OK);
    assert_true(fabsf(sample.utilization - 0.75F) < 1e-6F);
    done(&pair);
    assert_int_equal(children(), 0);
}

static void *open_monitor(void *pair) {
    struct pair *made = pair;
    return (void *)(intptr_t)(hwa_monitor_open(made->devices, 2, 0, &made->monitor, NULL));
}

/* A thread that ends does not take the helper along. */
static void outlives_the_thread_that_opened_it(void **state) {
    (void)state;
    struct pair pair = watch(gaudi(faultless), "hlml,cpu", "pci-0000:19:00.0");
    hwa_monitor_free(pair.monitor);
    pthread_t thread;
    void *status = NULL;
    assert_int_equal(pthread_create(&thread, NULL, open_monitor, &pair), 0);
    assert_int_equal(pthread_join(thread, &status), 0);
    assert_null(status);
    for (int i = 0; i < 3; ++i) {
        const struct timespec pause = {0, 100000000};
        nanosleep(&pause, NULL);
        assert_int_equal(read_once(&pair, 20 * second).status, HWA_OK);
    }
    done(&pair);
}

/* A forked process has no part in it: its release leaves the parent's helper at work. */
static void a_child_leaves_the_helper_alone(void **state) {
    (void)state;
    struct pair pair = watch(gaudi(faultless), "hlml,cpu", "pci-0000:19:00.0");
    assert_int_equal(read_once(&pair, 20 * second).status, HWA_OK);
    const pid_t child = fork();
    if (child == 0) {
        const int right = hwa_monitor_read(pair.monitor, 0, NULL) == HWA_ERROR_FORKED;
        hwa_monitor_free(pair.monitor);
        _exit(right ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(read_once(&pair, 20 * second).status, HWA_OK);
    done(&pair);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    fakes = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaudi_is_read),
        cmocka_unit_test(nvidia_is_read),
        cmocka_unit_test(intel_is_read),
        cmocka_unit_test(bad_drivers_cost_their_own_readings),
        cmocka_unit_test(a_driver_that_recovers_is_read_again),
        cmocka_unit_test(outlives_the_thread_that_opened_it),
        cmocka_unit_test(a_child_leaves_the_helper_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
