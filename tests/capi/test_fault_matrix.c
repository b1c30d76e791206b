/* SPDX-License-Identifier: MIT */
/* Every way of going wrong by every driver that is asked: it has its outcome, and a good driver
   beside it shows its device all the same. test_faults.c has more ways of two of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fault_drivers.h"
#include "self.h"
#include "witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MS = 300, ALLOWED_MS = 1000, PATIENCE_MS = 20000 };

/* What a driver does in its first call, and what it comes to. */
static const struct {
    const char *action;
    hwa_outcome_t outcome;
} deeds[] = {
    {"hang", HWA_OUTCOME_TIMEOUT},  {"spin", HWA_OUTCOME_TIMEOUT},  {"segv", HWA_OUTCOME_CRASHED},
    {"abort", HWA_OUTCOME_CRASHED}, {"exit", HWA_OUTCOME_EXITED},   {"close", HWA_OUTCOME_FOUND},
    {"daemon", HWA_OUTCOME_FOUND},  {"gorge", HWA_OUTCOME_CRASHED}, {"meddle", HWA_OUTCOME_FOUND},
};

static hwa_backend_info_t row_of(const hwa_system_t *system, const char *backend) {
    const struct witness witness = {backend, NULL, NULL, NULL};
    return witness_row(&witness, system);
}

/* No text of a device has a control character or half a character in it. */
static void expect_fit_to_print(const hwa_system_t *system) {
    const char *json = hwa_system_json(system);
    for (const char *at = json; *at != '\0'; ++at)
        if ((unsigned char)*at != '\n' && ((unsigned char)*at < 0x20 || (unsigned char)*at == 0x7f))
            fail_msg("a control character in %s", json);
}

static void try_one(const struct driver *driver, const char *scenario, hwa_outcome_t outcome) {
    const struct folder folder = driver_folder(driver, scenario);
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.library_path = folder.path;
    options.timeout_ms = outcome == HWA_OUTCOME_TIMEOUT ? TIMEOUT_MS : PATIENCE_MS;
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    char *before = self_snapshot();
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s: %s: %s", driver->backend, scenario, error.message);
    char *after = self_snapshot();
    assert_string_equal(before, after);
    const hwa_backend_info_t row = row_of(system, driver->backend);
    if (row.outcome != driver_outcome(driver, outcome))
        fail_msg("%s: %s: outcome %d, in %s: %s", driver->backend, scenario, (int)row.outcome,
                 row.stage, row.message);
    if (outcome == HWA_OUTCOME_TIMEOUT)
        assert_true(row.elapsed_ns < (uint64_t)(TIMEOUT_MS + ALLOWED_MS) * 1000000);
    if (row.outcome == HWA_OUTCOME_FOUND)
        assert_true(row.device_count > 0);
    if (row.outcome == HWA_OUTCOME_ABSENT)
        assert_non_null(strstr(row.message, "its library answers"));
    assert_int_equal(row_of(system, good_beside(driver)).outcome, HWA_OUTCOME_FOUND);
    if (hwa_system_find_device(system, GOOD_DEVICE) == NULL)
        fail_msg("%s: %s: the good device is gone", driver->backend, scenario);
    assert_non_null(hwa_system_find_device(system, "cpu-0"));
    expect_fit_to_print(system);
    hwa_system_free(system);
    folder_remove(&folder);
    free(before);
    free(after);
}

static void survives(void **state) {
    const struct driver *driver = *state;
    char scenario[128];
    try_one(driver, "", HWA_OUTCOME_FOUND);
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; ++i) {
        snprintf(scenario, sizeof scenario, "%s 1 %s", driver->first, deeds[i].action);
        try_one(driver, scenario, deeds[i].outcome);
    }
    snprintf(scenario, sizeof scenario, "%s 0 name", driver->naming);
    try_one(driver, scenario, HWA_OUTCOME_FOUND);
    for (size_t i = 0; driver->handing[i].call != NULL; ++i) {
        snprintf(scenario, sizeof scenario, "%s garbage", driver->handing[i].call);
        try_one(driver, scenario, driver->handing[i].outcome);
    }
    /* It would crash when it is taken out of the process, which it never is. */
    try_one(driver, "unload 1 segv", HWA_OUTCOME_FOUND);
}

enum { DRIVERS = 16 };

/* args: the folder of the fakes, then the backends that were built. */
int main(int argc, char **argv) {
    static struct CMUnitTest tests[DRIVERS];
    size_t count = 0;
    assert_true(argc > 2 && driver_count <= DRIVERS);
    fakes = argv[1];
    for (size_t i = 0; i < driver_count; ++i)
        for (int j = 2; j < argc; ++j)
            if (strcmp(argv[j], drivers[i].backend) == 0)
                tests[count++] = (struct CMUnitTest){drivers[i].backend, survives, NULL, NULL,
                                                     (void *)(uintptr_t)&drivers[i]};
    return _cmocka_run_group_tests("fault matrix", tests, count, NULL, NULL);
}
