/* SPDX-License-Identifier: MIT */
/* Kernels for the CPU from a library and from C; `test_cpu_code LIBRARY`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECK(call)                                                                                \
    do {                                                                                           \
        hwa_error_t error_ = {0};                                                                  \
        hwa_error_t *const error = &error_;                                                        \
        if ((call) != HWA_OK)                                                                      \
            fail_msg("%s: %s: %s", #call, hwa_status_name(error_.status), error_.message);         \
    } while (0)

static const char *library; /* as it was built */
static hwa_system_t *machine;
static char folder[64]; /* of this test alone */

static hwa_queue_t *open_queue(uint32_t flags, const char *cache, uint64_t timeout_ns) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.flags = flags;
    options.cache_dir = cache;
    options.timeout_ns = timeout_ns;
    hwa_queue_t *queue = NULL;
    CHECK(hwa_queue_open(hwa_system_find_device(machine, "cpu-0"), &options, &queue, error));
    return queue;
}

static hwa_status_t build(hwa_queue_t *queue, hwa_code_t kind, const char *code, const char *entry,
                          const char *options, hwa_program_t **program, hwa_error_t *error) {
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = kind;
    kernel.code = code;
    kernel.code_bytes = strlen(code);
    kernel.entry = entry;
    kernel.build_options = options;
    const hwa_kernel_desc_t *variants[] = {&kernel};
    return hwa_program_from_kernel(queue, variants, 1, program, error);
}

/* It cannot be built, with that status and those words in the sentence. */
static void refused(hwa_queue_t *queue, hwa_code_t kind, const char *code, const char *entry,
                    const char *options, hwa_status_t wanted, const char *words) {
    hwa_error_t error = {0};
    hwa_program_t *program = NULL;
    const hwa_status_t status = build(queue, kind, code, entry, options, &program, &error);
    if (status != wanted || strstr(error.message, words) == NULL)
        fail_msg("wanted \"%s\" and \"%s\", got \"%s\": %s", hwa_status_name(wanted), words,
                 hwa_status_name(status), error.message);
    assert_null(program);
}

/* Runs it over 64 floats in groups of 16; gives what became of the number 3. */
static float run(hwa_queue_t *queue, const hwa_program_t *program) {
    float x[64];
    for (int i = 0; i < 64; ++i)
        x[i] = 3;
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof x;
    desc.host = x;
    hwa_buffer_t *buffer = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &buffer, error));
    const hwa_arg_t arg = {.buffer = buffer};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = 4;
    shape.group[0] = 16;
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(queue, program, &arg, 1, &shape, &event, error));
    CHECK(hwa_event_wait(event, HWA_FOREVER, error));
    hwa_event_free(event);
    hwa_buffer_free(buffer);
    for (int i = 1; i < 64; ++i)
        assert_true(x[i] == x[0]);
    return x[0];
}

static const char *in_folder(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put_file(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/* Up to `limit` bytes of the library under another name; returns its path. */
static const char *copy_library(const char *name, size_t limit) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *from = fopen(library, "rbe");
    FILE *to = fopen(path, "wbe");
    assert_non_null(from);
    assert_non_null(to);
    int byte;
    while (limit-- != 0 && (byte = getc(from)) != EOF)
        putc(byte, to);
    fclose(from);
    fclose(to);
    assert_int_equal(chmod(path, 0644), 0);
    return path;
}

static void runs_a_library(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0, "", 0);
    const char *path = copy_library("kernels.so", SIZE_MAX);
    hwa_program_t *program = NULL;
    CHECK(build(queue, HWA_CODE_SHARED_OBJECT, path, "twice", NULL, &program, error));
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    assert_int_equal(hwa_program_info(program, &info), HWA_OK);
    assert_string_equal(info.name, "twice");
    assert_true(run(queue, program) == 6);
    hwa_program_free(program);
    refused(queue, HWA_CODE_SHARED_OBJECT, path, "thrice", NULL, HWA_ERROR_NOT_FOUND, "thrice");
    /* Of a library that it was linked with. */
    refused(queue, HWA_CODE_SHARED_OBJECT, path, "memcpy", NULL, HWA_ERROR_NOT_FOUND, "memcpy");
    hwa_queue_free(queue);
}

