/* SPDX-License-Identifier: MIT */
/* A thousand detections with a driver that goes wrong: how long after the deadline each answers. */
#include <hwa/hwa.h>

#include "bench.h"
#include "folder.h"

enum { RUNS = 1000, DEADLINE_MS = 40, ALLOWED_MS = 50 };

static const char *const faults[] = {
    "vkCreateInstance 1 hang",  "vkCreateInstance 1 spin",  "vkCreateInstance 1 segv",
    "vkCreateInstance 1 exit",  "vkCreateInstance 1 gorge", "vkCreateInstance 1 daemon",
    "vkCreateInstance 1 abort", "vulkan.ctor 1 hang",
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

/* Milliseconds of one detection; negative if it failed. */
static double detect_ms(const struct folder *folder) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.library_path = folder->path;
    options.backends = "vulkan";
    options.timeout_ms = DEADLINE_MS;
    hwa_system_t *system = NULL;
    const double start = bench_ms();
    const hwa_status_t status = hwa_detect(&options, &system, NULL);
    const double took = bench_ms() - start;
    hwa_system_free(system);
    return status == HWA_OK ? took : -1;
}

int main(int argc, char **argv) {
    static double late[RUNS];
    struct folder folders[FAULTS];
    if (argc != 2)
        return 2;
    fakes = argv[1];
    for (int i = 0; i < FAULTS; ++i) {
        folders[i] = folder_make(faults[i]);
        folder_put(&folders[i], "libvulkan.so.1", "vulkan");
    }
    for (int i = 0; i < RUNS; ++i) {
        const double took = detect_ms(&folders[i % FAULTS]);
        if (took < 0)
            return 1;
        late[i] = took - DEADLINE_MS;
    }
    for (int i = 0; i < FAULTS; ++i)
        folder_remove(&folders[i]);
    qsort(late, RUNS, sizeof late[0], bench_order);
    const double worst = late[RUNS - 1];
    printf("%d faulty detections, after a deadline of %d ms: median %+.1f ms, p99 %+.1f ms, worst "
           "%+.1f ms: %s %d ms\n",
           RUNS, DEADLINE_MS, late[RUNS / 2], late[RUNS * 99 / 100], worst,
           worst <= ALLOWED_MS ? "within" : "NOT within", ALLOWED_MS);
    return worst <= ALLOWED_MS ? 0 : 1;
}
