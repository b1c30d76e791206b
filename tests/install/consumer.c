/* SPDX-License-Identifier: MIT */
/* A program outside the tree, built with pkg-config alone: detects and prints device ids. */
#include <hwa/hwa.h>
#include <stdio.h>

int main(void) {
    hwa_error_t error;
    hwa_system_t *system = NULL;
    if (hwa_detect(NULL, &system, &error) != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
    if (hwa_system_info(system, &info) != HWA_OK)
        return 1;
    for (uint32_t i = 0; i < info.backend_count; ++i) {
        hwa_backend_info_t backend = HWA_INIT(hwa_backend_info_t);
        if (hwa_system_backend(system, i, &backend) == HWA_OK)
            printf("%s %d %s\n", backend.name, (int)backend.outcome,
                   backend.message ? backend.message : "");
    }
    printf("%u devices\n", info.device_count);
    hwa_system_free(system);
    return info.device_count == 0;
}
