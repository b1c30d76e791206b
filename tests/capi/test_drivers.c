/* SPDX-License-Identifier: MIT */
/* Detection with drivers: who loads them, many callers at once, callers of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include "folder.h"
#include "self.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static struct folder with(const char *scenario) {
    const struct folder folder = folder_make(scenario);
    folder_put(&folder, "libvulkan.so.1", "vulkan");
    folder_put(&folder, "libOpenCL.so.1", "opencl");
    return folder;
}

static hwa_system_t *detect_in(const struct folder *folder, uint32_t flags) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    options.library_path = folder->path;
    options.timeout_ms = 20000;
    options.flags = flags;
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

static hwa_backend_info_t backend_of(const hwa_system_t *system, const char *name) {
    hwa_backend_info_t info = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &info) == HWA_OK; ++i)
        if (strcmp(info.name, name) == 0)
            break;
    return info;
}

/* ---- One device, whoever shows it --------------------------------------------------------- */

static void one_device_two_witnesses(void **state) {
    (void)state;
    const struct folder folder = with("");
    hwa_system_t *system = detect_in(&folder, 0);
    const hwa_device_t *device = hwa_system_find_device(system, "pci-0000:fa:00.0");
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(device, &info), HWA_OK);
    assert_string_equal(info.backends, "vulkan,opencl");
    assert_int_equal(info.kind, HWA_KIND_GPU);
    assert_int_equal(info.compute_units, 64);
    assert_true(info.memory_bytes == (uint64_t)8 << 30);
    assert_int_equal(info.memory_count, 1);
    assert_int_equal(info.runtime_count, 2); /* of both witnesses */
    const hwa_backend_info_t row = backend_of(system, "vulkan");
    assert_string_equal(row.version, "1.3.999");
    assert_non_null(strstr(row.library, folder.path));
    hwa_system_free(system);
    folder_remove(&folder);
}

/* ---- Who loads the driver ----------------------------------------------------------------- */

struct walk {
    int helpers; /* processes hwa-probe that map the library */
    int others;  /* of any other name */
};

static struct walk who_maps(const char *library) {
    struct walk walk = {0, 0};
    DIR *processes = opendir("/proc");
    assert_non_null(processes);
    for (struct dirent *row = readdir(processes); row != NULL; row = readdir(processes)) {
        const long pid = strtol(row->d_name, NULL, 10);
        char path[64];
        char name[32] = "";
        if (pid <= 0 || !maps(pid, library))
            continue;
        snprintf(path, sizeof path, "/proc/%ld/comm", pid);
        FILE *file = fopen(path, "re");
        if (file != NULL && fgets(name, sizeof name, file) != NULL)
            *(strcmp(name, "hwa-probe\n") == 0 ? &walk.helpers : &walk.others) += 1;
        if (file != NULL)
            fclose(file);
    }
    closedir(processes);
    return walk;
}

static volatile int seen;

/* Called while the helper hangs inside the driver: looks around, then says stop. */
static int32_t look_around(void *user) {
    (void)user;
    const struct walk walk = who_maps("libfake-vulkan.so");
    assert_int_equal(walk.others, 0);
    seen += walk.helpers;
    return walk.helpers > 0;
}

static void only_the_helper_loads_drivers(void **state) {
    (void)state;
    const struct folder folder = with("vkCreateInstance 1 hang");
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    options.library_path = folder.path;
    options.timeout_ms = 20000;
    options.cancelled = look_around;
    char *before = self_snapshot();
    assert_int_equal(hwa_detect(&options, &system, &error), HWA_ERROR_CANCELLED);
    char *after = self_snapshot();
    assert_null(system);
    assert_int_equal(seen, 1);
    assert_string_equal(before, after);
    /* The helper was killed, hang or not. */
    for (int i = 0; i < 500 && who_maps("libfake-vulkan.so").helpers > 0; ++i)
        usleep(10000);
    assert_int_equal(who_maps("libfake-vulkan.so").helpers, 0);
    free(before);
    free(after);
    folder_remove(&folder);
}

/* The real drivers of this machine, if it has any. */
static void leaves_the_caller_as_it_was(void **state) {
    (void)state;
    hwa_system_t *system = NULL;
    char *before = self_snapshot();
    assert_int_equal(hwa_detect(NULL, &system, NULL), HWA_OK);
    char *after = self_snapshot();
    assert_string_equal(before, after);
    assert_false(maps(getpid(), "libvulkan"));
    assert_false(maps(getpid(), "libOpenCL"));
    assert_false(maps(getpid(), "libLLVM"));
    hwa_system_free(system);
    free(before);
    free(after);
}

static void in_process_only_when_told(void **state) {
    (void)state;
    const struct folder folder = with("vkCreateInstance 1 meddle\nclGetDeviceIDs 1 fail");
    /* In a process of its own, because the libraries stay loaded. */
    const pid_t child = fork();
    if (child == 0) {
        setenv("LD_LIBRARY_PATH", "/before", 1);
        hwa_system_t *system = detect_in(&folder, HWA_DETECT_IN_PROCESS);
        const int good = backend_of(system, "vulkan").outcome == HWA_OUTCOME_FOUND &&
                         backend_of(system, "opencl").outcome == HWA_OUTCOME_STARVED &&
                         strcmp(backend_of(system, "opencl").stage, "clGetDeviceIDs") == 0 &&
                         maps(getpid(), "libfake-vulkan.so") &&
                         strcmp(getenv("LD_LIBRARY_PATH"), "/before") == 0 &&
                         signal(SIGTERM, SIG_DFL) == SIG_DFL;
        _exit(good ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    folder_remove(&folder);
}

/* ---- Many callers ------------------------------------------------------------------------- */

enum { THREADS = 64 };

static void *detect_once(void *folder) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    options.library_path = ((const struct folder *)folder)->path;
    options.timeout_ms = 20000;
    if (hwa_detect(&options, &system, NULL) != HWA_OK)
        return "failed";
    const int whole = backend_of(system, "vulkan").outcome == HWA_OUTCOME_FOUND &&
                      backend_of(system, "opencl").outcome == HWA_OUTCOME_FOUND;
    hwa_system_free(system);
    return whole ? NULL : "an answer was lost";
}

static void many_threads_at_once(void **state) {
    (void)state;
    struct folder folder = with("");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, detect_once, &folder), 0);
    const char *trouble = NULL;
    for (int i = 0; i < THREADS; ++i) {
        void *answer = NULL;
        assert_int_equal(pthread_join(threads[i], &answer), 0);
        trouble = trouble == NULL ? answer : trouble;
    }
    assert_null(trouble);
    folder_remove(&folder);
}

