/* SPDX-License-Identifier: MIT */
/* Detection by a process that lacks what processes usually have, over every driver that is asked:
   the call comes back in time with the reason, and leaves nothing behind. */
#include "conditions.h"
#include "fault_drivers.h"
#include "self.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Only drivers that hang are waited for. */
enum { HANG_MS = 500, TIMEOUT_MS = 5000, ALLOWED_MS = 1000, SKIPPED = 77 };

struct trial {
    const struct condition *condition;
    const struct driver *driver;
    struct folder folder;
};

/* Each is run in a process of its own, for every driver. */
struct condition {
    const char *name;
    void (*attempt)(const struct trial *trial);
    int (*impose)(void);
    const char *deed;      /* of the driver, in its first call; NULL: none */
    hwa_outcome_t outcome; /* of the driver */
    hwa_outcome_t beside;  /* of the good one */
    const char *message;   /* a part of what the driver's row says; NULL: none is demanded */
};

/* Ends the process that tries. */
__attribute__((format(printf, 1, 2), noreturn)) static void wrong(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
    _exit(1);
}

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* NULL for want of memory, which alone is a reason for that. */
static hwa_system_t *detect(const struct trial *trial, uint32_t timeout_ms) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    options.library_path = trial->folder.path;
    options.timeout_ms = timeout_ms;
    const uint64_t start = now_ms();
    const hwa_status_t status = hwa_detect(&options, &system, &error);
    const uint64_t took = now_ms() - start;
    if (took > timeout_ms + ALLOWED_MS)
        wrong("it took %d ms", (int)took);
    if (status == HWA_ERROR_HOST_MEMORY && system == NULL)
        return NULL;
    if (status != HWA_OK || hwa_system_find_device(system, "cpu-0") == NULL)
        wrong("status %d: %s", (int)status, error.message);
    return system;
}

static hwa_backend_info_t row_of(const hwa_system_t *system, const char *backend) {
    hwa_backend_info_t row = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &row) == HWA_OK; ++i)
        if (strcmp(row.name, backend) == 0)
            return row;
    wrong("there is no row for %s", backend);
}

static void expect_row(const hwa_system_t *system, const char *backend, hwa_outcome_t outcome,
                       const char *message) {
    const hwa_backend_info_t row = row_of(system, backend);
    const char *told = row.message == NULL ? "" : row.message;
    if (row.outcome != outcome || (message != NULL && strstr(told, message) == NULL))
        wrong("%s has outcome %d, in %s: %s", backend, (int)row.outcome,
              row.stage == NULL ? "no call" : row.stage, told);
    if ((outcome == HWA_OUTCOME_FOUND) != (row.device_count > 0))
        wrong("%s has %u devices", backend, row.device_count);
}

static void expect_rows(const struct trial *trial, const hwa_system_t *system) {
    const struct condition *condition = trial->condition;
    if (system == NULL)
        wrong("no memory");
    expect_row(system, trial->driver->backend, driver_outcome(trial->driver, condition->outcome),
               condition->message);
    expect_row(system, good_beside(trial->driver), condition->beside, NULL);
    if ((condition->beside == HWA_OUTCOME_FOUND) !=
        (hwa_system_find_device(system, GOOD_DEVICE) != NULL))
        wrong("the good device is not as its driver");
}

/* Frees what it is given. */
static void expect_unchanged(char *before) {
    char *after = self_snapshot();
    if (strcmp(before, after) != 0)
        wrong("before:\n%s\nafter:\n%s", before, after);
    free(before);
    free(after);
}

/* Children that were ended may take a moment to be gone. */
static void expect_no_child(void) {
    const uint64_t until = now_ms() + ALLOWED_MS;
    while (waitpid(-1, NULL, WNOHANG) >= 0)
        if (now_ms() > until)
            wrong("a child lives on");
        else
            usleep(1000);
}

/* ---- What is tried --------------------------------------------------------------------------- */

static void once(const struct trial *trial) {
    const int hangs = trial->condition->outcome == HWA_OUTCOME_TIMEOUT;
    char *before = self_snapshot();
    hwa_system_t *system = detect(trial, hangs ? HANG_MS : TIMEOUT_MS);
    expect_unchanged(before);
    expect_rows(trial, system);
    hwa_system_free(system);
    if (trial->condition->impose != without_kill)
        expect_no_child();
}

/* Children that cannot be ended are put up with, but there is a limit to that. */
static void until_there_are_too_many(const struct trial *trial) {
    hwa_outcome_t outcome = HWA_OUTCOME_TIMEOUT;
    /* One that is let go of before it hangs sees that nobody listens, and ends. */
    for (int i = 0; i < 400 && outcome == HWA_OUTCOME_TIMEOUT; ++i) {
        hwa_system_t *system = detect(trial, 20);
        outcome = row_of(system, trial->driver->backend).outcome;
        hwa_system_free(system);
    }
    once(trial);
}

/* What one helper takes, and less: then none is started. */
static void with_few_descriptors(const struct trial *trial) {
    enum { ONE_HELPER = 4 };
    for (int room = 0; room <= ONE_HELPER; ++room) {
        char *before = self_snapshot();
        const struct rlimit limit = leave_descriptors(room);
        hwa_system_t *system = detect(trial, TIMEOUT_MS);
        setrlimit(RLIMIT_NOFILE, &limit);
        expect_unchanged(before);
        const int few = room < ONE_HELPER;
        const hwa_outcome_t outcome = few ? HWA_OUTCOME_STARVED : HWA_OUTCOME_FOUND;
        expect_row(system, trial->driver->backend, driver_outcome(trial->driver, outcome),
                   few ? "Too many open files" : NULL);
        expect_row(system, good_beside(trial->driver), outcome, NULL);
        hwa_system_free(system);
        expect_no_child();
    }
}

