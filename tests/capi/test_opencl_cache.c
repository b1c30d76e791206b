/* SPDX-License-Identifier: MIT */
/* Built programs of OpenCL: kept in a folder, and taken as binaries, good and bad. */
#include "opencl_set.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SKIPPED 77

enum { CL_INVALID_BINARY = -42 };

static char *binary;
static size_t binary_bytes;

static char cache[] = "/tmp/hwa-cache-XXXXXX";

static hwa_queue_t *open_cached(void) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "opencl";
    options.cache_dir = cache;
    hwa_queue_t *queue = NULL;
    CHECK(hwa_queue_open(device, &options, &queue, error));
    return queue;
}

/* Does so with every file of the cache; the number of them. */
static int each_file(void (*act)(const char *path)) {
    char path[512];
    int count = 0;
    DIR *folder = opendir(cache);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", cache, entry->d_name);
        if (act != NULL)
            act(path);
        ++count;
    }
    closedir(folder);
    return count;
}

static void erase(const char *path) {
    assert_int_equal(unlink(path), 0);
}

static void damage(const char *path) {
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    fseek(file, -100, SEEK_END);
    const int byte = fgetc(file);
    fseek(file, -100, SEEK_END);
    fputc(byte ^ 0x55, file);
    fclose(file);
}

static int empty_cache(void **state) {
    each_file(erase);
    return no_faults(state);
}

/* Whether a program was compiled from source while this one was built and run. */
static int compiles(const char *source, const char *options) {
    const unsigned long before = calls("clCreateProgramWithSource");
    hwa_queue_t *queue = open_cached();
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    desc.code_kind = HWA_CODE_OPENCL_C;
    desc.code = source;
    desc.code_bytes = strlen(source);
    desc.entry = "count";
    desc.build_options = options;
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, 1, &program, error));
    struct set set = use_set(queue, program);
    CHECK(launch(&set, NULL, error));
    assert_int_equal(counted(&set), 1);
    /* It still knows what it wants. */
    const hwa_arg_t number = {.data = &before, .size_bytes = 8};
    hwa_error_t why = {0};
    assert_int_equal(hwa_launch(queue, program, &number, 1, NULL, NULL, &why), HWA_ERROR_INVALID);
    free_set(&set);
    return calls("clCreateProgramWithSource") != before;
}

static void builds_once(void **state) {
    (void)state;
    assert_int_equal(compiles(count_source, NULL), 1);
    assert_true(each_file(NULL) > 0);
    assert_int_equal(compiles(count_source, NULL), 0);
    assert_int_equal(compiles(count_source, "-DX=1"), 1);
    assert_int_equal(compiles("__kernel void count(__global int *y) { y[0] += 1; }", NULL), 1);
    assert_int_equal(compiles(count_source, "-DX=1"), 0);
}

static long kept_bytes;

static void measure(const char *path) {
    struct stat facts;
    assert_int_equal(stat(path, &facts), 0);
    kept_bytes = (long)facts.st_size;
}

/* pocl compiles once more for the size of a group when a kernel is launched. */
static void keeps_what_a_launch_made(void **state) {
    (void)state;
    char source[256]; /* that pocl's own folder does not know */
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(source, sizeof source,
             "__kernel void count(__global int *x) { x[0] += 1 + 0 * %ld; /* %ld */ }", now.tv_nsec,
             (long)now.tv_sec);
    hwa_queue_t *queue = open_cached();
    struct set set = use_set(queue, build_kernel(queue, source, "count"));
    assert_int_equal(each_file(measure), 1);
    const long built = kept_bytes;
    CHECK(launch(&set, NULL, error));
    assert_int_equal(counted(&set), 1);
    free_set(&set);
    assert_int_equal(each_file(measure), 1);
    if (memcmp(binary, "poclbin", 7) == 0)
        assert_true(kept_bytes > built);
    /* It is as good as before, and there is no more to keep. */
    const long launched = kept_bytes;
    assert_int_equal(compiles(source, NULL), 0);
    assert_int_equal(each_file(measure), 1);
    assert_int_equal(kept_bytes, launched);
}

