/* SPDX-License-Identifier: MIT */
/* What tests of CUDA share: queues and kernels, and a process with a fake driver for each test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cuda_set.h"
#include "folder.h"

#include <stdlib.h>
#include <sys/wait.h>

hwa_system_t *sys_found;
hwa_error_t error;

static const char source[] =
    "extern \"C\" __global__ void set(int *to, int value) { to[0] = value; }\n"
    "extern \"C\" __global__ void poke(int *at) { *(volatile int *)at = 1; }\n"
    "extern \"C\" __global__ void trap() { __trap(); }\n"
    "extern \"C\" __global__ void forever(volatile int *flag) { while (*flag == 0) "
    "__nanosleep(1000); }\n"
    "extern \"C\" __global__ void late(volatile int *flag, int *at) { while (*flag == 0) "
    "__nanosleep(1000); *(volatile int *)at = 1; }\n";

const hwa_backend_info_t *backend(void) {
    static hwa_backend_info_t info;
    info.struct_size = sizeof info;
    for (uint32_t i = 0; hwa_system_backend(sys_found, i, &info) == HWA_OK; ++i)
        if (strcmp(info.name, "cuda") == 0)
            return &info;
    MUST(strcmp(info.name, "cuda") == 0);
    return NULL;
}

const hwa_device_t *device_with(const char *runtime, int which) {
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(sys_found, i)) != NULL; ++i) {
        hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
        for (uint32_t j = 0; hwa_device_runtime(device, j, &row) == HWA_OK; ++j)
            if (strcmp(row.name, runtime) == 0 && row.status == HWA_OK && which-- == 0)
                return device;
    }
    return NULL;
}

const hwa_device_t *device_at(int which) {
    return device_with("cuda", which);
}

hwa_queue_t *open_queue(int which) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    hwa_queue_t *queue = NULL;
    options.runtime = "cuda";
    options.cache_dir = "";
    options.timeout_ns = 200 * (uint64_t)MS;
    MUST(device_at(which) != NULL);
    GOOD(hwa_queue_open(device_at(which), &options, &queue, &error));
    return queue;
}

hwa_program_t *program_of(hwa_queue_t *queue, const char *entry) {
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    desc.code_kind = HWA_CODE_CUDA_C;
    desc.code = source;
    desc.code_bytes = sizeof source - 1;
    desc.entry = entry;
    GOOD(hwa_program_from_kernel(queue, variants, 1, &program, &error));
    return program;
}

hwa_buffer_t *buffer_of(hwa_queue_t *queue, int value) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    desc.size_bytes = sizeof value;
    GOOD(hwa_buffer_create(queue, &desc, &buffer, &error));
    GOOD(hwa_buffer_write(buffer, 0, &value, sizeof value, NULL, &error));
    return buffer;
}

void works(hwa_queue_t *queue) {
    int value = 42, got = 0;
    hwa_buffer_t *buffer = buffer_of(queue, 0);
    hwa_program_t *program = program_of(queue, "set");
    const hwa_arg_t args[] = {{.buffer = buffer}, {.data = &value, .size_bytes = sizeof value}};
    GOOD(hwa_launch(queue, program, args, 2, NULL, NULL, &error));
    GOOD(hwa_buffer_read(buffer, 0, &got, sizeof got, NULL, &error));
    MUST(got == value);
    hwa_buffer_free(buffer);
    hwa_program_free(program);
}

hwa_event_t *hang(hwa_queue_t *queue, hwa_buffer_t *flag) {
    const hwa_arg_t args[] = {{.buffer = flag}};
    hwa_event_t *event = NULL;
    GOOD(hwa_launch(queue, program_of(queue, "forever"), args, 1, NULL, &event, &error));
    return event;
}

static void count_release(void *user) {
    ++*(int *)user;
}

hwa_buffer_t *lend(hwa_queue_t *queue, void *memory, uint64_t size_bytes, int *released) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    desc.host = memory;
    desc.size_bytes = size_bytes;
    desc.release = count_release;
    desc.release_user = released;
    GOOD(hwa_buffer_create(queue, &desc, &buffer, &error));
    return buffer;
}

/* A copy of the driver that lacks an entry: its name there is no longer what it was. */
static void put_without(const struct folder *folder, const char *entry) {
    char path[512];
    static char bytes[1 << 20];
    char name[64];
    snprintf(path, sizeof path, "%s/libfake-cuda.so", fakes);
    FILE *file = fopen(path, "re");
    MUST(file != NULL);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    const int length = snprintf(name, sizeof name, "%c%s", 0, entry) + 1;
    int found = 0;
    for (size_t at = 0; at + (size_t)length < size; ++at)
        if (memcmp(bytes + at, name, (size_t)length) == 0) {
            bytes[at + (size_t)length - 2] = '#';
            ++found;
        }
    MUST(found > 0);
    snprintf(path, sizeof path, "%s/libcuda.so.1", folder->path);
    file = fopen(path, "we");
    MUST(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static void in_child(const struct row *row, const struct folder *folder) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    (void)alarm(30); /* for what waits for ever */
    unsetenv("HWA_FAKE_CUDA");
    if (row->visible != NULL)
        setenv("CUDA_VISIBLE_DEVICES", row->visible, 1);
    else
        unsetenv("CUDA_VISIBLE_DEVICES");
    options.library_path = folder->path;
    options.timeout_ms = 20000;
    GOOD(hwa_detect(&options, &sys_found, &error));
    row->test();
    _exit(0);
}

static void write_scenario(const struct folder *folder, const char *scenario) {
    char path[128];
    snprintf(path, sizeof path, "%s/cuda.scenario", folder->path);
    FILE *file = fopen(path, "we");
    MUST(file != NULL && fputs(scenario, file) >= 0 && fclose(file) == 0);
}

static void clear(const struct folder *folder) {
    static const char *const names[] = {"libcuda.so.1", "libnvrtc.so.12", "cuda.scenario"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder->path, names[i]);
        (void)remove(path);
    }
    folder_remove(folder);
}

static void holds(void **state) {
    const struct row *row = *state;
    const struct folder folder = folder_make("");
    int status = -1;
    write_scenario(&folder, row->scenario == NULL ? "" : row->scenario);
    if (row->without != NULL)
        put_without(&folder, row->without);
    else if (row->scenario != NULL)
        folder_put(&folder, "libcuda.so.1", "cuda");
    folder_put(&folder, "libnvrtc.so.12", "nvrtc");
    const pid_t child = fork();
    if (child == 0)
        in_child(row, &folder);
    assert_int_equal(waitpid(child, &status, 0), child);
    clear(&folder);
    assert_int_equal(status, 0);
}

int run_rows(const struct row *rows, size_t count, int argc, char **argv) {
    static struct CMUnitTest tests[64];
    if (argc < 2 || count > sizeof tests / sizeof tests[0])
        return 99;
    fakes = argv[1];
    for (size_t i = 0; i < count; ++i) {
        tests[i].name = rows[i].name;
        tests[i].test_func = holds;
        tests[i].initial_state = (void *)(size_t)&rows[i];
    }
    return _cmocka_run_group_tests("cuda", tests, count, NULL, NULL);
}
