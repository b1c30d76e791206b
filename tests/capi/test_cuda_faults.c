/* SPDX-License-Identifier: MIT */
/* What can go wrong with CUDA, as the fake driver plays it: each fault is a status with the
   vendor's code and name, and what it does not concern goes on. A process for each, for a driver
   begins but once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <hwa/hwa.h>

#include "folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MS = 1000000 };

static hwa_system_t *sys_found;
static hwa_error_t error;

/* In a child: says what is wrong and ends it. */
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s; last error: %s (%d, %s): %s\n", __FILE__,          \
                    __LINE__, #condition, hwa_status_name(error.status), error.code,               \
                    error.backend, error.message);                                                 \
            fflush(stderr);                                                                        \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)
#define GOOD(call) MUST((call) == HWA_OK)
/* The call fails with that status, the vendor's code and name, and CUDA is named. */
#define FAILS(wanted, vendor, name, call)                                                          \
    do {                                                                                           \
        memset(&error, 0, sizeof error);                                                           \
        MUST((call) == (wanted));                                                                  \
        MUST(error.status == (wanted) && error.code == (vendor));                                  \
        MUST(strcmp(error.backend, "cuda") == 0 && strstr(error.message, name) != NULL);           \
    } while (0)

static const char source[] =
    "extern \"C\" __global__ void set(int *to, int value) { to[0] = value; }\n"
    "extern \"C\" __global__ void poke(int *at) { *(volatile int *)at = 1; }\n"
    "extern \"C\" __global__ void trap() { __trap(); }\n"
    "extern \"C\" __global__ void forever(volatile int *flag) { while (*flag == 0) "
    "__nanosleep(1000); }\n";

static const hwa_backend_info_t *backend(void) {
    static hwa_backend_info_t info;
    info.struct_size = sizeof info;
    for (uint32_t i = 0; hwa_system_backend(sys_found, i, &info) == HWA_OK; ++i)
        if (strcmp(info.name, "cuda") == 0)
            return &info;
    MUST(strcmp(info.name, "cuda") == 0);
    return NULL;
}

/* The first device, or the second, that CUDA drives; NULL for none. */
static const hwa_device_t *device_at(int which) {
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(sys_found, i)) != NULL; ++i) {
        hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
        for (uint32_t j = 0; hwa_device_runtime(device, j, &row) == HWA_OK; ++j)
            if (strcmp(row.name, "cuda") == 0 && row.status == HWA_OK && which-- == 0)
                return device;
    }
    return NULL;
}

static hwa_queue_t *open_queue(int which) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    hwa_queue_t *queue = NULL;
    options.runtime = "cuda";
    options.cache_dir = "";
    options.timeout_ns = 200 * (uint64_t)MS;
    MUST(device_at(which) != NULL);
    GOOD(hwa_queue_open(device_at(which), &options, &queue, &error));
    return queue;
}

static hwa_program_t *program_of(hwa_queue_t *queue, const char *entry) {
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

static hwa_buffer_t *buffer_of(hwa_queue_t *queue, int value) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    desc.size_bytes = sizeof value;
    GOOD(hwa_buffer_create(queue, &desc, &buffer, &error));
    GOOD(hwa_buffer_write(buffer, 0, &value, sizeof value, NULL, &error));
    return buffer;
}

