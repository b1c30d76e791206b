/* SPDX-License-Identifier: MIT */
/* Copies in, out and on the device, and a vector addition: libhwa beside what it runs on.
   `bench-stream [RUNTIME [MOST_FLOATS]]` */
#include <hwa/hwa.h>

#include "bench.h"
#include "lane.h"
#include "need.h"

enum { most_turns = 400, million = 1 << 20 };

static const char opencl_add[] =
    "__kernel void add(__global const float *a, __global const float *b, __global float *c)"
    "{ size_t i = get_global_id(1) * get_global_size(0) + get_global_id(0); c[i] = a[i] + b[i]; }";

static hwa_queue_t *queue;
static hwa_program_t *program;
static hwa_buffer_t *arrays[3];
static int written, on_host;

/* A group of the host's is larger, for a call costs more than a turn of a loop. */
enum { host_group = 16384 };

static int32_t host_add(void *user, const hwa_host_call_t *call) {
    (void)user;
    const float *a = call->args[0];
    const float *b = call->args[1];
    float *c = call->args[2];
    const uint64_t group = (uint64_t)call->group[1] * call->grid[0] + call->group[0];
    const uint64_t first = group * host_group;
    for (uint64_t i = first; i < first + host_group; ++i)
        c[i] = a[i] + b[i];
    return 0;
}

static int open_hwa(const hwa_system_t *system, const char *runtime) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = runtime;
    const hwa_device_t *device;
    queue = NULL;
    for (uint32_t i = 0; queue == NULL && (device = hwa_system_device(system, i)) != NULL; ++i)
        if (hwa_queue_open(device, &options, &queue, NULL) != HWA_OK)
            queue = NULL;
    if (queue == NULL)
        return 0;
    hwa_kernel_desc_t kernels[3] = {HWA_INIT(hwa_kernel_desc_t), HWA_INIT(hwa_kernel_desc_t),
                                    HWA_INIT(hwa_kernel_desc_t)};
    kernels[0].code_kind = HWA_CODE_HOST;
    kernels[0].host = host_add;
    kernels[1].code_kind = HWA_CODE_OPENCL_C;
    kernels[1].code = opencl_add;
    kernels[1].code_bytes = sizeof opencl_add - 1;
    kernels[1].entry = "add";
    kernels[2].code_kind = HWA_CODE_SPIRV;
    kernels[2].code = lane_spirv;
    kernels[2].code_bytes = lane_spirv_bytes;
    const hwa_kernel_desc_t *variants[] = {&kernels[0], &kernels[1], &kernels[2]};
    NEED(hwa_program_from_kernel(queue, variants, 3, &program, error));
    on_host = strcmp(runtime, "cpu") == 0;
    return 1;
}

static void allocate(uint64_t count) {
    for (int i = 0; i < 3; ++i) {
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        desc.size_bytes = count * sizeof(float);
        NEED(hwa_buffer_create(queue, &desc, &arrays[i], error));
    }
    written = 0;
}

static void write_hwa(const float *from, uint64_t count) {
    NEED(hwa_buffer_write(arrays[written++ % 2], 0, from, count * sizeof(float), NULL, error));
}

static void read_hwa(float *into, uint64_t count) {
    NEED(hwa_buffer_read(arrays[2], 0, into, count * sizeof(float), NULL, error));
}

static void copy(uint64_t count) {
    NEED(hwa_buffer_copy(arrays[2], 0, arrays[0], 0, count * sizeof(float), NULL, error));
    NEED(hwa_queue_finish(queue, HWA_FOREVER, error));
}

static void add(uint64_t count) {
    hwa_launch_options_t options = HWA_INIT(hwa_launch_options_t);
    const uint32_t groups = (uint32_t)(count / (on_host ? host_group : lane_group));
    options.group[0] = on_host ? 1 : lane_group;
    options.grid[0] = groups < lane_row ? groups : lane_row;
    options.grid[1] = groups / options.grid[0];
    const hwa_arg_t args[] = {{.buffer = arrays[0]}, {.buffer = arrays[1]}, {.buffer = arrays[2]}};
    NEED(hwa_launch(queue, program, args, 3, &options, NULL, error));
    NEED(hwa_queue_finish(queue, HWA_FOREVER, error));
}

static void release(void) {
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(arrays[i]);
}

static const lane_t lane_hwa = {NULL, NULL, allocate, write_hwa, read_hwa,
                                copy, add,  NULL,     release};

typedef enum work_t { WRITE, READ, COPY, ADD, WORKS } work_t;
static const char *const work_names[WORKS] = {"write", "read", "copy", "add"};
static const double work_passes[WORKS] = {1, 1, 2, 3}; /* over the array, in memory traffic */

/* How often. A turn is a streak of the same work by each lane, and the run before a streak, which
   finds the threads of the lane asleep, does not count. Which pages an array gets can be worth a
   third of the speed, so it is allocated anew in every round, by the other lane first. */
typedef struct plan_t {
    int rounds, turns, streak, warm_up;
} plan_t;
static const plan_t plan_small = {8, 25, 4, 1};
static const plan_t plan_large = {2, 7, 1, 0};

typedef struct score_t {
    double ours[most_turns], theirs[most_turns], ratios[most_turns];
    int count;
} score_t;
static score_t scores[WORKS];

static void work_once(const lane_t *lane, work_t work, float *host, uint64_t count) {
    switch (work) {
    case WRITE:
        lane->write(host, count);
        break;
    case READ:
        lane->read(host, count);
        break;
    case COPY:
        lane->copy(count);
        break;
    default:
        lane->add(count);
        break;
    }
}

