/* SPDX-License-Identifier: MIT */
/* What can go wrong with CUDA, as the fake driver plays it: each fault is a status with the
   vendor's code and name, and what it does not concern goes on. */
#include "cuda_set.h"

#include <stdlib.h>
#include <sys/wait.h>

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

static const struct row rows[] = {
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

int main(int argc, char **argv) {
    return run_rows(rows, sizeof rows / sizeof rows[0], argc, argv);
}
