/* SPDX-License-Identifier: MIT */
/* Launches of one kernel with four arguments, again and again, on the runtime that is named. Counts
   what libhwa takes from the heap in the second half; what it takes of instructions is counted by
   the tool that runs it. */
#include <hwa/hwa.h>

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_spirv.h"
#include "need.h"

#define SKIPPED 77
enum { count = 256, batch = 16, most_rounds = 8 };

static const char opencl_source[] =
    "__kernel void scale(__global float *a, __global float *b, float f, uint n)"
    "{ if (n == 1) a[0] = b[0] * f; }";
static const char cuda_source[] =
    "extern \"C\" __global__ void scale(float *a, float *b, float f, unsigned n)"
    "{ if (n == 1) a[0] = b[0] * f; }";

static int32_t host_scale(void *user, const hwa_host_call_t *call) {
    (void)user;
    float *const *args = (float *const *)call->args;
    args[0][0] = args[1][0] * args[2][0];
    return 0;
}

/* The allocations of libhwa itself: C++ asks for memory by this name, and the linker finds ours. */
static atomic_int counting;
static atomic_long taken;
static const void *library_base;

void *counted_new(size_t size) __asm__("_Znwm");
void *counted_new(size_t size) {
    Dl_info from;
    if (atomic_load(&counting) && dladdr(__builtin_return_address(0), &from) != 0 &&
        from.dli_fbase == library_base)
        atomic_fetch_add(&taken, 1);
    void *memory = malloc(size == 0 ? 1 : size);
    if (memory == NULL)
        abort();
    return memory;
}

static hwa_queue_t *open_queue(const hwa_system_t *system, const char *runtime) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = runtime;
    const hwa_device_t *device;
    hwa_queue_t *queue = NULL;
    for (uint32_t i = 0; queue == NULL && (device = hwa_system_device(system, i)) != NULL; ++i)
        if (hwa_queue_open(device, &options, &queue, NULL) != HWA_OK)
            queue = NULL;
    return queue;
}

static hwa_program_t *build(hwa_queue_t *queue) {
    hwa_kernel_desc_t kernels[4] = {HWA_INIT(hwa_kernel_desc_t), HWA_INIT(hwa_kernel_desc_t),
                                    HWA_INIT(hwa_kernel_desc_t), HWA_INIT(hwa_kernel_desc_t)};
    kernels[0].code_kind = HWA_CODE_HOST;
    kernels[0].host = host_scale;
    kernels[1].code_kind = HWA_CODE_OPENCL_C;
    kernels[1].code = opencl_source;
    kernels[1].code_bytes = sizeof opencl_source - 1;
    kernels[1].entry = "scale";
    kernels[2].code_kind = HWA_CODE_CUDA_C;
    kernels[2].code = cuda_source;
    kernels[2].code_bytes = sizeof cuda_source - 1;
    kernels[2].entry = "scale";
    kernels[3].code_kind = HWA_CODE_SPIRV;
    kernels[3].code = kernel_spirv;
    kernels[3].code_bytes = sizeof kernel_spirv;
    const hwa_kernel_desc_t *variants[] = {&kernels[0], &kernels[1], &kernels[2], &kernels[3]};
    hwa_program_t *program = NULL;
    NEED(hwa_program_from_kernel(queue, variants, 4, &program, error));
    return program;
}

static hwa_buffer_t *make_buffer(hwa_queue_t *queue) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 4096;
    hwa_buffer_t *buffer = NULL;
    NEED(hwa_buffer_create(queue, &desc, &buffer, error));
    const float one = 1;
    NEED(hwa_buffer_write(buffer, 0, &one, sizeof one, NULL, error));
    return buffer;
}

static int launches; /* so far */

/* One after the other, each waited for; then some at once. */
static void launch_all(hwa_queue_t *queue, const hwa_program_t *program, const hwa_arg_t *args) {
    launches += 2 * count;
    for (int i = 0; i < count; ++i) {
        hwa_event_t *event = NULL;
        NEED(hwa_launch(queue, program, args, 4, NULL, &event, error));
        NEED(hwa_event_wait(event, HWA_FOREVER, error));
        hwa_event_free(event);
    }
    for (int i = 0; i < count; ++i) {
        NEED(hwa_launch(queue, program, args, 4, NULL, NULL, error));
        if (i % batch == batch - 1)
            NEED(hwa_queue_finish(queue, HWA_FOREVER, error));
    }
}

int main(int argc, char **argv) {
    if (argc != 2)
        return 2;
    Dl_info library;
    if (dladdr((void *)(uintptr_t)hwa_detect, &library) == 0)
        return 1;
    library_base = library.dli_fbase;
    hwa_system_t *system = NULL;
    hwa_detect_options_t here = HWA_INIT(hwa_detect_options_t);
    here.flags = HWA_DETECT_IN_PROCESS; /* under the counter a driver may show another device */
    here.library_path = getenv("HWA_TEST_DRIVERS");
    NEED(hwa_detect(&here, &system, error));
    hwa_queue_t *queue = open_queue(system, argv[1]);
    hwa_system_free(system);
    if (queue == NULL) {
        printf("no device has the runtime %s\n", argv[1]);
        return SKIPPED;
    }
    hwa_program_t *program = build(queue);
    hwa_buffer_t *a = make_buffer(queue);
    hwa_buffer_t *b = make_buffer(queue);
    const float factor = 2;
    const uint32_t n = 1;
    const hwa_arg_t args[] = {{.buffer = a},
                              {.buffer = b},
                              {.data = &factor, .size_bytes = sizeof factor},
                              {.data = &n, .size_bytes = sizeof n}};
    /* How much is in flight at once depends on the machine's mood, and so does when it is warm. */
    int rounds = 0;
    do {
        launch_all(queue, program, args);
        atomic_store(&taken, 0);
        atomic_store(&counting, 1);
        launch_all(queue, program, args);
        atomic_store(&counting, 0);
    } while (atomic_load(&taken) != 0 && ++rounds < most_rounds);
    float result = 0;
    NEED(hwa_buffer_read(a, 0, &result, sizeof result, NULL, error));
    hwa_buffer_free(a);
    hwa_buffer_free(b);
    hwa_program_free(program);
    hwa_queue_free(queue);
    printf("%s: %d launches of %d took %ld pieces of memory from the heap\n", argv[1], 2 * count,
           launches, atomic_load(&taken));
    return result == 2 && atomic_load(&taken) == 0 ? 0 : 1;
}
