/* SPDX-License-Identifier: MIT */
/* Products on the fake CUDA driver by the fake cuBLASLt, and what is said when it fails.
   `test-cublas FOLDER [full]`, which has both; `full`: of a device whose memory is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <hwa/hwa.h>

static char folder[] = "/tmp/hwa-cublas-XXXXXX";
static hwa_queue_t *queue;

static const char *place(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* A copy, which the loader of libraries takes for another one than its original. */
static void copy(const char *from, const char *name, const char *as) {
    static char content[1 << 20];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", from, name);
    FILE *in = fopen(path, "rb");
    FILE *out = fopen(place(as), "wb");
    if (in == NULL || out == NULL)
        abort();
    const size_t size = fread(content, 1, sizeof content, in);
    if (size == sizeof content || fwrite(content, 1, size, out) != size)
        abort();
    fclose(in);
    fclose(out);
}

static int open_another(void) {
    queue = NULL;
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.library_path = folder;
    hwa_system_t *system = NULL;
    hwa_error_t error = {0};
    if (hwa_detect(&options, &system, &error) != HWA_OK)
        return -1;
    hwa_queue_options_t how = HWA_INIT(hwa_queue_options_t);
    how.runtime = "cuda";
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL && queue == NULL; ++i)
        if (hwa_queue_open(device, &how, &queue, &error) != HWA_OK)
            queue = NULL;
    hwa_system_free(system);
    if (queue == NULL)
        print_error("%s\n", error.message);
    return queue == NULL ? -1 : 0;
}

static int open_all(void **state) {
    (void)state;
    return open_another();
}

static int close_all(void **state) {
    (void)state;
    hwa_queue_free(queue);
    return 0;
}

static hwa_status_t make(const char *dtype, const char *provider, hwa_program_t **program,
                         hwa_error_t *error) {
    const hwa_attr_t attrs[] = {{.key = "m", .type = HWA_ATTR_INT, .i = 8},
                                {.key = "n", .type = HWA_ATTR_INT, .i = 8},
                                {.key = "k", .type = HWA_ATTR_INT, .i = 8},
                                {.key = "dtype", .type = HWA_ATTR_TEXT, .s = dtype},
                                {.key = "allow_tf32", .type = HWA_ATTR_INT, .i = 1},
                                {.key = "provider", .type = HWA_ATTR_TEXT, .s = provider}};
    return hwa_program_from_op(queue, "gemm", attrs, provider == NULL ? 5 : 6, program, error);
}

static const char *provider_of(const hwa_program_t *program) {
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    assert_int_equal(hwa_program_info(program, &info), HWA_OK);
    return info.provider;
}

static void leaves_it_to_the_kernel(void **state) {
    (void)state;
    static const char *const faults[] = {"cublasLtCreate=1", "cublasLtMatmulAlgoGetHeuristic=15"};
    for (size_t i = 0; i < 2; ++i) {
        hwa_program_t *program = NULL;
        hwa_error_t error = {0};
        setenv("HWA_FAKE_CUBLAS", faults[i], 1);
        assert_int_equal(make("f32", NULL, &program, &error), HWA_OK);
        assert_string_equal(provider_of(program), "builtin cuda");
        hwa_program_free(program);
        program = NULL;
        assert_int_equal(make("bf16", "cublaslt", &program, &error), HWA_ERROR_UNSUPPORTED);
        assert_non_null(strstr(error.message, "cublaslt: "));
        assert_null(program);
    }
    unsetenv("HWA_FAKE_CUBLAS");
}

static void make_args(hwa_queue_t *on, hwa_arg_t *args) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 8 * 8 * sizeof(float);
    memset(args, 0, 3 * sizeof *args);
    for (int i = 0; i < 3; ++i)
        assert_int_equal(hwa_buffer_create(on, &desc, &args[i].buffer, NULL), HWA_OK);
}

static void free_args(hwa_arg_t *args) {
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(args[i].buffer);
}

static void check_failure(hwa_status_t status, const hwa_error_t *error) {
    assert_int_equal(status, HWA_ERROR_DRIVER);
    assert_int_equal(error->code, 13);
    assert_string_equal(error->backend, "cuda");
    assert_non_null(
        strstr(error->message, "cublasLtMatmul answered CUBLAS_STATUS_EXECUTION_FAILED"));
}

static void says_why_a_launch_failed(void **state) {
    (void)state;
    hwa_program_t *program = NULL;
    hwa_error_t error = {0};
    assert_int_equal(make("f32", NULL, &program, &error), HWA_OK);
    assert_non_null(strstr(provider_of(program), "cublaslt "));
    hwa_arg_t args[3];
    make_args(queue, args);
    setenv("HWA_FAKE_CUBLAS", "cublasLtMatmul=13", 1);
    check_failure(hwa_launch(queue, program, args, 3, NULL, NULL, &error), &error);
    unsetenv("HWA_FAKE_CUBLAS");
    assert_int_equal(hwa_launch(queue, program, args, 3, NULL, NULL, &error), HWA_OK);
    assert_int_equal(hwa_queue_finish(queue, HWA_FOREVER, &error), HWA_OK);
    free_args(args);
    hwa_program_free(program);
}

