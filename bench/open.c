/* SPDX-License-Identifier: MIT */
/* What it takes to open the processor: the median of many queues, and whether a driver came in. */
#include "bench.h"

#include <hwa/hwa.h>

#include <dlfcn.h>
#include <stdio.h>

enum { opens = 1000 };

static const char *const drivers[] = {"libOpenCL.so.1", "libvulkan.so.1", "libcuda.so.1"};

static int refuse(const hwa_error_t *error) {
    printf("%s\n", error->message);
    return 1;
}

int main(void) {
    static double took_us[opens];
    hwa_error_t error = {0};
    hwa_system_t *system = NULL;
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        return refuse(&error);
    const hwa_device_t *cpu = hwa_system_find_device(system, "cpu-0");
    for (int i = 0; i < opens; ++i) {
        hwa_queue_t *queue = NULL;
        const double start = bench_ms();
        if (hwa_queue_open(cpu, NULL, &queue, &error) != HWA_OK)
            return refuse(&error);
        took_us[i] = (bench_ms() - start) * 1e3;
        hwa_queue_free(queue);
    }
    hwa_system_free(system);
    int loaded = 0;
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; ++i)
        loaded += dlopen(drivers[i], RTLD_NOW | RTLD_NOLOAD) != NULL;
    const double first = took_us[0];
    const double middle = bench_median(took_us, opens);
    printf("hwa_queue_open on cpu: the first %.1f us, median %.1f us of %d, limit 50 us; "
           "%d of %zu vendor libraries in the process\n",
           first, middle, opens, loaded, sizeof drivers / sizeof *drivers);
    return middle > 50 || loaded != 0;
}