/* ---- Callers of every kind ---------------------------------------------------------------- */

static void a_caller_that_ignores_its_children(void **state) {
    (void)state;
    const struct folder folder = with("clGetDeviceIDs 1 segv");
    signal(SIGCHLD, SIG_IGN);
    hwa_system_t *system = detect_in(&folder, 0);
    signal(SIGCHLD, SIG_DFL);
    assert_int_equal(backend_of(system, "vulkan").outcome, HWA_OUTCOME_FOUND);
    /* How it ended is not to be had, but that it did is. */
    assert_int_equal(backend_of(system, "opencl").outcome, HWA_OUTCOME_EXITED);
    assert_string_equal(backend_of(system, "opencl").stage, "clGetDeviceIDs");
    hwa_system_free(system);
    folder_remove(&folder);
}

static atomic_int reaping;

static void *reap_everything(void *unused) {
    while (reaping)
        if (waitpid(-1, NULL, WNOHANG) <= 0)
            usleep(200);
    return unused;
}

static void a_caller_that_reaps_everything(void **state) {
    (void)state;
    const struct folder folder = with("");
    pthread_t reaper;
    reaping = 1;
    assert_int_equal(pthread_create(&reaper, NULL, reap_everything, NULL), 0);
    for (int i = 0; i < 10; ++i) {
        hwa_system_t *system = detect_in(&folder, 0);
        assert_int_equal(backend_of(system, "vulkan").outcome, HWA_OUTCOME_FOUND);
        assert_int_equal(backend_of(system, "opencl").outcome, HWA_OUTCOME_FOUND);
        hwa_system_free(system);
    }
    reaping = 0;
    assert_int_equal(pthread_join(reaper, NULL), 0);
    folder_remove(&folder);
}

static void a_caller_without_standard_streams(void **state) {
    (void)state;
    const struct folder folder = with("");
    const int saved[] = {dup(0), dup(1), dup(2)};
    for (int fd = 0; fd <= 2; ++fd)
        close(fd);
    hwa_system_t *system = detect_in(&folder, 0);
    int closed = 0;
    for (int fd = 0; fd <= 2; ++fd) {
        closed += fcntl(fd, F_GETFD) < 0;
        dup2(saved[fd], fd);
        close(saved[fd]);
    }
    assert_int_equal(closed, 3);
    assert_int_equal(backend_of(system, "vulkan").outcome, HWA_OUTCOME_FOUND);
    assert_int_equal(backend_of(system, "opencl").outcome, HWA_OUTCOME_FOUND);
    hwa_system_free(system);
    folder_remove(&folder);
}

/* Detects with room for so many descriptors more than are open. */
static hwa_system_t *detect_with_room(const struct folder *folder, int room) {
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    const int next = dup(0);
    close(next);
    const struct rlimit few = {(rlim_t)(next + room), before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    hwa_system_t *system = detect_in(folder, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    return system;
}

/* One helper takes five at its start and keeps two. */
static void a_caller_with_few_descriptors(void **state) {
    (void)state;
    const struct folder folder = with("");
    hwa_system_t *system = detect_with_room(&folder, 5);
    assert_int_equal(backend_of(system, "vulkan").outcome, HWA_OUTCOME_FOUND);
    assert_int_equal(backend_of(system, "opencl").outcome, HWA_OUTCOME_FOUND);
    hwa_system_free(system);
    folder_remove(&folder);
}

static void a_caller_without_descriptors(void **state) {
    (void)state;
    const struct folder folder = with("");
    /* What reading files takes. */
    hwa_system_t *system = detect_with_room(&folder, 1);
    assert_non_null(hwa_system_find_device(system, "cpu-0"));
    assert_int_equal(backend_of(system, "vulkan").outcome, HWA_OUTCOME_STARVED);
    assert_int_equal(backend_of(system, "opencl").outcome, HWA_OUTCOME_STARVED);
    assert_non_null(backend_of(system, "opencl").message);
    hwa_system_free(system);
    folder_remove(&folder);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_device_two_witnesses),
        cmocka_unit_test(only_the_helper_loads_drivers),
        cmocka_unit_test(leaves_the_caller_as_it_was),
        cmocka_unit_test(in_process_only_when_told),
        cmocka_unit_test(many_threads_at_once),
        cmocka_unit_test(a_caller_that_ignores_its_children),
        cmocka_unit_test(a_caller_that_reaps_everything),
        cmocka_unit_test(a_caller_without_standard_streams),
        cmocka_unit_test(a_caller_with_few_descriptors),
        cmocka_unit_test(a_caller_without_descriptors),
    };
    if (argc < 2)
        return 99;
    fakes = argv[1];
    /* A first look at everything, for what the C library does but once. */
    free(self_snapshot());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