/* With enough all is well, with none nothing is, and between the two either may be. */
static void with_little_memory(const struct trial *trial) {
    const size_t enough = (size_t)256 << 20;
    const char *backends[] = {trial->driver->backend, good_beside(trial->driver)};
    for (size_t room = 0; room <= enough; room = room == 0 ? 4096 : 2 * room) {
        char *before = self_snapshot();
        struct hoard hoard = leave_memory(room);
        hwa_system_t *system = detect(trial, TIMEOUT_MS);
        give_memory_back(&hoard);
        expect_unchanged(before);
        for (int i = 0; i < 2; ++i) {
            const hwa_outcome_t outcome =
                system == NULL ? HWA_OUTCOME_STARVED : row_of(system, backends[i]).outcome;
            const hwa_outcome_t well =
                i == 0 ? driver_outcome(trial->driver, HWA_OUTCOME_FOUND) : HWA_OUTCOME_FOUND;
            const int found = outcome == well && room > 0;
            if (!found && (outcome != HWA_OUTCOME_STARVED || room >= enough))
                wrong("with %zu bytes %s has outcome %d: %s", room, backends[i], (int)outcome,
                      system == NULL ? "" : row_of(system, backends[i]).message);
        }
        hwa_system_free(system);
        expect_no_child();
    }
}

static const struct condition conditions[] = {
    {"threads", once, without_threads, NULL, HWA_OUTCOME_FOUND, HWA_OUTCOME_FOUND, NULL},
    {"threads", once, without_threads, "threads", HWA_OUTCOME_CRASHED, HWA_OUTCOME_FOUND,
     "SIGABRT"},
    {"processes", once, without_processes, NULL, HWA_OUTCOME_STARVED, HWA_OUTCOME_STARVED,
     "cannot be started: Resource temporarily unavailable"},
    {"execve", once, without_execve, NULL, HWA_OUTCOME_DENIED, HWA_OUTCOME_DENIED,
     "cannot be started: Operation not permitted"},
    {"execve", once, without_execve_or_life, NULL, HWA_OUTCOME_CRASHED, HWA_OUTCOME_CRASHED,
     "hwa-probe crashed before its first call (signal 31, SIGSYS)"},
    {"kill", once, without_kill, NULL, HWA_OUTCOME_FOUND, HWA_OUTCOME_FOUND, NULL},
    {"kill", once, without_kill, "hang", HWA_OUTCOME_TIMEOUT, HWA_OUTCOME_FOUND, "did not answer"},
    {"kill", until_there_are_too_many, without_kill, "hang", HWA_OUTCOME_STARVED,
     HWA_OUTCOME_STARVED, "earlier children do not end"},
    {"sys", once, without_sys, NULL, HWA_OUTCOME_FOUND, HWA_OUTCOME_FOUND, NULL},
    {"sys", once, without_sys, "segv", HWA_OUTCOME_CRASHED, HWA_OUTCOME_FOUND, "SIGSEGV"},
    {"proc", once, without_proc, NULL, HWA_OUTCOME_FOUND, HWA_OUTCOME_FOUND, NULL},
    {"proc", once, without_proc, "hang", HWA_OUTCOME_TIMEOUT, HWA_OUTCOME_FOUND, "did not answer"},
    {"writing", once, without_writing, NULL, HWA_OUTCOME_FOUND, HWA_OUTCOME_FOUND, NULL},
    {"writing", once, without_writing, "segv", HWA_OUTCOME_CRASHED, HWA_OUTCOME_FOUND, "SIGSEGV"},
    {"descriptors", with_few_descriptors, NULL, NULL, HWA_OUTCOME_FOUND, HWA_OUTCOME_FOUND, NULL},
    {"memory", with_little_memory, NULL, NULL, HWA_OUTCOME_FOUND, HWA_OUTCOME_FOUND, NULL},
};

/* The exit status of the process that tried it. */
static int try_apart(const struct condition *condition, const struct driver *driver) {
    char scenario[64] = "";
    if (condition->deed != NULL)
        snprintf(scenario, sizeof scenario, "%s 1 %s", driver->first, condition->deed);
    const struct trial trial = {condition, driver, driver_folder(driver, scenario)};
    const pid_t child = fork();
    if (child == 0) {
        if (condition->impose != NULL && !condition->impose())
            _exit(SKIPPED);
        condition->attempt(&trial);
        _exit(0);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    folder_remove(&trial.folder);
    if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED))
        fprintf(stderr, "^ without %s: %s: %s (status 0x%x)\n", condition->name, driver->backend,
                scenario, (unsigned)status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* args: the folder of the fakes, the name of a condition, then the backends that were built. */
int main(int argc, char **argv) {
    int right = 0, skipped = 0, others = 0;
    if (argc < 4)
        return 99;
    fakes = argv[1];
    /* A first look at everything, for what the C library does but once. */
    free(self_snapshot());
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; ++i)
        for (size_t d = 0; d < driver_count; ++d)
            for (int j = 3; j < argc; ++j)
                if (strcmp(conditions[i].name, argv[2]) == 0 &&
                    strcmp(drivers[d].backend, argv[j]) == 0) {
                    const int result = try_apart(&conditions[i], &drivers[d]);
                    right += result == 0;
                    skipped += result == SKIPPED;
                    others += result != 0 && result != SKIPPED;
                }
    printf("%d right, %d wrong, %d not possible here\n", right, others, skipped);
    return others != 0 ? 1 : skipped != 0 || right == 0 ? SKIPPED : 0;
}
