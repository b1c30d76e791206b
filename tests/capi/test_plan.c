/* SPDX-License-Identifier: MIT */
/* Models and plans through the public header: a real header, growing structs, NULL, unknown
   values, devices of other systems, order of release. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CARD(id)                                                                                   \
    "{\"id\":\"" id "\",\"kind\":\"gpu\",\"name\":\"card\",\"memories\":[{\"kind\":\"gddr\","      \
    "\"size_bytes\":25769803776,\"bytes_per_second\":1008000000000}],"                             \
    "\"compute\":{\"f16\":{\"support\":\"native\",\"ops_per_second\":165e12}}}"
#define TWO_CARDS "{\"schema\":1,\"devices\":[" CARD("gpu-0") "," CARD("gpu-1") "]}"

static const char *model_path; /* As tools/make-model writes it. */

static hwa_system_t *two_cards(void) {
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_system_from_json(TWO_CARDS, &system, &error) != HWA_OK)
        fail_msg("%s", error.message);
    return system;
}

static hwa_model_t *billions(uint64_t count) {
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    hwa_model_t *model = NULL;
    desc.name = "m";
    desc.parameters = count * 1000000000;
    assert_int_equal(hwa_model_from_desc(&desc, &model, NULL), HWA_OK);
    return model;
}

static void reads_the_header_of_a_real_model(void **state) {
    (void)state;
    struct stat facts;
    assert_int_equal(stat(model_path, &facts), 0);
    assert_true(facts.st_size > 4900000000);
    assert_true((long long)facts.st_blocks * 512 <= 10 * 1000 * 1000);

    hwa_model_t *model = NULL;
    hwa_error_t error = {0};
    if (hwa_model_from_file(model_path, &model, &error) != HWA_OK)
        fail_msg("%s", error.message);
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    assert_int_equal(hwa_model_desc(model, &desc), HWA_OK);
    assert_string_equal(desc.architecture, "llama");
    assert_true(desc.parameters == 8030261312);
    assert_true(desc.active_parameters == 8030261312);
    assert_int_equal(desc.dtype, HWA_DTYPE_Q4_K);
    assert_int_equal(desc.layers, 32);
    assert_int_equal(desc.heads, 32);
    assert_int_equal(desc.kv_heads, 8);
    assert_int_equal(desc.head_size, 128);
    assert_int_equal(desc.vocabulary, 128256);
    assert_int_equal(desc.context_limit, 131072);

    hwa_footprint_t footprint;
    assert_int_equal(hwa_model_footprint(model, NULL, &footprint), HWA_OK);
    assert_true(footprint.weights == 4912898304);
    assert_true(footprint.cache == 640 * 32 * 8 * 256 * 2);

    hwa_system_t *system = two_cards();
    hwa_plan_t *plan = NULL;
    assert_int_equal(hwa_plan(system, model, NULL, &plan, &error), HWA_OK);
    hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
    assert_int_equal(hwa_plan_info(plan, &info), HWA_OK);
    assert_string_equal(info.recipe, "Q4_K_M");
    assert_int_equal(info.stage_count, 1);
    assert_true(info.footprint.total <= 25769803776 / 10 * 9);
    hwa_plan_free(plan);
    hwa_system_free(system);
    hwa_model_free(model);
}

