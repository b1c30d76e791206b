/* SPDX-License-Identifier: MIT */
/* Prints the JSON of a plan: of a model file or of billions of parameters over some cards. */
#include <hwa/hwa.h>

#include <stdio.h>
#include <stdlib.h>

#define CARD(id)                                                                                   \
    "{\"id\":\"" id "\",\"kind\":\"gpu\",\"name\":\"card\",\"memories\":[{\"kind\":\"gddr\","      \
    "\"size_bytes\":25769803776,\"bytes_per_second\":1008000000000}],"                             \
    "\"compute\":{\"f16\":{\"support\":\"native\",\"ops_per_second\":165e12}}}"

/* One with everything known; one of which little is. */
static const char *const systems[] = {
    "{\"schema\":1,\"usd_per_hour\":2,\"devices\":[" CARD("gpu-0") "," CARD("gpu-1") "]}",
    "{\"schema\":1,\"devices\":[{\"id\":\"x\",\"kind\":\"npu\",\"memory_bytes\":68719476736}]}",
};

static hwa_status_t model_of(const char *what, hwa_model_t **model, hwa_error_t *error) {
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    desc.parameters = (uint64_t)(1e9 * strtod(what, NULL));
    if (desc.parameters > 0)
        return hwa_model_from_desc(&desc, model, error);
    return hwa_model_from_file(what, model, error);
}

int main(int argc, char **argv) {
    hwa_system_t *system = NULL;
    hwa_model_t *model = NULL;
    hwa_plan_t *plan = NULL;
    hwa_error_t error = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: print-plan known|unknown FILE|BILLIONS\n");
        return EXIT_FAILURE;
    }
    if (hwa_system_from_json(systems[argv[1][0] == 'u'], &system, &error) != HWA_OK ||
        model_of(argv[2], &model, &error) != HWA_OK ||
        hwa_plan(system, model, NULL, &plan, &error) != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    fputs(hwa_plan_json(plan), stdout);
    hwa_plan_free(plan);
    hwa_model_free(model);
    hwa_system_free(system);
    return EXIT_SUCCESS;
}