/* The same of many launches and of a recording; then the queue has failed, so it is one of ours. */
static void says_why_many_failed(void **state) {
    (void)state;
    hwa_queue_t *const others = queue;
    for (int recorded = 0; recorded < 2; ++recorded) {
        open_another();
        hwa_program_t *program = NULL;
        hwa_program_t *recording = NULL;
        hwa_error_t error = {0};
        assert_int_equal(make("f32", "cublaslt", &program, &error), HWA_OK);
        hwa_arg_t args[3];
        make_args(queue, args);
        const hwa_launch_item_t items[] = {{.program = program, .args = args, .arg_count = 3},
                                           {.program = program, .args = args, .arg_count = 3}};
        if (recorded)
            assert_int_equal(hwa_program_from_launches(queue, items, 2, &recording, &error),
                             HWA_OK);
        setenv("HWA_FAKE_CUBLAS", "cublasLtMatmul=13", 1);
        check_failure(recorded ? hwa_launch(queue, recording, NULL, 0, NULL, NULL, &error)
                               : hwa_launch_many(queue, items, 2, NULL, &error),
                      &error);
        unsetenv("HWA_FAKE_CUBLAS");
        hwa_program_free(recording);
        hwa_program_free(program);
        free_args(args);
        hwa_queue_free(queue);
        queue = others;
    }
}

/* The newest library may be one that the driver is too old for. */
static void takes_an_older_library(void **state) {
    (void)state;
    static const char *const faults[] = {"libcublasLt.so.13:cublasLtCreate=1",
                                         "libcublasLt.so.13:cublasLtCreate=8"};
    for (size_t i = 0; i < 2; ++i) {
        hwa_program_t *program = NULL;
        hwa_error_t error = {0};
        setenv("HWA_FAKE_CUBLAS", faults[i], 1);
        assert_int_equal(make("bf16", NULL, &program, &error), HWA_OK);
        assert_non_null(strstr(provider_of(program), "cublaslt "));
        hwa_program_free(program);
    }
    unsetenv("HWA_FAKE_CUBLAS");
}

/* Not "nobody can do it": there is no room for what the reduction keeps between its parts. */
static void says_that_memory_is_out(void **state) {
    (void)state;
    const hwa_attr_t attrs[] = {{.key = "n", .type = HWA_ATTR_INT, .i = 8}};
    hwa_program_t *program = NULL;
    hwa_error_t error = {0};
    assert_int_equal(hwa_program_from_op(queue, "reduce", attrs, 1, &program, &error),
                     HWA_ERROR_DEVICE_MEMORY);
    assert_int_equal(error.code, 2);
    assert_string_equal(error.backend, "cuda");
    assert_non_null(strstr(error.message, "CUDA_ERROR_OUT_OF_MEMORY"));
    /* A product that needs room to work in is left to the kernel, which needs none. */
    assert_int_equal(make("f32", NULL, &program, &error), HWA_OK);
    assert_string_equal(provider_of(program), "builtin cuda");
    hwa_program_free(program);
}

int main(int argc, char **argv) {
    static const char *const files[] = {"libcuda.so.1", "libnvrtc.so.12", "libcublasLt.so.12",
                                        "libcublasLt.so.13", "cuda.scenario"};
    if (argc < 2 || mkdtemp(folder) == NULL)
        return 2;
    for (int i = 0; i < 4; ++i)
        copy(argv[1], files[i < 3 ? i : 2], files[i]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_it_to_the_kernel),
        cmocka_unit_test(says_why_a_launch_failed),
        cmocka_unit_test(says_why_many_failed),
        cmocka_unit_test(takes_an_older_library),
    };
    const struct CMUnitTest full_tests[] = {cmocka_unit_test(says_that_memory_is_out)};
    int failed;
    if (argc > 2) {
        FILE *scenario = fopen(place("cuda.scenario"), "w");
        if (scenario == NULL ||
            fputs("fail cuMemAlloc_v2 0 2\nfail cuMemAllocFromPoolAsync 0 2\n", scenario) < 0)
            return 2;
        fclose(scenario);
        failed = cmocka_run_group_tests(full_tests, open_all, close_all);
    } else {
        failed = cmocka_run_group_tests(tests, open_all, close_all);
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; ++i)
        unlink(place(files[i]));
    rmdir(folder);
    return failed;
}