static void outlives_what_it_was_made_from(void **state) {
    (void)state;
    hwa_system_t *system = two_cards();
    hwa_model_t *model = billions(70);
    hwa_plan_t *plan = NULL;
    assert_int_equal(hwa_plan(system, model, NULL, &plan, NULL), HWA_OK);
    hwa_system_free(system);
    hwa_model_free(model);
    hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
    assert_int_equal(hwa_plan_info(plan, &info), HWA_OK);
    assert_int_equal(info.weight_dtype, HWA_DTYPE_Q4_K);
    assert_int_equal(info.pipeline_parallel, 2);
    assert_int_equal(info.bound, HWA_BOUND_MEMORY);
    assert_null(info.recipe);
    uint32_t layers = 0;
    for (uint32_t i = 0; i < info.stage_count; ++i) {
        hwa_stage_t stage = HWA_INIT(hwa_stage_t);
        hwa_device_info_t device = HWA_INIT(hwa_device_info_t);
        assert_int_equal(hwa_plan_stage(plan, i, &stage), HWA_OK);
        assert_int_equal(stage.first_layer, layers);
        assert_int_equal(hwa_device_info(stage.device, &device), HWA_OK);
        assert_string_equal(device.name, "card");
        layers += stage.layer_count;
    }
    assert_int_equal(layers, 80);
    hwa_stage_t stage = HWA_INIT(hwa_stage_t);
    assert_int_equal(hwa_plan_stage(plan, info.stage_count, &stage), HWA_ERROR_RANGE);
    assert_non_null(hwa_plan_note(plan, 0));
    assert_null(hwa_plan_note(plan, info.note_count));
    assert_ptr_equal(hwa_plan_json(plan), hwa_plan_json(plan));
    hwa_plan_free(plan);
}

static void tells_of_plans_that_lost(void **state) {
    (void)state;
    hwa_system_t *system = two_cards();
    hwa_model_t *model = billions(8);
    hwa_plan_t *plan = NULL;
    assert_int_equal(hwa_plan(system, model, NULL, &plan, NULL), HWA_OK);
    const hwa_plan_info_t fresh = HWA_INIT(hwa_plan_info_t);
    hwa_plan_info_t best = fresh, info = fresh;
    assert_int_equal(hwa_plan_info(plan, &best), HWA_OK);
    double before = 1e18;
    const char *reason = NULL;
    uint32_t found = 0;
    for (; hwa_plan_alternative(plan, found, &info, &reason) == HWA_OK; ++found) {
        assert_true(info.footprint.total > 0 && info.tokens_per_second > 0);
        const double bytes = (double)info.footprint.weights;
        assert_true(bytes <= before);
        before = bytes;
        /* The same on the other card, which is of the same kind, is no other plan. */
        assert_int_equal(info.weight_dtype, HWA_DTYPE_Q8_0);
        assert_non_null(strstr(reason, "bits for a weight, not 16.00"));
        info = fresh;
    }
    assert_true(found >= 1 && found <= best.alternative_count);
    assert_int_equal(hwa_plan_alternative(plan, found, &info, NULL), HWA_ERROR_RANGE);
    assert_int_equal(hwa_plan_alternative(NULL, 0, &info, NULL), HWA_ERROR_INVALID);
    hwa_plan_free(plan);
    hwa_model_free(model);
    hwa_system_free(system);
}

static void says_what_lacked(void **state) {
    (void)state;
    hwa_system_t *system = two_cards();
    hwa_model_t *model = billions(405);
    hwa_plan_t *plan = (hwa_plan_t *)&system;
    hwa_error_t error = {0};
    assert_int_equal(hwa_plan(system, model, NULL, &plan, &error), HWA_ERROR_NO_FIT);
    assert_null(plan);
    assert_non_null(strstr(error.message, "m needs 126.7 GiB at q2_k"));
    assert_non_null(strstr(error.message, "43.2 GiB usable: 83.5 GiB short"));
    hwa_model_free(model);
    hwa_system_free(system);
}

/* Expects this status and these words of a plan with these options. */
static void expect(const hwa_plan_options_t *options, hwa_status_t status, const char *words) {
    hwa_system_t *system = two_cards();
    hwa_model_t *model = billions(8);
    hwa_plan_t *plan = NULL;
    hwa_error_t error = {0};
    const hwa_status_t got = hwa_plan(system, model, options, &plan, &error);
    if (got != status || strstr(error.message, words) == NULL)
        fail_msg("%s, not %s: %s", hwa_status_name(got), hwa_status_name(status), error.message);
    assert_null(plan);
    hwa_model_free(model);
    hwa_system_free(system);
}