static void refuses_libraries(void **state) {
    (void)state;
    hwa_queue_t *queue = open_queue(0, "", 0);
    const hwa_code_t kind = HWA_CODE_SHARED_OBJECT;
    refused(queue, kind, "kernels.so", "twice", NULL, HWA_ERROR_INVALID, "starts with /");
    refused(queue, kind, in_folder("none.so"), "twice", NULL, HWA_ERROR_NOT_FOUND, "none.so");
    refused(queue, kind, folder, "twice", NULL, HWA_ERROR_DENIED, "regular file");
    assert_int_equal(mkfifo(in_folder("pipe.so"), 0600), 0);
    refused(queue, kind, in_folder("pipe.so"), "twice", NULL, HWA_ERROR_DENIED, "regular file");
    refused(queue, kind, copy_library("half.so", 2000), "twice", NULL, HWA_ERROR_UNAVAILABLE,
            "truncated");
    refused(queue, kind, copy_library("empty.so", 0), "twice", NULL, HWA_ERROR_UNAVAILABLE, "ELF");
    const char *path = copy_library("open.so", SIZE_MAX);
    for (int i = 0; i < 2; ++i) {
        assert_int_equal(chmod(path, i == 0 ? 0664 : 0646), 0);
        refused(queue, kind, path, "twice", NULL, HWA_ERROR_DENIED, "may write");
    }
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(folder, 01777), 0);
    refused(queue, kind, path, "twice", NULL, HWA_ERROR_DENIED, "may write");
    assert_int_equal(chmod(folder, 0700), 0);
    hwa_program_t *program = NULL;
    CHECK(build(queue, kind, path, "twice", NULL, &program, error));
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static const char half[] = "int32_t half(void *user, const hwa_host_call_t *call) {\n"
                           "    float *x = call->args[0];\n"
                           "    for (uint32_t i = 0; i < call->threads[0]; ++i)\n"
                           "        x[call->group[0] * call->threads[0] + i] *= FACTOR;\n"
                           "    return user != NULL || call->struct_size != sizeof *call ||\n"
                           "           call->arg_bytes[0] != 256;\n"
                           "}\n";

static hwa_status_t build_c(hwa_queue_t *queue, const char *code, const char *options,
                            hwa_program_t **program, hwa_error_t *error) {
    return build(queue, HWA_CODE_C, code, "half", options, program, error);
}

static int has_compiler(void) {
    return access("/usr/bin/cc", X_OK) == 0 || access("/usr/bin/gcc", X_OK) == 0 ||
           access("/usr/bin/clang", X_OK) == 0;
}

static void compiles_c(void **state) {
    (void)state;
    if (!has_compiler())
        skip();
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, "", 0);
    hwa_program_t *program = NULL;
    CHECK(build_c(queue, half, " -DFACTOR=0.5f  -O2 ", &program, error));
    assert_true(run(queue, program) == 1.5F);
    /* Another of the same name beside it, which includes the header and uses libm. */
    char more[sizeof half + 100];
    snprintf(more, sizeof more, "#include <hwa/hwa.h>\n#include <math.h>\n%s", half);
    hwa_program_t *other = NULL;
    CHECK(build_c(queue, more, "-DFACTOR=sqrtf((float)call->arg_count*16) -Wall", &other, error));
    assert_true(run(queue, other) == 12);
    assert_true(run(queue, program) == 1.5F);
    hwa_program_free(program);
    assert_true(run(queue, other) == 12);
    hwa_program_free(other);
    hwa_queue_free(queue);
}