static void builds_again_what_is_damaged(void **state) {
    (void)state;
    assert_int_equal(compiles(count_source, NULL), 1);
    each_file(damage);
    assert_int_equal(compiles(count_source, NULL), 1);
    assert_int_equal(compiles(count_source, NULL), 0);
}

static void builds_again_what_the_driver_refuses(void **state) {
    (void)state;
    assert_int_equal(compiles(count_source, NULL), 1);
    fault("clCreateProgramWithBinary", 1, CL_INVALID_BINARY);
    assert_int_equal(compiles(count_source, NULL), 1);
    fault("clBuildProgram", 1, CL_INVALID_BINARY);
    assert_int_equal(compiles(count_source, NULL), 1);
    assert_int_equal(compiles(count_source, NULL), 0);
}

/* What it includes is not in the key. */
static void keeps_nothing_that_includes_files(void **state) {
    (void)state;
    char source[256], options[64], path[64];
    snprintf(path, sizeof path, "%s/.step.h", cache);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("#define STEP 1\n", file);
    fclose(file);
    snprintf(source, sizeof source,
             "#include \".step.h\"\n__kernel void count(__global int *x) { x[0] += STEP; }");
    snprintf(options, sizeof options, "-I%s", cache);
    assert_int_equal(compiles(source, options), 1);
    assert_int_equal(compiles(source, options), 1);
    assert_int_equal(unlink(path), 0);
}

/* ---- Binaries ----------------------------------------------------------------------------- */

/* By OpenCL itself, as far as a program of the public header knows it. */
static void make_binary(void) {
    enum { PROGRAM_BINARY_SIZES = 0x1165, PROGRAM_BINARIES = 0x1166 };
    void *platform = NULL, *on = NULL;
    int32_t code = 0;
    const char *text = count_source;
    int32_t (*platforms)(uint32_t, void **, uint32_t *) =
        (int32_t(*)(uint32_t, void **, uint32_t *))shim_function("clGetPlatformIDs");
    int32_t (*devices)(void *, uint64_t, uint32_t, void **, uint32_t *) = (int32_t(*)(
        void *, uint64_t, uint32_t, void **, uint32_t *))shim_function("clGetDeviceIDs");
    void *(*context)(void *, uint32_t, void **, void *, void *, int32_t *) =
        (void *(*)(void *, uint32_t, void **, void *, void *, int32_t *))shim_function(
            "clCreateContext");
    void *(*program)(void *, uint32_t, const char **, const size_t *, int32_t *) =
        (void *(*)(void *, uint32_t, const char **, const size_t *, int32_t *))shim_function(
            "clCreateProgramWithSource");
    int32_t (*build)(void *, uint32_t, void **, const char *, void *, void *) = (int32_t(*)(
        void *, uint32_t, void **, const char *, void *, void *))shim_function("clBuildProgram");
    int32_t (*ask)(void *, uint32_t, size_t, void *, size_t *) =
        (int32_t(*)(void *, uint32_t, size_t, void *, size_t *))shim_function("clGetProgramInfo");
    assert_int_equal(platforms(1, &platform, NULL), 0);
    assert_int_equal(devices(platform, 0xffffffff, 1, &on, NULL), 0);
    void *in = context(NULL, 1, &on, NULL, NULL, &code);
    void *made = program(in, 1, &text, NULL, &code);
    assert_int_equal(build(made, 1, &on, "-cl-kernel-arg-info", NULL, NULL), 0);
    assert_int_equal(ask(made, PROGRAM_BINARY_SIZES, sizeof binary_bytes, &binary_bytes, NULL), 0);
    binary = malloc(binary_bytes);
    assert_int_equal(ask(made, PROGRAM_BINARIES, sizeof binary, &binary, NULL), 0);
}

