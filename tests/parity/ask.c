/* SPDX-License-Identifier: MIT */
/* Answers what no subcommand of the tool prints: which devices meet a demand, what a model file
   says, what a system reads back as. A failure is printed as its status. */
#include <hwa/hwa.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hwa_system_t *read_system(const char *path) {
    static char text[1 << 20];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        exit(EXIT_FAILURE);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_system_from_json(text, &system, &error) != HWA_OK)
        printf("%s\n", hwa_status_name(error.status));
    return system;
}

/* 1 or 0 for each device, in the order of the system. */
static void ask_meets(const char *path, uint32_t kinds, uint32_t usable) {
    hwa_system_t *system = read_system(path);
    hwa_requirement_t demand = HWA_INIT(hwa_requirement_t);
    demand.kind_mask = kinds;
    demand.usable = usable;
    const hwa_device_t *device = NULL;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; ++i) {
        hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
        if (hwa_device_info(device, &info) == HWA_OK)
            printf("%s %d\n", info.id, hwa_device_meets(device, &demand));
    }
    hwa_system_free(system);
}

static void ask_system(const char *path) {
    hwa_system_t *system = read_system(path);
    if (system != NULL)
        fputs(hwa_system_json(system), stdout);
    hwa_system_free(system);
}

static void print_model(hwa_status_t status, hwa_model_t *model) {
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    if (status == HWA_OK)
        status = hwa_model_desc(model, &desc);
    if (status == HWA_OK)
        printf("%" PRIu64 " %s %u\n", desc.parameters, hwa_dtype_name(desc.dtype), desc.layers);
    else
        printf("%s\n", hwa_status_name(status));
    hwa_model_free(model);
}

static void ask_model(const char *path) {
    hwa_model_t *model = NULL;
    const hwa_status_t status = hwa_model_from_file(path, &model, NULL);
    print_model(status, model);
}

static void ask_count(const char *parameters) {
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    desc.parameters = strtoull(parameters, NULL, 10);
    hwa_model_t *model = NULL;
    const hwa_status_t status = hwa_model_from_desc(&desc, &model, NULL);
    print_model(status, model);
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "meets") == 0)
        ask_meets(argv[2], (uint32_t)strtoul(argv[3], NULL, 0),
                  (uint32_t)strtoul(argv[4], NULL, 0));
    else if (argc == 3 && strcmp(argv[1], "system") == 0)
        ask_system(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "model") == 0)
        ask_model(argv[2]);
    else if (argc == 3 && strcmp(argv[1], "count") == 0)
        ask_count(argv[2]);
    else
        return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