/* Neither the folder that the process is in nor the libraries of the system pass for the code's. */
static void sees_nothing_beside_it(void **state) {
    (void)state;
    if (!has_compiler())
        skip();
    char before[512];
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("hwa", 0700), 0);
    put_file(in_folder("hwa/hwa.h"), "#error another header\n");
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, "", 0);
    hwa_program_t *program = NULL;
    CHECK(build_c(queue, half, "-DFACTOR=2", &program, error));
    assert_int_equal(chdir(before), 0);
    assert_true(run(queue, program) == 6);
    hwa_program_free(program);
    refused(queue, HWA_CODE_C, half, "sqrt", "-DFACTOR=2", HWA_ERROR_NOT_FOUND, "sqrt");
    hwa_queue_free(queue);
}

static void tells_what_the_compiler_said(void **state) {
    (void)state;
    if (!has_compiler())
        skip();
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, "", 0);
    hwa_program_t *program = NULL;
    CHECK(build_c(queue, half, "-DFACTOR=2 -Wextra -Wshadow -Wconversion", &program, error));
    hwa_program_free(program);
    refused(queue, HWA_CODE_C, half, "half", NULL, HWA_ERROR_BUILD, "FACTOR");
    const char *log = hwa_queue_build_log(queue);
    assert_non_null(log);
    assert_non_null(strstr(log, "kernel.c:4:"));
    assert_null(strstr(log, "/tmp"));
    const char *lacking = "int missing(void);\n"
                          "int32_t half(void *u, const hwa_host_call_t *c) { return missing(); }";
    refused(queue, HWA_CODE_C, lacking, "half", NULL, HWA_ERROR_BUILD, "missing");
    refused(queue, HWA_CODE_C, "static int32_t half(void *u, const hwa_host_call_t *c);", "half",
            NULL, HWA_ERROR_NOT_FOUND, "half");
    hwa_queue_free(queue);
}

static void refuses_c(void **state) {
    (void)state;
    hwa_queue_t *plain = open_queue(0, "", 0);
    refused(plain, HWA_CODE_C, half, "half", NULL, HWA_ERROR_UNSUPPORTED, "HWA_QUEUE_COMPILER");
    hwa_queue_free(plain);
    static const char *const options[] = {
        "-fplugin=evil",
        "-Wl,-rpath,x",
        "-o",
        "-I/usr/include",
        "@file",
        "-include",
        "kernel.c",
        "-B.",
        "-specs=x",
        "-fprofile-generate",
        "-fsanitize=address",
        "-O2 -fdump-tree-all",
        "-march=/tmp/x",
        "-mllvm",
        "-x",
        "-D",
        "-std=c99\t-o",
        "-wrapper -Dx/../evil",
        "-gcc-toolchain -Dx",
        "-foptimization-record-file=x",
        "-fdeps-file=x",
    };
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, "", 0);
    for (size_t i = 0; i < sizeof options / sizeof *options; ++i)
        refused(queue, HWA_CODE_C, half, "half", options[i], HWA_ERROR_INVALID, "option");
    hwa_queue_free(queue);
}

/* A compiler that never gets done is ended with the queue's patience. */
static void ends_a_slow_compiler(void **state) {
    (void)state;
    if (!has_compiler())
        skip();
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, "", 1);
    refused(queue, HWA_CODE_C, half, "half", "-DFACTOR=1", HWA_ERROR_TIMEOUT, "in time");
    hwa_queue_free(queue);
}

static void keeps_what_it_compiled(void **state) {
    (void)state;
    if (!has_compiler())
        skip();
    const char *cache = in_folder("cache");
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, cache, 0);
    hwa_program_t *program = NULL;
    CHECK(build_c(queue, half, "-DFACTOR=2 -Wextra -Wunused-macros", &program, error));
    hwa_program_free(program);
    hwa_queue_free(queue);
    /* No compiler could answer within a nanosecond. */
    queue = open_queue(HWA_QUEUE_COMPILER, cache, 1);
    CHECK(build_c(queue, half, "-DFACTOR=2 -Wextra -Wunused-macros", &program, error));
    assert_true(run(queue, program) == 6);
    hwa_program_free(program);
    refused(queue, HWA_CODE_C, half, "half", "-DFACTOR=3", HWA_ERROR_TIMEOUT, "in time");
    hwa_queue_free(queue);
}

