/* SPDX-License-Identifier: MIT */
/* The process that detects is the same before and after: signals, environment, working folder,
   locale, mask of new files, descriptors, threads, loaded objects, floating-point state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hwa/hwa.h>

#include "self.h"

#include <signal.h>
#include <stdlib.h>

static void detect(uint32_t flags) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = flags;
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    assert_int_equal(hwa_detect(&options, &system, &error), HWA_OK);
    assert_non_null(hwa_system_device(system, 0));
    hwa_system_free(system);
}

static void compare_around(uint32_t flags) {
    /* A first look at everything, for what the C library does but once. */
    free(self_snapshot());
    char *before = self_snapshot();
    detect(flags);
    char *after = self_snapshot();
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void the_kernel_tier_changes_nothing(void **state) {
    (void)state;
    compare_around(HWA_DETECT_NO_DRIVERS);
}

static void asking_drivers_changes_nothing(void **state) {
    (void)state;
    compare_around(0);
}

static void a_change_would_be_seen(void **state) {
    (void)state;
    char *before = self_snapshot();
    signal(SIGUSR2, SIG_IGN);
    char *after = self_snapshot();
    signal(SIGUSR2, SIG_DFL);
    assert_string_not_equal(before, after);
    free(before);
    free(after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_would_be_seen),
        cmocka_unit_test(the_kernel_tier_changes_nothing),
        cmocka_unit_test(asking_drivers_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
