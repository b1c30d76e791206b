/* SPDX-License-Identifier: MIT */
/* A full warm detection against the two programs people run to the same end, in turns. */
#include <hwa/hwa.h>

#include "bench.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

enum { ROUNDS = 25, WARM_UP = 3, GROWTH_LIMIT_KIB = 512, SKIPPED = 77 };
static const double ratio_limit = 0.7;

extern char **environ;

/* Runs a program to its end, its output thrown away; negative if it is not installed. */
static double run_ms(char *const *arguments) {
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", 1, 0);
    posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", 1, 0);
    const double start = bench_ms();
    pid_t child = -1;
    int status = -1;
    const int code = posix_spawnp(&child, arguments[0], &quiet, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&quiet);
    if (code != 0 || waitpid(child, &status, 0) != child || status != 0)
        return -1;
    return bench_ms() - start;
}

static double tools_ms(void) {
    static char *const vulkan[] = {"vulkaninfo", "--summary", NULL};
    static char *const opencl[] = {"clinfo", "-l", NULL};
    const double first = run_ms(vulkan);
    const double second = run_ms(opencl);
    return first < 0 || second < 0 ? -1 : first + second;
}

/* Both backends must have found something, or there is nothing to compare. */
static double detect_ms(int *found) {
    hwa_system_t *system = NULL;
    const double start = bench_ms();
    if (hwa_detect(NULL, &system, NULL) != HWA_OK)
        return -1;
    const double took = bench_ms() - start;
    *found = 0;
    hwa_backend_info_t row = HWA_INIT(hwa_backend_info_t);
    for (uint32_t i = 0; hwa_system_backend(system, i, &row) == HWA_OK; ++i)
        if (strcmp(row.name, "vulkan") == 0 || strcmp(row.name, "opencl") == 0)
            *found += row.outcome == HWA_OUTCOME_FOUND;
    hwa_system_free(system);
    return took;
}

int main(void) {
    double ours[ROUNDS];
    double theirs[ROUNDS];
    int found = 0;
    /* Memory of its own that the first call costs; code that is read in is shared with all. */
    const long own_before = bench_status_kib("RssAnon");
    const double first = detect_ms(&found);
    const long own = bench_status_kib("RssAnon") - own_before;
    if (first < 0 || found != 2 || tools_ms() < 0) {
        printf("skipped: Vulkan and OpenCL drivers, vulkaninfo and clinfo are needed\n");
        return SKIPPED;
    }
    const long all_before = bench_status_kib("VmRSS");
    for (int i = -WARM_UP; i < ROUNDS; ++i) {
        const double a = detect_ms(&found);
        const double b = tools_ms();
        if (a < 0 || b < 0 || found != 2)
            return 1;
        if (i >= 0) {
            ours[i] = a;
            theirs[i] = b;
        }
    }
    const long all = bench_status_kib("VmRSS") - all_before;
    const double mine = bench_median(ours, ROUNDS);
    const double yours = bench_median(theirs, ROUNDS);
    printf("hwa_detect %.1f ms, vulkaninfo and clinfo %.1f ms, medians of %d rounds in turns\n",
           mine, yours, ROUNDS);
    printf("ratio %.2f, at most %.2f wanted\n", mine / yours, ratio_limit);
    printf("the caller grew by %ld KiB of its own in the first call, by %ld KiB in all in %d more, "
           "at most %d wanted\n",
           own, all, ROUNDS + WARM_UP, GROWTH_LIMIT_KIB);
    const int lean = own <= GROWTH_LIMIT_KIB && all <= GROWTH_LIMIT_KIB;
    return mine / yours <= ratio_limit && lean ? 0 : 1;
}
