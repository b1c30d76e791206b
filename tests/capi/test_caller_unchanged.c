/* SPDX-License-Identifier: MIT */
/* The process that detects is the same before and after: signals, environment, working folder,
   locale, mask of new files, descriptors, threads, loaded objects, floating-point state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hwa/hwa.h>

#include <dirent.h>
#include <fenv.h>
#include <link.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

enum { first_signal = 1, last_signal = 64 };

/* All of it as text, so that a difference can be shown. */
struct snapshot {
    char *text;
    size_t length;
    FILE *out;
};

static void put_signals(FILE *out) {
    for (int number = first_signal; number <= last_signal; ++number) {
        struct sigaction action;
        memset(&action, 0, sizeof action);
        if (sigaction(number, NULL, &action) != 0)
            continue;
        fprintf(out, "signal %d %p %x", number, (void *)(uintptr_t)action.sa_handler,
                (unsigned)action.sa_flags);
        for (int other = first_signal; other <= last_signal; ++other)
            fputc(sigismember(&action.sa_mask, other) == 1 ? '1' : '0', out);
        fputc('\n', out);
    }
    sigset_t blocked;
    sigemptyset(&blocked);
    assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &blocked), 0);
    for (int number = first_signal; number <= last_signal; ++number)
        if (sigismember(&blocked, number) == 1)
            fprintf(out, "blocked %d\n", number);
}

static void put_environment(FILE *out) {
    fprintf(out, "environ %p\n", (void *)environ);
    for (char **each = environ; *each != NULL; ++each)
        fprintf(out, "%p %s\n", (void *)*each, *each);
    char folder[4096];
    fprintf(out, "folder %s\n", getcwd(folder, sizeof folder));
    fprintf(out, "locale %s\n", setlocale(LC_ALL, NULL));
    const mode_t mask = umask(0);
    umask(mask);
    fprintf(out, "umask %o\n", (unsigned)mask);
    fprintf(out, "rounding %d exceptions %d\n", fegetround(), fetestexcept(FE_ALL_EXCEPT));
}

static void put_limits(FILE *out) {
    for (int which = 0; which < (int)RLIM_NLIMITS; ++which) {
        struct rlimit limit;
        if (getrlimit((__rlimit_resource_t)which, &limit) == 0)
            fprintf(out, "limit %d %llu %llu\n", which, (unsigned long long)limit.rlim_cur,
                    (unsigned long long)limit.rlim_max);
    }
}

/* Names in a folder of /proc, and where they lead if they are links. */
static void put_folder(FILE *out, const char *path) {
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char link[512];
        char target[512];
        snprintf(link, sizeof link, "%s/%s", path, entry->d_name);
        const ssize_t length = readlink(link, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        fprintf(out, "%s %s\n", link, target);
    }
    closedir(folder);
}

static int put_object(struct dl_phdr_info *info, size_t size, void *out) {
    (void)size;
    fprintf(out, "object %s %p\n", info->dlpi_name, (void *)(uintptr_t)info->dlpi_addr);
    return 0;
}

static struct snapshot take(void) {
    struct snapshot made = {NULL, 0, NULL};
    made.out = open_memstream(&made.text, &made.length);
    assert_non_null(made.out);
    put_signals(made.out);
    put_environment(made.out);
    put_limits(made.out);
    put_folder(made.out, "/proc/self/fd");
    put_folder(made.out, "/proc/self/task");
    dl_iterate_phdr(put_object, made.out);
    fclose(made.out);
    return made;
}

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
    free(take().text);
    struct snapshot before = take();
    detect(flags);
    struct snapshot after = take();
    assert_string_equal(before.text, after.text);
    free(before.text);
    free(after.text);
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
    struct snapshot before = take();
    signal(SIGUSR2, SIG_IGN);
    struct snapshot after = take();
    signal(SIGUSR2, SIG_DFL);
    assert_string_not_equal(before.text, after.text);
    free(before.text);
    free(after.text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_would_be_seen),
        cmocka_unit_test(the_kernel_tier_changes_nothing),
        cmocka_unit_test(asking_drivers_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