/* That a queue works: a kernel writes, and we read it. */
static void works(hwa_queue_t *queue) {
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

static hwa_event_t *hang(hwa_queue_t *queue, hwa_buffer_t *flag) {
    const hwa_arg_t args[] = {{.buffer = flag}};
    hwa_event_t *event = NULL;
    GOOD(hwa_launch(queue, program_of(queue, "forever"), args, 1, NULL, &event, &error));
    return event;
}

/* ---- Each fault ------------------------------------------------------------------------------ */

static void runs(void) {
    hwa_queue_t *queue = open_queue(0);
    works(queue);
    hwa_queue_free(queue);
}

static void memory_runs_out(void) {
    hwa_queue_t *queue = open_queue(0);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    desc.size_bytes = 60u << 20;
    GOOD(hwa_buffer_create(queue, &desc, &buffer, &error));
    hwa_buffer_t *second = NULL;
    FAILS(HWA_ERROR_DEVICE_MEMORY, 2, "CUDA_ERROR_OUT_OF_MEMORY",
          hwa_buffer_create(queue, &desc, &second, &error));
    hwa_buffer_free(buffer);
    GOOD(hwa_buffer_create(queue, &desc, &second, &error));
    hwa_buffer_free(second);
    works(queue);
}

static void count(void *user) {
    ++*(int *)user;
}

static hwa_buffer_t *lend(hwa_queue_t *queue, void *memory, uint64_t size_bytes, int *released) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    desc.host = memory;
    desc.size_bytes = size_bytes;
    desc.release = count;
    desc.release_user = released;
    GOOD(hwa_buffer_create(queue, &desc, &buffer, &error));
    return buffer;
}

