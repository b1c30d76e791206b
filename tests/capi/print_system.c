/* SPDX-License-Identifier: MIT */
/* Prints the JSON of this machine as the kernel tells of it, or of the system in a file. */
#include <hwa/hwa.h>

#include <stdio.h>
#include <stdlib.h>

static char text[1 << 20];

static hwa_status_t look(const char *path, hwa_system_t **system, hwa_error_t *error) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    if (path == NULL)
        return hwa_detect(&options, system, error);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return HWA_ERROR_IO;
    const size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    return hwa_system_from_json(text, system, error);
}

int main(int argc, char **argv) {
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (look(argc > 1 ? argv[1] : NULL, &system, &error) != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    fputs(hwa_system_json(system), stdout);
    hwa_system_free(system);
    return EXIT_SUCCESS;
}
