/* SPDX-License-Identifier: MIT */
/* Drivers that each bring an LLVM of their own, in one process: pocl, rusticl and lavapipe, opened
   in the order that is asked for, all open at once, each adding numbers beside the others. */
#include <hwa/hwa.h>

#include <stdio.h>
#include <string.h>

#include "add.spv.h"
#include "need.h"

#define SKIPPED 77
enum { count = 1024, most = 3 };

static const char source[] =
    "__kernel void add(__global const float *a, __global const float *b, __global float *c,"
    "                  uint n)"
    "{ size_t i = get_global_id(0); if (i < n) c[i] = a[i] + b[i]; }";

/* As hwa_device_info() tells it. */
struct driver {
    char letter;
    const char *runtime, *starts;
};
static const struct driver drivers[] = {{'p', "opencl", "Portable Computing Language"},
                                        {'r', "opencl", "rusticl"},
                                        {'l', "vulkan", "llvmpipe"}};

struct side {
    hwa_queue_t *queue;
    hwa_program_t *program;
    hwa_buffer_t *buffers[3];
    float seed;
};

static hwa_queue_t *open_driver(const hwa_system_t *system, char letter) {
    const struct driver *driver = drivers;
    while (driver->letter != letter)
        ++driver;
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = driver->runtime;
    options.cache_dir = "";
    const hwa_device_t *device;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; ++i) {
        hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
        hwa_queue_t *queue = NULL;
        if (hwa_device_info(device, &info) != HWA_OK || info.driver == NULL ||
            strncmp(info.driver, driver->starts, strlen(driver->starts)) != 0)
            continue;
        NEED(hwa_queue_open(device, &options, &queue, error));
        return queue;
    }
    return NULL;
}

static void build(struct side *side) {
    hwa_kernel_desc_t kernels[2] = {HWA_INIT(hwa_kernel_desc_t), HWA_INIT(hwa_kernel_desc_t)};
    kernels[0].code_kind = HWA_CODE_OPENCL_C;
    kernels[0].code = source;
    kernels[0].code_bytes = sizeof source - 1;
    kernels[0].entry = "add";
    kernels[1].code_kind = HWA_CODE_SPIRV;
    kernels[1].code = spirv_add;
    kernels[1].code_bytes = sizeof spirv_add;
    const hwa_kernel_desc_t *variants[] = {&kernels[0], &kernels[1]};
    NEED(hwa_program_from_kernel(side->queue, variants, 2, &side->program, error));
}

static void fill(struct side *side) {
    float numbers[count];
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof numbers;
    for (int i = 0; i < 3; ++i) {
        for (int j = 0; j < count; ++j)
            numbers[j] = i == 2 ? -1 : side->seed + (float)(j * (i + 1));
        NEED(hwa_buffer_create(side->queue, &desc, &side->buffers[i], error));
        NEED(hwa_buffer_write(side->buffers[i], 0, numbers, sizeof numbers, NULL, error));
    }
}

static void add(const struct side *side) {
    const uint32_t n = count;
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    const uint32_t group = 32;
    for (int i = 0; i < 3; ++i)
        shape.grid[i] = shape.group[i] = 1;
    shape.group[0] = group;
    shape.grid[0] = count / group;
    const hwa_arg_t args[] = {{.buffer = side->buffers[0]},
                              {.buffer = side->buffers[1]},
                              {.buffer = side->buffers[2]},
                              {.data = &n, .size_bytes = sizeof n}};
    NEED(hwa_launch(side->queue, side->program, args, 4, &shape, NULL, error));
}

static int is_right(const struct side *side) {
    float sums[count];
    NEED(hwa_buffer_read(side->buffers[2], 0, sums, sizeof sums, NULL, error));
    for (int j = 0; j < count; ++j)
        if (sums[j] != 2 * side->seed + (float)(3 * j)) {
            printf("number %d is %g\n", j, (double)sums[j]);
            return 0;
        }
    return 1;
}

static void close_side(struct side *side) {
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(side->buffers[i]);
    hwa_program_free(side->program);
    hwa_queue_free(side->queue);
}

/* Each step of all before the next, so that none has the process to itself. */
int main(int argc, char **argv) {
    if (argc != 2 || strspn(argv[1], "prl") != strlen(argv[1]) || strlen(argv[1]) > most)
        return 2;
    const size_t sides = strlen(argv[1]);
    struct side all[most] = {0};
    hwa_system_t *system = NULL;
    NEED(hwa_detect(NULL, &system, error));
    for (size_t i = 0; i < sides; ++i) {
        all[i].seed = (float)(i + 1);
        all[i].queue = open_driver(system, argv[1][i]);
        if (all[i].queue == NULL) {
            printf("the driver \"%c\" is not here\n", argv[1][i]);
            for (size_t j = 0; j < i; ++j)
                close_side(&all[j]);
            hwa_system_free(system);
            return SKIPPED;
        }
    }
    hwa_system_free(system);
    for (size_t i = 0; i < sides; ++i)
        build(&all[i]);
    for (size_t i = 0; i < sides; ++i)
        fill(&all[i]);
    for (size_t i = 0; i < sides; ++i)
        add(&all[i]);
    int right = 1;
    for (size_t i = 0; i < sides; ++i)
        right &= is_right(&all[i]);
    for (size_t i = 0; i < sides; ++i)
        close_side(&all[i]);
    return right ? 0 : 1;
}