static int32_t stop(void *user) {
    ++*(int *)user;
    return 1;
}

static void refuses_bad_options(void **state) {
    (void)state;
    const hwa_plan_options_t fresh = HWA_INIT(hwa_plan_options_t);
    hwa_plan_options_t options = fresh;
    options.struct_size = 0;
    expect(&options, HWA_ERROR_INVALID, "struct_size is 0");
    options = fresh;
    options.objective = (hwa_objective_t)77;
    expect(&options, HWA_ERROR_INVALID, "objective is 77");
    options = fresh;
    options.headroom = 1.5;
    expect(&options, HWA_ERROR_INVALID, "headroom");
    options = fresh;
    options.device_count = 1;
    expect(&options, HWA_ERROR_INVALID, "devices is NULL");
    const hwa_device_t *none = NULL;
    options.devices = &none;
    expect(&options, HWA_ERROR_INVALID, "devices[0] is NULL");
    hwa_system_t *other = two_cards();
    const hwa_device_t *stranger = hwa_system_device(other, 0);
    options.devices = &stranger;
    expect(&options, HWA_ERROR_INVALID, "devices[0] is of another system");
    hwa_system_free(other);
    options = fresh;
    options.objective = HWA_OBJECTIVE_COST;
    expect(&options, HWA_ERROR_INVALID, "usd_per_hour");
    int calls = 0;
    options = fresh;
    options.cancelled = stop;
    options.cancelled_user = &calls;
    expect(&options, HWA_ERROR_CANCELLED, "stopped");
    assert_int_equal(calls, 1);
}

static void refuses_bad_workloads(void **state) {
    (void)state;
    const hwa_workload_t fresh = HWA_INIT(hwa_workload_t);
    hwa_workload_t workload = fresh;
    hwa_plan_options_t options = HWA_INIT(hwa_plan_options_t);
    options.workload = &workload;
    workload.struct_size = 2;
    expect(&options, HWA_ERROR_INVALID, "workload: struct_size");
    workload = fresh;
    workload.mode = HWA_MODE_TRAIN;
    expect(&options, HWA_ERROR_NO_FIT, "lacks");
    workload.mode = (hwa_mode_t)99;
    expect(&options, HWA_ERROR_INVALID, "mode is 99");
    workload = fresh;
    workload.weight_dtype = (hwa_dtype_t)999;
    expect(&options, HWA_ERROR_INVALID, "weight_dtype is 999");
    workload = fresh;
    workload.cache_dtype = HWA_DTYPE_Q2_K;
    expect(&options, HWA_ERROR_UNSUPPORTED, "cache_dtype");
    workload = fresh;
    workload.recipe = "Q4_K_H";
    expect(&options, HWA_ERROR_UNSUPPORTED, "recipe");
    workload = fresh;
    workload.optimizer = (hwa_optimizer_t)9;
    expect(&options, HWA_ERROR_INVALID, "optimizer is 9");
    workload = fresh;
    workload.batch = workload.prompt_tokens = workload.output_tokens = UINT32_MAX;
    expect(&options, HWA_ERROR_INVALID, "overflow");
}

