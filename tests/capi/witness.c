/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "witness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct folder witness_folder(const struct witness *witness, const char *fake, const char *faults,
                             const char *devices) {
    const struct folder folder = folder_make(faults);
    folder_put(&folder, witness->library, fake);
    if (devices != NULL) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", folder.path, witness->scenario);
        FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(devices, file) >= 0);
        fclose(file);
    }
    return folder;
}

hwa_system_t *witness_look(const struct witness *witness, const struct folder *folder,
                           uint32_t timeout_ms) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    options.library_path = folder->path;
    options.backends = witness->backend;
    options.timeout_ms = timeout_ms;
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

hwa_backend_info_t witness_row(const struct witness *witness, const hwa_system_t *system) {
    hwa_backend_info_t info = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &info) == HWA_OK; ++i)
        if (strcmp(info.name, witness->backend) == 0)
            return info;
    fail_msg("there is no row for %s", witness->backend);
    return info;
}

static const hwa_device_t *find(const hwa_system_t *system, const char *id) {
    const hwa_device_t *device = hwa_system_find_device(system, id);
    if (device == NULL)
        fail_msg("there is no %s in %s", id, hwa_system_json(system));
    return device;
}

hwa_device_info_t witness_info(const hwa_system_t *system, const char *id) {
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(find(system, id), &info), HWA_OK);
    return info;
}

int64_t witness_number(const hwa_system_t *system, const char *id, const char *key) {
    hwa_attr_t attr = {0};
    return hwa_device_attr(find(system, id), key, &attr) == HWA_OK ? attr.i : -1;
}

const char *witness_text(const hwa_system_t *system, const char *id, const char *key) {
    hwa_attr_t attr = {0};
    return hwa_device_attr(find(system, id), key, &attr) == HWA_OK ? attr.s : "";
}

static int lacks(const char *wanted, const char *told) {
    return wanted != NULL && (told == NULL || strstr(told, wanted) == NULL);
}

static int is_other(const char *wanted, const char *told) {
    return wanted != NULL && (told == NULL || strcmp(told, wanted) != 0);
}

void witness_cases(const struct witness *witness, const char *id, const struct witness_case *cases,
                   size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const struct witness_case *one = &cases[i];
        const struct folder folder = witness_folder(witness, one->fake, one->faults, NULL);
        const uint32_t patience = strstr(one->faults, "hang") != NULL ? 300 : 20000;
        hwa_system_t *system = witness_look(witness, &folder, patience);
        const hwa_backend_info_t told = witness_row(witness, system);
        const int devices = hwa_system_find_device(system, id) != NULL;
        if (told.outcome != one->outcome || devices != one->devices ||
            is_other(one->stage, told.stage) || lacks(one->message, told.message))
            fail_msg("%s, %s: outcome %d, %d devices, in %s: %s", one->fake, one->faults,
                     (int)told.outcome, devices, told.stage, told.message);
        if (devices && witness->well != NULL)
            witness->well(system);
        hwa_system_free(system);
        folder_remove(&folder);
    }
}

void witness_real(const struct witness *witness, const char *name, const char *node,
                  hwa_outcome_t outcome, const char *stage, const char *message) {
    char real[256];
    snprintf(real, sizeof real, "/usr/lib/x86_64-linux-gnu/%s", name);
    if (access(real, R_OK) != 0 || access(node, F_OK) == 0)
        skip();
    const struct folder folder = folder_make("");
    folder_put(&folder, name, real);
    hwa_system_t *system = witness_look(witness, &folder, 60000);
    const hwa_backend_info_t row = witness_row(witness, system);
    assert_int_equal(row.outcome, outcome);
    if (stage != NULL)
        assert_string_equal(row.stage, stage);
    assert_non_null(strstr(row.message, message));
    hwa_system_free(system);
    folder_remove(&folder);
}