/* What the driver locked once stays so until the last of the two buffers is gone. */
static void memory_is_lent_twice(void) {
    static int memory[4096];
    int released[2] = {0, 0}, value = 42;
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = program_of(queue, "set");
    hwa_buffer_t *whole = lend(queue, memory, sizeof memory, &released[0]);
    hwa_buffer_t *part = lend(queue, memory + 100, 64, &released[1]);
    hwa_buffer_free(whole);
    MUST(released[0] == 0);
    const hwa_arg_t args[] = {{.buffer = part}, {.data = &value, .size_bytes = sizeof value}};
    GOOD(hwa_launch(queue, program, args, 2, NULL, NULL, &error));
    GOOD(hwa_queue_finish(queue, HWA_FOREVER, &error));
    MUST(memory[100] == value);
    hwa_buffer_free(part);
    MUST(released[0] == 1 && released[1] == 1);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void code_is_bad(void) {
    static const char bad[] = "extern \"C\" __global__ void set(int *to) { nonsense; }\n";
    hwa_queue_t *queue = open_queue(0);
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    desc.code_kind = HWA_CODE_CUDA_C;
    desc.code = bad;
    desc.code_bytes = sizeof bad - 1;
    desc.entry = "set";
    MUST(hwa_program_from_kernel(queue, variants, 1, &program, &error) == HWA_ERROR_BUILD);
    MUST(program == NULL && error.code == 6 && strcmp(error.backend, "cuda") == 0);
    MUST(strstr(hwa_queue_build_log(queue), "nonsense") != NULL);
    works(queue);
}

static void kernel_never_ends(void) {
    hwa_queue_t *stuck = open_queue(0), *other = open_queue(0);
    works(other);
    hwa_event_t *event = hang(stuck, buffer_of(stuck, 0));
    memset(&error, 0, sizeof error);
    MUST(hwa_event_wait(event, 20 * MS, &error) == HWA_ERROR_TIMEOUT);
    MUST(hwa_queue_finish(stuck, 20 * MS, &error) == HWA_ERROR_TIMEOUT);
    works(other);
    hwa_event_free(event);
    hwa_queue_free(stuck);
    works(other);
}

/* The memory and the program of the fault are of no use any more, and to free them does no harm. */
static void faults(const char *entry, int code, const char *name) {
    hwa_queue_t *queue = open_queue(0);
    uint64_t nowhere = 16;
    const hwa_arg_t args[] = {{.data = &nowhere, .size_bytes = sizeof nowhere}};
    hwa_program_t *program = program_of(queue, entry);
    hwa_buffer_t *buffer = buffer_of(queue, 1);
    hwa_event_t *event = NULL;
    const uint32_t count = strcmp(entry, "poke") == 0;
    works(queue);
    /* It may fail before the launch returns. */
    if (hwa_launch(queue, program, count != 0 ? args : NULL, count, NULL, &event, &error) == HWA_OK)
        FAILS(HWA_ERROR_DRIVER, code, name, hwa_event_wait(event, HWA_FOREVER, &error));
    else
        FAILS(HWA_ERROR_DRIVER, code, name, hwa_queue_finish(queue, HWA_FOREVER, &error));
    /* And so does all that comes after it. */
    int value = 0;
    MUST(hwa_buffer_read(buffer, 0, &value, sizeof value, NULL, &error) != HWA_OK);
    MUST(error.code == code && strstr(error.message, name) != NULL);
    hwa_event_free(event);
    hwa_buffer_free(buffer);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void address_is_illegal(void) {
    faults("poke", 700, "CUDA_ERROR_ILLEGAL_ADDRESS");
}

static void kernel_traps(void) {
    faults("trap", 719, "CUDA_ERROR_LAUNCH_FAILED");
}

static void device_is_lost(void) {
    hwa_queue_t *queue = open_queue(0);
    works(queue);
    hwa_program_t *program = program_of(queue, "trap");
    memset(&error, 0, sizeof error);
    if (hwa_launch(queue, program, NULL, 0, NULL, NULL, &error) == HWA_OK)
        MUST(hwa_queue_finish(queue, HWA_FOREVER, &error) != HWA_OK);
    MUST(error.code == 214 && strstr(error.message, "CUDA_ERROR_ECC_UNCORRECTABLE") != NULL);
    MUST(error.status == HWA_ERROR_LOST);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

static void forks_after_open(void) {
    hwa_queue_t *queue = open_queue(0);
    int status = -1;
    works(queue);
    const pid_t child = fork();
    if (child == 0) {
        hwa_queue_t *own = NULL;
        hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
        options.runtime = "cuda";
        MUST(hwa_queue_finish(queue, 0, &error) == HWA_ERROR_FORKED);
        MUST(hwa_queue_open(device_at(0), &options, &own, &error) == HWA_ERROR_FORKED);
        hwa_queue_free(queue);
        _exit(0);
    }
    MUST(waitpid(child, &status, 0) == child && status == 0);
    works(queue);
}

static void ends_while_busy(void) {
    hwa_queue_t *queue = open_queue(0);
    (void)hang(queue, buffer_of(queue, 0));
    exit(0);
}

static void has_no_device(void) {
    MUST(device_at(0) == NULL);
    MUST(backend()->device_count == 0);
}

static void init_fails(void) {
    has_no_device();
    MUST(backend()->outcome != HWA_OUTCOME_FOUND);
    MUST(strstr(backend()->message, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE") != NULL);
    MUST(strcmp(backend()->stage, "cuInit") == 0);
}

static void is_a_stub(void) {
    has_no_device();
    MUST(strstr(backend()->message, "CUDA_ERROR_STUB_LIBRARY") != NULL);
}

static void open_is_refused(void) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    hwa_queue_t *queue = NULL;
    options.runtime = "cuda";
    MUST(device_at(0) != NULL);
    memset(&error, 0, sizeof error);
    MUST(hwa_queue_open(device_at(0), &options, &queue, &error) != HWA_OK);
    MUST(queue == NULL && error.code == 46);
    MUST(strstr(error.message, "CUDA_ERROR_DEVICE_UNAVAILABLE") != NULL);
}

static void is_absent(void) {
    MUST(backend()->outcome == HWA_OUTCOME_ABSENT);
    MUST(device_at(0) == NULL);
}

/* ---- Two devices ----------------------------------------------------------------------------- */

static void copies_between_devices(void) {
    hwa_queue_t *first = open_queue(0), *second = open_queue(1);
    int got = 0;
    hwa_buffer_t *from = buffer_of(first, 17), *to = buffer_of(second, 0);
    GOOD(hwa_buffer_copy(to, 0, from, 0, sizeof got, NULL, &error));
    GOOD(hwa_buffer_read(to, 0, &got, sizeof got, NULL, &error));
    MUST(got == 17);
    hwa_buffer_free(from);
    hwa_buffer_free(to);
    hwa_queue_free(first);
    hwa_queue_free(second);
}

/* Detection sees what the driver shows, and a queue is of the very device that was asked for,
   whatever its ordinal has become. */
static void follows_the_order(void) {
    static const char *const ids[] = {"pci-0000:17:00.0", "pci-0000:27:00.0"};
    for (int i = 0; i < 2; ++i) {
        const hwa_device_t *device = hwa_system_find_device(sys_found, ids[i]);
        hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
        hwa_queue_t *queue = NULL;
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        hwa_buffer_t *buffer = NULL;
        MUST(device != NULL);
        options.runtime = "cuda";
        GOOD(hwa_queue_open(device, &options, &queue, &error));
        /* The second one has but a megabyte. */
        desc.size_bytes = 2u << 20;
        const hwa_status_t status = hwa_buffer_create(queue, &desc, &buffer, &error);
        MUST((status == HWA_OK) == (i == 0));
        hwa_buffer_free(buffer);
        hwa_queue_free(queue);
    }
}

static void hides_the_first(void) {
    MUST(device_at(0) != NULL && device_at(1) == NULL);
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    GOOD(hwa_device_info(device_at(0), &info));
    MUST(strcmp(info.id, "pci-0000:27:00.0") == 0);
    works(open_queue(0));
}

/* ---- The table ------------------------------------------------------------------------------- */

#define TWO "devices 2\ndevice 1 memory 1048576\n"

static const struct row {
    const char *name;
    void (*test)(void);
    const char *scenario;
    const char *visible; /* CUDA_VISIBLE_DEVICES; NULL: not set */
    const char *without; /* an entry that the library lacks */
} rows[] = {
    {"it runs", runs, "", NULL, NULL},
    {"memory runs out", memory_runs_out, "device 0 memory 100000000\n", NULL, NULL},
    {"memory is lent twice", memory_is_lent_twice, "", NULL, NULL},
    {"code is bad", code_is_bad, "", NULL, NULL},
    {"a kernel never ends", kernel_never_ends, "", NULL, NULL},
    {"an address is illegal", address_is_illegal, "", NULL, NULL},
    {"a kernel traps", kernel_traps, "", NULL, NULL},
    {"the device is lost", device_is_lost, "lose cuLaunchKernel 2 214\n", NULL, NULL},
    {"fork after open", forks_after_open, "", NULL, NULL},
    {"exit while busy", ends_while_busy, "", NULL, NULL},
    {"no device", has_no_device, "fail cuInit 0 100\n", NULL, NULL},
    {"cuInit fails", init_fails, "fail cuInit 0 804\n", NULL, NULL},
    {"a stub", is_a_stub, "fail cuInit 0 34\n", NULL, NULL},
    {"no context", open_is_refused, "fail cuDevicePrimaryCtxRetain 0 46\n", NULL, NULL},
    {"no library", is_absent, NULL, NULL, NULL},
    {"an old driver", runs, "driver 11010\n", NULL, NULL},
    {"no cuGetProcAddress_v2", runs, "", NULL, "cuGetProcAddress_v2"},
    {"without cuInit", has_no_device, "", NULL, "cuInit"},
    {"without cuMemAlloc_v2", has_no_device, "", NULL, "cuMemAlloc_v2"},
    {"peer copies", copies_between_devices, "devices 2\npeer 0 1\npeer 1 0\n", NULL, NULL},
    {"staged peer copies", copies_between_devices, "devices 2\n", NULL, NULL},
    {"both in order", follows_the_order, TWO, NULL, NULL},
    {"both the other way round", follows_the_order, TWO, "1,0", NULL},
    {"the second by its number", hides_the_first, "devices 2\n", "1", NULL},
    {"the second by its UUID", hides_the_first, "devices 2\n", "GPU-2223", NULL},
    {"all hidden", has_no_device, "devices 2\n", "", NULL},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

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

int main(int argc, char **argv) {
    static struct CMUnitTest tests[ROWS];
    if (argc < 2)
        return 99;
    fakes = argv[1];
    for (size_t i = 0; i < ROWS; ++i) {
        tests[i].name = rows[i].name;
        tests[i].test_func = holds;
        tests[i].initial_state = (void *)(size_t)&rows[i];
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
