/* SPDX-License-Identifier: MIT */
/* The kernels of the suite: each does the same as a host function, as OpenCL C, as CUDA C and as
   SPIR-V. */
#include "cuda_source.h"
#include "suite.h"

#include "add.spv.h"
#include "empty.spv.h"
#include "scale.spv.h"
#include "spin.spv.h"
#include "sum.spv.h"
#include "where.spv.h"

#include <string.h>

/* Threads of a group, as a host kernel sees them: it loops over them itself. */
static uint32_t first_index(const hwa_host_call_t *call) {
    return call->group[0] * call->threads[0];
}

static int32_t add(void *user, const hwa_host_call_t *call) {
    (void)user;
    const float *a = call->args[0];
    const float *b = call->args[1];
    float *c = call->args[2];
    uint32_t count;
    memcpy(&count, call->args[3], sizeof count);
    for (uint32_t i = 0; i < call->threads[0] && first_index(call) + i < count; ++i)
        c[first_index(call) + i] = a[first_index(call) + i] + b[first_index(call) + i];
    return call->arg_count == 4 && call->arg_bytes[3] == sizeof count ? 0 : 99;
}

static int32_t scale(void *user, const hwa_host_call_t *call) {
    (void)user;
    float *x = call->args[0];
    const uint8_t count = *(const uint8_t *)call->args[1];
    /* Aligned to its size, behind a value of one byte. */
    const double add_this = *(const double *)call->args[2];
    const float factor = *(const float *)call->args[3];
    if ((uintptr_t)call->args[2] % 8 != 0 || (uintptr_t)call->args[3] % 4 != 0)
        return 98;
    for (uint32_t i = 0; i < count; ++i)
        x[i] = x[i] * factor + (float)add_this;
    return 0;
}

static int32_t where(void *user, const hwa_host_call_t *call) {
    (void)user;
    uint32_t *at = call->args[0];
    const uint32_t *t = call->threads;
    for (uint32_t z = 0; z < t[2]; ++z)
        for (uint32_t y = 0; y < t[1]; ++y)
            for (uint32_t x = 0; x < t[0]; ++x) {
                const uint32_t gx = call->group[0] * t[0] + x;
                const uint32_t gy = call->group[1] * t[1] + y;
                const uint32_t gz = call->group[2] * t[2] + z;
                const uint32_t wide = call->grid[0] * t[0];
                const uint32_t high = call->grid[1] * t[1];
                at[(gz * high + gy) * wide + gx] = gx + 100 * gy + 10000 * gz;
            }
    return 0;
}

static int32_t sum(void *user, const hwa_host_call_t *call) {
    (void)user;
    const float *from = call->args[0];
    float *to = call->args[1];
    float *scratch = call->args[2];
    if ((uintptr_t)scratch % 64 != 0 || call->arg_bytes[2] != 16 * sizeof(float))
        return 97;
    float total = 0;
    for (uint32_t i = 0; i < 16; ++i)
        scratch[i] = from[call->group[0] * 16 + i];
    for (uint32_t i = 0; i < 16; ++i)
        total += scratch[i];
    to[call->group[0]] = total;
    return 0;
}

static int32_t spin_host(void *user, const hwa_host_call_t *call) {
    (void)user;
    uint32_t *counter = call->args[0];
    uint64_t turns;
    memcpy(&turns, call->args[1], sizeof turns);
    uint32_t state = 1;
    for (uint64_t i = 0; i < turns; ++i)
        state = state * 1664525u + 1013904223u;
    if (call->group[0] == 0 || state == 0xdeadbeef) /* so that the loop is not for nothing */
        ++counter[0];
    return 0;
}

static int32_t empty(void *user, const hwa_host_call_t *call) {
    (void)user;
    (void)call;
    return 0;
}

static const char source[] =
    "__kernel void add(__global const float *a, __global const float *b, __global float *c,\n"
    "                  const uint n) {\n"
    "    const size_t i = get_global_id(0);\n"
    "    if (i < n) c[i] = a[i] + b[i];\n"
    "}\n"
    /* A device may have no double: then the 8 bytes are taken apart. */
    "#ifdef cl_khr_fp64\n"
    "typedef double wide;\n"
    "float narrow(const wide d) { return (float)d; }\n"
    "#else\n"
    "typedef ulong wide;\n"
    "float narrow(const wide d) {\n"
    "    const int exponent = (int)(d >> 52 & 0x7ff) - 1023;\n"
    "    const float part = 1.0f + (float)(d & 0xfffffffffffffUL) * 0x1p-52f;\n"
    "    return d << 1 == 0 ? 0.0f : ldexp(d >> 63 != 0 ? -part : part, exponent);\n"
    "}\n"
    "#endif\n"
    "__kernel void scale(__global float *x, const uchar n, const wide d, const float f) {\n"
    "    for (uint i = 0; i < n; ++i) x[i] = x[i] * f + narrow(d);\n"
    "}\n"
    "__kernel void where(__global uint *at) {\n"
    "    const size_t x = get_global_id(0), y = get_global_id(1), z = get_global_id(2);\n"
    "    at[(z * get_global_size(1) + y) * get_global_size(0) + x] = x + 100 * y + 10000 * z;\n"
    "}\n"
    "__kernel void sum(__global const float *from, __global float *to, __local float *scratch) {\n"
    "    const size_t i = get_local_id(0);\n"
    "    scratch[i] = from[get_global_id(0)];\n"
    "    barrier(CLK_LOCAL_MEM_FENCE);\n"
    "    if (i == 0) {\n"
    "        float total = 0;\n"
    "        for (uint j = 0; j < 16; ++j) total += scratch[j];\n"
    "        to[get_group_id(0)] = total;\n"
    "    }\n"
    "}\n"
    "__kernel void spin(__global uint *counter, const ulong turns) {\n"
    "    uint state = 1;\n"
    "    for (ulong i = 0; i < turns; ++i) state = state * 1664525u + 1013904223u;\n"
    "    if (get_group_id(0) == 0 || state == 0xdeadbeef) ++counter[0];\n"
    "}\n"
    "__kernel void empty(void) {}\n";

