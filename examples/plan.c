/* SPDX-License-Identifier: MIT */
/* Lays a model file over this machine: plan FILE. */
#include <hwa/hwa.h>
#include <stdio.h>

static void print_plan(const hwa_plan_t *plan) {
    hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
    if (hwa_plan_info(plan, &info) != HWA_OK)
        return;
    printf("%s weights, %.1f GiB\n", hwa_dtype_name(info.weight_dtype),
           (double)info.footprint.total / (1 << 30));
    if (info.tokens_per_second > 0)
        printf("about %.1f tokens/s\n", info.tokens_per_second);
    for (uint32_t i = 0; i < info.stage_count; i++) {
        hwa_stage_t stage = HWA_INIT(hwa_stage_t);
        hwa_device_info_t device = HWA_INIT(hwa_device_info_t);
        if (hwa_plan_stage(plan, i, &stage) == HWA_OK &&
            hwa_device_info(stage.device, &device) == HWA_OK)
            printf("%s: %u layers from %u on\n", device.id, stage.layer_count, stage.first_layer);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: plan FILE\n");
        return 2;
    }
    hwa_system_t *system = NULL;
    hwa_model_t *model = NULL;
    hwa_plan_t *plan = NULL;
    hwa_error_t error;
    hwa_status_t status = hwa_detect(NULL, &system, &error);
    if (status == HWA_OK)
        status = hwa_model_from_file(argv[1], &model, &error);
    if (status == HWA_OK)
        status = hwa_plan(system, model, NULL, &plan, &error);
    if (status == HWA_OK)
        print_plan(plan);
    else
        fprintf(stderr, "%s\n", error.message);
    hwa_plan_free(plan);
    hwa_model_free(model);
    hwa_system_free(system);
    return status == HWA_OK ? 0 : 1;
}
