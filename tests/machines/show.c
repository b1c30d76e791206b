/* SPDX-License-Identifier: MIT */
/* Prints the JSON of the machine in a tree, and records it again if a second folder is named. */
#include <hwa/hwa.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    options.sysroot = argc > 1 ? argv[1] : NULL;
    options.capture_dir = argc > 2 ? argv[2] : NULL;
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_detect(&options, &system, &error) != HWA_OK) {
        fprintf(stderr, "%s: %s\n", hwa_status_name(error.status), error.message);
        return EXIT_FAILURE;
    }
    fputs(hwa_system_json(system), stdout);
    hwa_system_free(system);
    return EXIT_SUCCESS;
}
