/* SPDX-License-Identifier: MIT */
/* Lists the devices of this machine, best first. */
#include <hwa/hwa.h>
#include <stdio.h>

int main(void) {
    hwa_system_t *system;
    hwa_error_t error;
    if (hwa_detect(NULL, &system, &error) != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; i++) {
        hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
        if (hwa_device_info(device, &info) != HWA_OK)
            continue;
        printf("%-16s %-4s %s", info.id, hwa_kind_name(info.kind), info.name ? info.name : "?");
        if (info.memory_bytes != 0)
            printf(", %.1f GiB", (double)info.memory_bytes / (1 << 30));
        printf("\n");
    }
    hwa_system_free(system);
    return 0;
}
