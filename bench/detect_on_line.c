/* SPDX-License-Identifier: MIT */
/* Detects once for each line on standard input, and answers how many nanoseconds that took. */
#include <hwa/hwa.h>

#include "bench.h"

int main(void) {
    char line[64];
    while (fgets(line, sizeof line, stdin) != NULL) {
        hwa_system_t *system = NULL;
        const double start = bench_ms();
        if (hwa_detect(NULL, &system, NULL) != HWA_OK)
            return 1;
        printf("%.0f\n", (bench_ms() - start) * 1e6);
        fflush(stdout);
        hwa_system_free(system);
    }
    return 0;
}