static double streak(const lane_t *lane, const plan_t *plan, work_t work, float *host,
                     uint64_t count) {
    for (int i = 0; i < plan->warm_up; ++i)
        work_once(lane, work, host, count);
    const double start = bench_ms();
    for (int i = 0; i < plan->streak; ++i)
        work_once(lane, work, host, count);
    const double passed = bench_ms() - start;
    if (lane->rest != NULL)
        lane->rest();
    return passed / plan->streak;
}

/* Who goes first changes with every turn. */
static void race(const lane_t *raw, const plan_t *plan, work_t work, float *host, uint64_t count) {
    score_t *score = &scores[work];
    for (int i = -1; i < plan->turns; ++i) {
        double a = 0;
        double b = 0;
        if (i % 2 == 0)
            a = streak(&lane_hwa, plan, work, host, count);
        b = streak(raw, plan, work, host, count);
        if (i % 2 != 0)
            a = streak(&lane_hwa, plan, work, host, count);
        if (i < 0)
            continue;
        score->ours[score->count] = a;
        score->theirs[score->count] = b;
        score->ratios[score->count++] = b / a;
    }
}

/* The ratio is the median over pairs, so that a turn that was disturbed does not count. */
static void print(const char *runtime, work_t work, uint64_t count) {
    score_t *score = &scores[work];
    const double ratio = bench_median(score->ratios, score->count);
    const double a = bench_median(score->ours, score->count);
    const double b = bench_median(score->theirs, score->count);
    const double gigabytes = work_passes[work] * (double)count * sizeof(float) / 1e9;
    printf("%-7s %-5s %9llu floats: hwa %9.3f ms (%6.1f GB/s), raw %9.3f ms, speed %.3f of raw%s\n",
           runtime, work_names[work], (unsigned long long)count, a, gigabytes / (a * 1e-3), b,
           ratio, ratio >= 0.98 ? "" : "  UNDER 0.98");
    fflush(stdout);
}

static void check(const lane_t *lane, const float *host, float *result, uint64_t count) {
    lane->write(host, count);
    lane->write(host, count);
    lane->add(count);
    lane->read(result, count);
    for (uint64_t i = 0; i < count; ++i)
        if (result[i] != host[i] + host[i]) {
            printf("wrong sum at %llu\n", (unsigned long long)i);
            exit(1);
        }
}

static void measure_round(const lane_t *raw, const plan_t *plan, int round, uint64_t count) {
    float *host = malloc(count * sizeof(float));
    float *result = malloc(count * sizeof(float));
    if (host == NULL || result == NULL)
        exit(1);
    for (uint64_t i = 0; i < count; ++i)
        host[i] = (float)(i % 1021) * 0.5f;
    const lane_t *const lanes[] = {&lane_hwa, raw};
    for (int i = 0; i < 2; ++i) {
        const lane_t *const lane = lanes[(round + i) % 2];
        lane->allocate(count);
        check(lane, host, result, count);
        if (lane->rest != NULL)
            lane->rest();
    }
    for (work_t work = WRITE; work < WORKS; ++work)
        race(raw, plan, work, work == READ ? result : host, count);
    for (int i = 0; i < 2; ++i)
        lanes[i]->release();
    free(host);
    free(result);
}

static void measure(const char *runtime, const lane_t *raw, const plan_t *plan, uint64_t count) {
    memset(scores, 0, sizeof scores);
    for (int round = 0; round < plan->rounds; ++round)
        measure_round(raw, plan, round, count);
    for (work_t work = WRITE; work < WORKS; ++work)
        print(runtime, work, count);
}

/* The largest power of two that the device takes, up to 256 Mi, and of which the host has memory
   for three arrays of each lane and two of its own. */
static uint64_t largest(const lane_t *raw, uint64_t most) {
    hwa_queue_info_t info = HWA_INIT(hwa_queue_info_t);
    if (hwa_queue_info(queue, &info) != HWA_OK)
        exit(1);
    if (info.buffer_bytes != 0 && info.buffer_bytes / sizeof(float) < most)
        most = info.buffer_bytes / sizeof(float);
    if (raw->limit() != 0 && raw->limit() < most)
        most = raw->limit();
    const uint64_t free_bytes = (uint64_t)bench_kib("/proc/meminfo", "MemAvailable") * 1024;
    if (free_bytes / 9 / sizeof(float) < most)
        most = free_bytes / 9 / sizeof(float);
    uint64_t count = million;
    while (count * 2 <= most)
        count *= 2;
    return count;
}

int main(int argc, char **argv) {
    static const struct {
        const char *runtime;
        const lane_t *raw;
    } routes[] = {{"cpu", &lane_cpu}, {"opencl", &lane_opencl}, {"vulkan", &lane_vulkan}};
    const uint64_t most = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)256 << 20;
    hwa_system_t *system = NULL;
    NEED(hwa_detect(NULL, &system, error));
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; ++i) {
        if (argc > 1 && strcmp(argv[1], routes[i].runtime) != 0)
            continue;
        if (!open_hwa(system, routes[i].runtime) || !routes[i].raw->open()) {
            printf("%-7s not here\n", routes[i].runtime);
            continue;
        }
        measure(routes[i].runtime, routes[i].raw, &plan_small, million);
        measure(routes[i].runtime, routes[i].raw, &plan_large, largest(routes[i].raw, most));
        hwa_program_free(program);
        hwa_queue_free(queue);
    }
    hwa_system_free(system);
    return 0;
}
