/* SPDX-License-Identifier: MIT */
/* The options of hwa_detect(): which backends, which tree, where to record; and many threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hwa/hwa.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/hwa-detect-XXXXXX";

static int make_folder(void **state) {
    (void)state;
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state) {
    (void)state;
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* A path in the folder of this test; one at a time. */
static const char *path_of(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static hwa_detect_options_t quiet(void) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    return options;
}

static void fails(const hwa_detect_options_t *options, hwa_status_t status, const char *part) {
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    assert_int_equal(hwa_detect(options, &system, &error), status);
    assert_null(system);
    assert_int_equal(error.status, status);
    if (strstr(error.message, part) == NULL)
        fail_msg("\"%s\" does not speak of %s", error.message, part);
}

static void a_root_that_is_no_folder_is_refused(void **state) {
    (void)state;
    hwa_detect_options_t options = quiet();
    options.sysroot = path_of("nothing");
    fails(&options, HWA_ERROR_NOT_FOUND, "nothing");

    options.sysroot = path_of("file");
    FILE *file = fopen(options.sysroot, "w");
    assert_non_null(file);
    fclose(file);
    fails(&options, HWA_ERROR_INVALID, "not a directory");

    options.sysroot = path_of("fifo");
    assert_int_equal(mkfifo(options.sysroot, 0600), 0);
    fails(&options, HWA_ERROR_INVALID, "not a directory");

    options.sysroot = "/dev/null";
    fails(&options, HWA_ERROR_INVALID, "not a directory");
}

static void an_empty_root_still_has_a_processor(void **state) {
    (void)state;
    hwa_detect_options_t options = quiet();
    options.flags = 0;
    options.sysroot = path_of("empty");
    assert_int_equal(mkdir(options.sysroot, 0700), 0);
    hwa_system_t *system = NULL;
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    assert_int_equal(hwa_system_info(system, &info), HWA_OK);
    assert_int_equal(info.flags & HWA_SYSTEM_LIVE, 0);
    assert_int_equal(info.device_count, 1);
    assert_int_equal(info.memory_bytes, 0);
    assert_non_null(hwa_system_find_device(system, "cpu-0"));
    hwa_system_free(system);
}

static hwa_backend_info_t row_of(const hwa_system_t *system, const char *name) {
    hwa_backend_info_t row = HWA_INIT(hwa_backend_info_t);
    uint32_t index = 0;
    while (hwa_system_backend(system, index++, &row) == HWA_OK)
        if (strcmp(row.name, name) == 0)
            return row;
    fail_msg("no row of %s", name);
    return row;
}

static void backends_are_chosen_by_name(void **state) {
    (void)state;
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    hwa_system_t *system = NULL;
    options.backends = "-vulkan, -opencl,-pci";
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    assert_int_equal(row_of(system, "cpu").outcome, HWA_OUTCOME_FOUND);
    assert_int_equal(row_of(system, "pci").outcome, HWA_OUTCOME_SKIPPED);
    assert_int_equal(row_of(system, "vulkan").outcome, HWA_OUTCOME_SKIPPED);
    assert_string_equal(row_of(system, "opencl").message, "left out by the option backends");
    hwa_system_free(system);

    options.backends = "pci";
    assert_int_equal(hwa_detect(&options, &system, NULL), HWA_OK);
    assert_int_equal(row_of(system, "cpu").outcome, HWA_OUTCOME_FOUND);
    assert_int_not_equal(row_of(system, "pci").outcome, HWA_OUTCOME_SKIPPED);
    assert_int_equal(row_of(system, "vulkan").outcome, HWA_OUTCOME_SKIPPED);
    hwa_system_free(system);

    options.backends = "pci,vulcan";
    fails(&options, HWA_ERROR_NOT_FOUND, "vulcan");
}