/* Which of the two was taken, after it has run. */
static uint32_t variant_of(const char *code, size_t bytes) {
    hwa_queue_t *queue = open_queue();
    hwa_kernel_desc_t first = HWA_INIT(hwa_kernel_desc_t);
    first.code_kind = HWA_CODE_OPENCL_BINARY;
    first.code = code;
    first.code_bytes = bytes;
    first.entry = "count";
    hwa_kernel_desc_t second = HWA_INIT(hwa_kernel_desc_t);
    second.code_kind = HWA_CODE_OPENCL_C;
    second.code = count_source;
    second.code_bytes = count_source_bytes;
    second.entry = "count";
    const hwa_kernel_desc_t *const variants[] = {&first, &second};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, 2, &program, error));
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    assert_int_equal(hwa_program_info(program, &info), HWA_OK);
    if (info.variant == 1)
        assert_true(strlen(info.message) > 20);
    struct set set = use_set(queue, program);
    CHECK(launch(&set, NULL, error));
    assert_int_equal(counted(&set), 1);
    free_set(&set);
    return info.variant;
}

static void takes_a_binary(void **state) {
    (void)state;
    assert_int_equal(variant_of(binary, binary_bytes), 0);
}

/* Cut short, it would end the process in the driver. */
static void refuses_half_a_binary(void **state) {
    (void)state;
    const size_t lengths[] = {1,
                              7,
                              8,
                              16,
                              24,
                              77,
                              85,
                              100,
                              1000,
                              binary_bytes / 4,
                              binary_bytes / 2,
                              binary_bytes - 100,
                              binary_bytes - 1};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; ++i)
        assert_int_equal(variant_of(binary, lengths[i]), 1);
    assert_int_equal(variant_of(binary, binary_bytes), 0);
}

static void refuses_what_is_no_binary(void **state) {
    (void)state;
    char *other = malloc(binary_bytes);
    for (size_t i = 0; i < binary_bytes; ++i)
        other[i] = (char)(i * 7919 >> 3);
    assert_int_equal(variant_of(other, binary_bytes), 1);
    memset(other, 0, binary_bytes);
    assert_int_equal(variant_of(other, binary_bytes), 1);
    /* Of another device, as pocl sees it: the number after the name. */
    memcpy(other, binary, binary_bytes);
    memset(other + 8, 0x5a, 8);
    if (memcmp(binary, "poclbin", 7) == 0) {
        assert_int_equal(variant_of(other, binary_bytes), 1);
        /* Of a format that nobody could check: the driver is not even asked. */
        memcpy(other, binary, binary_bytes);
        ++other[16];
        const unsigned long before = calls("clCreateProgramWithBinary");
        assert_int_equal(variant_of(other, binary_bytes), 1);
        assert_int_equal(calls("clCreateProgramWithBinary"), before);
    }
    fault("clCreateProgramWithBinary", 1, CL_INVALID_BINARY);
    assert_int_equal(variant_of(binary, binary_bytes), 1);
    free(other);
}

int main(int argc, char **argv) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(builds_once, empty_cache),
        cmocka_unit_test_teardown(keeps_what_a_launch_made, empty_cache),
        cmocka_unit_test_teardown(builds_again_what_is_damaged, empty_cache),
        cmocka_unit_test_teardown(builds_again_what_the_driver_refuses, empty_cache),
        cmocka_unit_test_teardown(keeps_nothing_that_includes_files, empty_cache),
        cmocka_unit_test_teardown(takes_a_binary, no_faults),
        cmocka_unit_test_teardown(refuses_half_a_binary, no_faults),
        cmocka_unit_test_teardown(refuses_what_is_no_binary, no_faults),
    };
    if (argc != 2)
        return 2;
    int failed = SKIPPED;
    if (shim_open(argv[1]) && mkdtemp(cache) != NULL) {
        make_binary();
        failed = cmocka_run_group_tests_name("opencl cache", tests, NULL, NULL) != 0;
        each_file(erase);
        (void)rmdir(cache);
        free(binary);
    }
    shim_close();
    return failed;
}