/* What the code takes in from elsewhere may be another the next time. */
static void reads_again_what_it_includes(void **state) {
    (void)state;
    if (!has_compiler())
        skip();
    char code[sizeof half + 200];
    snprintf(code, sizeof code, "#include <math.h>\n#include \"%s\"\n%s", in_folder("factor.h"),
             half);
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, in_folder("cache"), 0);
    for (int i = 0; i < 2; ++i) {
        put_file(in_folder("factor.h"), i == 0 ? "#define FACTOR 4\n" : "#define FACTOR 5\n");
        hwa_program_t *program = NULL;
        CHECK(build_c(queue, code, NULL, &program, error));
        assert_true(run(queue, program) == 3.0F * (float)(4 + i));
        hwa_program_free(program);
    }
    hwa_queue_free(queue);
}

/* Sanitizers keep memory for reasons of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { sanitized = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
enum { sanitized = 1 };
#else
enum { sanitized = 0 };
#endif
#else
enum { sanitized = 0 };
#endif

static long resident_pages(void) {
    long size = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
    fclose(file);
    return resident;
}

static int open_descriptors(void) {
    int count = 0;
    for (int i = 0; i < 256; ++i)
        count += fcntl(i, F_GETFD) >= 0;
    return count;
}

/* Loading the same again and again takes no more memory and no descriptors. */
static void loads_a_thousand_times(void **state) {
    (void)state;
    if (!has_compiler())
        skip();
    char cache[128];
    snprintf(cache, sizeof cache, "%s", in_folder("cache"));
    const char *path = in_folder("kernels.so"); /* as the first test left it: it is in use */
    hwa_queue_t *queue = open_queue(HWA_QUEUE_COMPILER, cache, 0);
    long pages = 0;
    int descriptors = 0;
    for (int i = 0; i < 1000; ++i) {
        hwa_program_t *program = NULL;
        CHECK(build(queue, HWA_CODE_SHARED_OBJECT, path, "twice", NULL, &program, error));
        hwa_program_free(program);
        CHECK(build_c(queue, half, "-DFACTOR=2", &program, error));
        hwa_program_free(program);
        if (i == 200) {
            pages = resident_pages();
            descriptors = open_descriptors();
        }
    }
    assert_true(sanitized || resident_pages() - pages < 64);
    assert_int_equal(open_descriptors(), descriptors);
    hwa_queue_free(queue);
}

static int remove_one(const char *path, const struct stat *facts, int kind, struct FTW *place) {
    (void)facts;
    (void)kind;
    (void)place;
    return remove(path);
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    library = argv[1];
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.flags = HWA_DETECT_NO_DRIVERS;
    if (hwa_detect(&options, &machine, NULL) != HWA_OK)
        return 1;
    snprintf(folder, sizeof folder, "/tmp/hwa-code-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_a_library),
        cmocka_unit_test(refuses_libraries),
        cmocka_unit_test(compiles_c),
        cmocka_unit_test(sees_nothing_beside_it),
        cmocka_unit_test(tells_what_the_compiler_said),
        cmocka_unit_test(refuses_c),
        cmocka_unit_test(ends_a_slow_compiler),
        cmocka_unit_test(keeps_what_it_compiled),
        cmocka_unit_test(reads_again_what_it_includes),
        cmocka_unit_test(loads_a_thousand_times),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    nftw(folder, remove_one, 4, FTW_DEPTH | FTW_PHYS);
    hwa_system_free(machine);
    return failed;
}