/* The text without its times. */
static char *without_times(const char *json) {
    char *text = strdup(json);
    assert_non_null(text);
    for (char *at = strstr(text, "\"elapsed_ns\": "); at != NULL;
         at = strstr(at + 1, "\"elapsed_ns\": "))
        for (char *digit = strchr(at, ' ') + 1; *digit >= '0' && *digit <= '9'; ++digit)
            *digit = ' ';
    /* Numbers of different length have moved what follows. */
    char *to = text;
    for (const char *from = text; *from != '\0'; ++from)
        if (*from != ' ')
            *to++ = *from;
    *to = '\0';
    return text;
}

static void remove_text(char *text, const char *part) {
    char *at = strstr(text, part);
    if (at != NULL)
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

/* A capture keeps to itself what its machine is called. */
static void remove_name(char *text) {
    char *at = strstr(text, "\"host.name\"");
    if (at == NULL)
        return;
    const char *end = strchr(at, '}');
    assert_non_null(end);
    memmove(at, end + 1, strlen(end + 1) + 1);
}

static void a_capture_of_this_machine_says_the_same(void **state) {
    (void)state;
    hwa_detect_options_t options = quiet();
    hwa_system_t *live = NULL;
    hwa_system_t *replayed = NULL;
    options.capture_dir = path_of("capture");
    assert_int_equal(hwa_detect(&options, &live, NULL), HWA_OK);
    options.sysroot = options.capture_dir;
    options.capture_dir = NULL;
    assert_int_equal(hwa_detect(&options, &replayed, NULL), HWA_OK);
    char *before = without_times(hwa_system_json(live));
    char *after = without_times(hwa_system_json(replayed));
    /* It is no live machine any more, and the reason for not asking drivers is another one. */
    remove_text(before, "\"live\",\n");
    remove_text(before, "\"live\"\n");
    for (char *at = strstr(after, "acapturedtreehasnodriverstoask"); at != NULL;
         at = strstr(after, "acapturedtreehasnodriverstoask")) {
        const char *other = "driversarenottobeasked";
        memcpy(at, other, strlen(other));
        memmove(at + strlen(other), at + 30, strlen(at + 30) + 1);
    }
    remove_name(before);
    remove_name(after);
    assert_string_equal(before, after);
    free(before);
    free(after);
    hwa_system_free(live);
    hwa_system_free(replayed);
}

static void a_capture_goes_into_an_empty_folder_only(void **state) {
    (void)state;
    hwa_detect_options_t options = quiet();
    options.capture_dir = folder;
    fails(&options, HWA_ERROR_INVALID, "not empty");
    options.capture_dir = path_of("no/such/parent");
    fails(&options, HWA_ERROR_NOT_FOUND, "no/such/parent");
    options.capture_dir = "/dev/null";
    fails(&options, HWA_ERROR_INVALID, "not a directory");
}

static void *detect_in_thread(void *unused) {
    (void)unused;
    hwa_detect_options_t options = quiet();
    hwa_system_t *system = NULL;
    if (hwa_detect(&options, &system, NULL) != HWA_OK)
        return NULL;
    char *text = strdup(hwa_system_json(system));
    hwa_system_free(system);
    return text;
}

static void many_threads_see_one_machine(void **state) {
    (void)state;
    enum { count = 64 };
    pthread_t threads[count];
    for (int i = 0; i < count; ++i)
        assert_int_equal(pthread_create(&threads[i], NULL, detect_in_thread, NULL), 0);
    char *first = NULL;
    for (int i = 0; i < count; ++i) {
        void *text = NULL;
        pthread_join(threads[i], &text);
        assert_non_null(text);
        char *plain = without_times(text);
        free(text);
        if (first == NULL) {
            first = plain;
            continue;
        }
        assert_string_equal(first, plain);
        free(plain);
    }
    free(first);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_root_that_is_no_folder_is_refused),
        cmocka_unit_test(an_empty_root_still_has_a_processor),
        cmocka_unit_test(backends_are_chosen_by_name),
        cmocka_unit_test(a_capture_of_this_machine_says_the_same),
        cmocka_unit_test(a_capture_goes_into_an_empty_folder_only),
        cmocka_unit_test(many_threads_see_one_machine),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