static const struct {
    const char *name;
    hwa_host_kernel_fn host;
    const uint32_t *spirv;
    size_t spirv_bytes;
} table[] = {
    [KERNEL_ADD] = {"add", add, spirv_add, sizeof spirv_add},
    [KERNEL_SCALE] = {"scale", scale, spirv_scale, sizeof spirv_scale},
    [KERNEL_WHERE] = {"where", where, spirv_where, sizeof spirv_where},
    [KERNEL_SUM] = {"sum", sum, spirv_sum, sizeof spirv_sum},
    [KERNEL_SPIN] = {"spin", spin_host, spirv_spin, sizeof spirv_spin},
    [KERNEL_EMPTY] = {"empty", empty, spirv_empty, sizeof spirv_empty},
};

hwa_kernel_desc_t spirv_of(kernel_t kernel) {
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    desc.code_kind = HWA_CODE_SPIRV;
    desc.code = table[kernel].spirv;
    desc.code_bytes = table[kernel].spirv_bytes;
    return desc;
}

uint32_t kernel_variants(kernel_t kernel, hwa_kernel_desc_t *into) {
    uint32_t count = 0;
    hwa_kernel_desc_t opencl = HWA_INIT(hwa_kernel_desc_t);
    opencl.code_kind = HWA_CODE_OPENCL_C;
    opencl.code = source;
    opencl.code_bytes = sizeof source - 1;
    opencl.entry = table[kernel].name;
    into[count++] = opencl;
    into[count++] = spirv_of(kernel);
    hwa_kernel_desc_t cuda = opencl;
    cuda.code_kind = HWA_CODE_CUDA_C;
    cuda.code = cuda_source;
    cuda.code_bytes = sizeof cuda_source - 1;
    into[count++] = cuda;
    hwa_kernel_desc_t host = HWA_INIT(hwa_kernel_desc_t);
    host.code_kind = HWA_CODE_HOST;
    host.host = table[kernel].host;
    into[count++] = host;
    return count;
}

hwa_program_t *make_program(hwa_queue_t *queue, kernel_t kernel) {
    hwa_kernel_desc_t mine[SUITE_VARIANTS];
    const hwa_kernel_desc_t *variants[SUITE_VARIANTS];
    const uint32_t count = kernel_variants(kernel, mine);
    for (uint32_t i = 0; i < count; ++i)
        variants[i] = &mine[i];
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, count, &program, error));
    hwa_program_info_t info = HWA_INIT(hwa_program_info_t);
    assert_int_equal(hwa_program_info(program, &info), HWA_OK);
    assert_int_equal(info.binding_count, 0);
    assert_non_null(info.provider);
    return program;
}

/* llvmpipe and lavapipe of Mesa 22.3 leave the loops of a thread after 65535 turns and say nothing:
   on devices in software, many groups turn so often. */
static uint64_t turns_of_group(uint64_t turns) {
    enum { most = 1 << 15 };
    hwa_device_info_t info = HWA_INIT(hwa_device_info_t);
    assert_int_equal(hwa_device_info(the_device, &info), HWA_OK);
    return (info.flags & HWA_DEVICE_SOFTWARE) != 0 && turns > most ? most : turns;
}

hwa_event_t *spin(hwa_queue_t *queue, const hwa_program_t *program, hwa_buffer_t *counter,
                  uint64_t turns) {
    const uint64_t each = turns_of_group(turns);
    const hwa_arg_t args[] = {{.buffer = counter}, {.data = &each, .size_bytes = sizeof each}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = each == 0 ? 1 : (uint32_t)((turns + each - 1) / each);
    hwa_event_t *event = NULL;
    CHECK(hwa_launch(queue, program, args, 2, &shape, &event, error));
    return event;
}

/* Measured once, on a queue of its own: the fastest of some runs, for the processor may be busy
   with something else meanwhile. */
static double turns_per_ms(void) {
    enum { runs = 8, turns = 1 << 22 };
    hwa_queue_t *queue = open_queue(0);
    hwa_program_t *program = make_program(queue, KERNEL_SPIN);
    const uint32_t zero = 0;
    hwa_buffer_t *counter = make_buffer(queue, sizeof zero, &zero);
    double fastest = 0;
    for (int i = 0; i < runs; ++i) {
        const double start = now_ms();
        hwa_event_free(spin(queue, program, counter, turns));
        CHECK(hwa_queue_finish(queue, HWA_FOREVER, error));
        const double rate = turns / (now_ms() - start);
        fastest = rate > fastest ? rate : fastest;
    }
    hwa_buffer_free(counter);
    hwa_program_free(program);
    hwa_queue_free(queue);
    return fastest;
}

uint64_t turns_for(double milliseconds) {
    static double per_ms = 0;
    if (per_ms == 0)
        per_ms = turns_per_ms();
    return (uint64_t)(1.5 * per_ms * milliseconds);
}