static void refuses_bad_models(void **state) {
    (void)state;
    hwa_model_t *model = NULL;
    hwa_error_t error = {0};
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    assert_int_equal(hwa_model_from_desc(NULL, &model, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_from_desc(&desc, NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_from_desc(&desc, &model, &error), HWA_ERROR_INVALID);
    assert_non_null(strstr(error.message, "parameters is 0"));
    desc.parameters = 1000;
    desc.name = "\xff";
    assert_int_equal(hwa_model_from_desc(&desc, &model, &error), HWA_ERROR_INVALID);
    desc.name = NULL;
    desc.dtype = (hwa_dtype_t)999;
    assert_int_equal(hwa_model_from_desc(&desc, &model, &error), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_from_file(NULL, &model, &error), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_from_file("/nowhere/at/all", &model, &error), HWA_ERROR_NOT_FOUND);
    assert_int_equal(hwa_model_from_file("/dev/null", &model, &error), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_from_file("/proc/self/status", &model, &error),
                     HWA_ERROR_UNSUPPORTED);
    assert_null(model);
}

static void exports_a_real_model(void **state) {
    (void)state;
    hwa_system_t *system = NULL;
    hwa_model_t *model = NULL;
    hwa_plan_t *plan = NULL;
    hwa_error_t error = {0};
    const char *hired = "lambda/gpu_2x_a6000";
    assert_int_equal(hwa_system_from_catalog(NULL, hired, &system, &error), HWA_OK);
    assert_int_equal(hwa_model_from_file(model_path, &model, &error), HWA_OK);
    assert_int_equal(hwa_plan(system, model, NULL, &plan, &error), HWA_OK);
    hwa_model_free(model);
    hwa_system_free(system);
    const char *text = NULL, *again = NULL;
    assert_int_equal(hwa_plan_export(plan, "llama.cpp", &text, &error), HWA_OK);
    assert_non_null(strstr(text, "llama-server"));
    assert_non_null(strstr(text, model_path));
    assert_int_equal(hwa_plan_export(plan, "llama.cpp", &again, NULL), HWA_OK);
    assert_ptr_equal(text, again);
    assert_int_equal(hwa_plan_export(plan, "slurm", &again, &error), HWA_ERROR_NOT_FOUND);
    assert_null(again);
    assert_non_null(strstr(error.message, "torchrun"));
    assert_int_equal(hwa_plan_export(plan, "deepspeed", &again, NULL), HWA_ERROR_UNSUPPORTED);
    assert_int_equal(hwa_plan_export(NULL, "vllm", &again, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_plan_export(plan, NULL, &again, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_plan_export(plan, "vllm", NULL, NULL), HWA_ERROR_INVALID);
    hwa_plan_free(plan);
}

static void hires_machines(void **state) {
    (void)state;
    uint32_t count = 0;
    for (const char *name; (name = hwa_catalog_machine(NULL, count)) != NULL; ++count) {
        hwa_system_t *system = NULL;
        hwa_system_info_t info = HWA_INIT(hwa_system_info_t);
        hwa_attr_t date;
        assert_int_equal(hwa_system_from_catalog(NULL, name, &system, NULL), HWA_OK);
        assert_int_equal(hwa_system_info(system, &info), HWA_OK);
        assert_string_equal(info.catalog_name, name);
        assert_true(info.usd_per_hour > 0 && info.device_count > 0);
        assert_true(info.memory_bytes > 0 || strncmp(name, "gcp/tpu-", 8) == 0);
        hwa_device_info_t device = HWA_INIT(hwa_device_info_t);
        assert_int_equal(hwa_device_info(hwa_system_device(system, 0), &device), HWA_OK);
        assert_true(device.memory_bytes > 0);
        const int tpu = device.kind == HWA_KIND_TPU;
        assert_int_equal(strcmp(device.vendor, "google") == 0, tpu);
        assert_int_equal(strcmp(device.vendor, "amd") == 0, strstr(name, ".MI3") != NULL);
        assert_int_equal(hwa_system_attr(system, "price.date", &date), HWA_OK);
        hwa_system_free(system);
    }
    assert_true(count > 40);
    hwa_system_t *none = NULL;
    hwa_error_t error = {0};
    assert_int_equal(hwa_system_from_catalog(NULL, "moon/base", &none, &error),
                     HWA_ERROR_NOT_FOUND);
    assert_null(none);
    assert_non_null(strstr(error.message, "moon/base"));
    assert_int_equal(hwa_system_from_catalog(NULL, NULL, &none, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_system_from_catalog(NULL, "moon/base", NULL, NULL), HWA_ERROR_INVALID);
}

static void takes_null(void **state) {
    (void)state;
    hwa_model_t *model = billions(1);
    hwa_system_t *system = two_cards();
    hwa_plan_t *plan = NULL;
    hwa_model_desc_t desc = HWA_INIT(hwa_model_desc_t);
    hwa_plan_info_t info = HWA_INIT(hwa_plan_info_t);
    hwa_stage_t stage = HWA_INIT(hwa_stage_t);
    hwa_footprint_t footprint;
    assert_int_equal(hwa_model_desc(NULL, &desc), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_desc(model, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_footprint(NULL, NULL, &footprint), HWA_ERROR_INVALID);
    assert_int_equal(hwa_model_footprint(model, NULL, NULL), HWA_ERROR_INVALID);
    hwa_workload_t training = HWA_INIT(hwa_workload_t);
    training.mode = HWA_MODE_TRAIN;
    training.optimizer = (hwa_optimizer_t)9;
    assert_int_equal(hwa_model_footprint(model, &training, &footprint), HWA_ERROR_INVALID);
    training.optimizer = HWA_OPTIMIZER_ADAMW; // two moments as wide as the weights
    assert_int_equal(hwa_model_footprint(model, &training, &footprint), HWA_OK);
    assert_true(footprint.gradients == footprint.weights);
    assert_true(footprint.optimizer == 2 * footprint.weights);
    assert_true(footprint.activations > 0 && footprint.cache == 0);
    training.zero_stage = 5;
    assert_int_equal(hwa_model_footprint(model, &training, &footprint), HWA_ERROR_INVALID);
    assert_int_equal(hwa_plan(NULL, model, NULL, &plan, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_plan(system, NULL, NULL, &plan, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_plan(system, model, NULL, NULL, NULL), HWA_ERROR_INVALID);
    assert_int_equal(hwa_plan_info(NULL, &info), HWA_ERROR_INVALID);
    assert_int_equal(hwa_plan_stage(NULL, 0, &stage), HWA_ERROR_INVALID);
    assert_null(hwa_plan_note(NULL, 0));
    assert_null(hwa_plan_json(NULL));
    hwa_model_free(NULL);
    hwa_plan_free(NULL);
    hwa_model_free(model);
    hwa_system_free(system);
}

/* A caller that knows less, and one that knows more than the library. */
static void fills_structs_of_other_sizes(void **state) {
    (void)state;
    struct {
        hwa_model_desc_t desc;
        uint64_t more;
    } larger;
    hwa_model_t *model = billions(8);
    memset(&larger, 0xff, sizeof larger);
    larger.desc.struct_size = sizeof larger;
    assert_int_equal(hwa_model_desc(model, &larger.desc), HWA_OK);
    assert_int_equal(larger.desc.struct_size, sizeof larger.desc);
    assert_true(larger.more == 0);
    hwa_model_desc_t small;
    memset(&small, 0xff, sizeof small);
    small.struct_size = offsetof(hwa_model_desc_t, active_parameters);
    assert_int_equal(hwa_model_desc(model, &small), HWA_OK);
    assert_true(small.parameters == 8000000000);
    assert_true(small.active_parameters == UINT64_MAX);
    hwa_model_free(model);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_header_of_a_real_model),
        cmocka_unit_test(outlives_what_it_was_made_from),
        cmocka_unit_test(tells_of_plans_that_lost),
        cmocka_unit_test(says_what_lacked),
        cmocka_unit_test(refuses_bad_options),
        cmocka_unit_test(refuses_bad_workloads),
        cmocka_unit_test(refuses_bad_models),
        cmocka_unit_test(exports_a_real_model),
        cmocka_unit_test(hires_machines),
        cmocka_unit_test(takes_null),
        cmocka_unit_test(fills_structs_of_other_sizes),
    };
    if (argc != 2)
        return EXIT_FAILURE;
    model_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
