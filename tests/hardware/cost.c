/* SPDX-License-Identifier: MIT */
/* T5: what a launch costs over the driver's own. T6: how fast copies are. */
#include "check.h"

#include <stdlib.h>

enum { ROUNDS = 5, BATCH = 1000 };

static CUfunction raw_kernel;
static CUstream raw_stream;

/* The same empty kernel in the context of the queue, by the driver itself. */
static int raw_ready(void) {
    static const char ptx[] = "//@ extern \"C\" __global__ void nothing() {}\n"
                              ".version 6.3\n.target sm_50\n.address_size 64\n"
                              ".visible .entry nothing()\n{\n    ret;\n}\n";
    CUdevice device = 0;
    CUcontext context = NULL;
    CUmodule module = NULL;
    return raw.cuDeviceGet(&device, 0) == CUDA_SUCCESS &&
           raw.cuDevicePrimaryCtxRetain(&context, device) == CUDA_SUCCESS &&
           raw.cuCtxSetCurrent(context) == CUDA_SUCCESS &&
           raw.cuModuleLoadData(&module, ptx) == CUDA_SUCCESS &&
           raw.cuModuleGetFunction(&raw_kernel, module, "nothing") == CUDA_SUCCESS &&
           raw.cuStreamCreate(&raw_stream, CU_STREAM_NON_BLOCKING) == CUDA_SUCCESS;
}

static double raw_launches(int count) {
    const double start = now_s();
    for (int i = 0; i < count; ++i)
        (void)raw.cuLaunchKernel(raw_kernel, 1, 1, 1, 1, 1, 1, 0, raw_stream, NULL, NULL);
    const double took = now_s() - start;
    (void)raw.cuStreamSynchronize(raw_stream);
    return took / count;
}

static double raw_round_trips(int count) {
    const double start = now_s();
    for (int i = 0; i < count; ++i) {
        (void)raw.cuLaunchKernel(raw_kernel, 1, 1, 1, 1, 1, 1, 0, raw_stream, NULL, NULL);
        (void)raw.cuStreamSynchronize(raw_stream);
    }
    return (now_s() - start) / count;
}

static double our_launches(hwa_queue_t *queue, hwa_program_t *program, int count) {
    const double start = now_s();
    for (int i = 0; i < count; ++i)
        NEED(hwa_launch(queue, program, NULL, 0, NULL, NULL, &error));
    const double took = now_s() - start;
    NEED(hwa_queue_finish(queue, HWA_FOREVER, &error));
    return took / count;
}

static double our_round_trips(hwa_queue_t *queue, hwa_program_t *program, int count) {
    const double start = now_s();
    for (int i = 0; i < count; ++i) {
        NEED(hwa_launch(queue, program, NULL, 0, NULL, NULL, &error));
        NEED(hwa_queue_finish(queue, HWA_FOREVER, &error));
    }
    return (now_s() - start) / count;
}

static void compare_replay(hwa_queue_t *queue, hwa_program_t *program, double each) {
    static hwa_launch_item_t items[BATCH];
    hwa_program_t *batch = NULL;
    for (int i = 0; i < BATCH; ++i)
        items[i] = (hwa_launch_item_t){.program = program};
    if (hwa_program_from_launches(queue, items, BATCH, &batch, &error) != HWA_OK) {
        row("a recorded batch of 1000", "FAIL", "%s", error.message);
        return;
    }
    (void)our_round_trips(queue, batch, 3);
    const double node = our_round_trips(queue, batch, small ? 3 : 100) / BATCH;
    row("a recorded batch of 1000, per launch", JUDGED(node < 0.25 * each),
        "%.0f ns, %.0f %% of a launch", node * 1e9, 100 * node / each);
    hwa_program_free(batch);
}

/* Many in one call, beside a loop of the driver's own. */
static void compare_batch(hwa_queue_t *queue, hwa_program_t *program) {
    static hwa_launch_item_t items[BATCH];
    double own[ROUNDS], theirs[ROUNDS];
    for (int i = 0; i < BATCH; ++i)
        items[i] = (hwa_launch_item_t){.program = program};
    for (int i = 0; i < ROUNDS; ++i) {
        theirs[i] = raw_launches(BATCH);
        const double start = now_s();
        NEED(hwa_launch_many(queue, items, BATCH, NULL, &error));
        own[i] = (now_s() - start) / BATCH;
        NEED(hwa_queue_finish(queue, HWA_FOREVER, &error));
    }
    const double over = median(own, ROUNDS) - median(theirs, ROUNDS);
    row("1000 launches in one call, each over it", JUDGED(over <= 50e-9), "%+.0f ns", over * 1e9);
}

void check_cost(void) {
    const int count = small ? 500 : 100000, trips = small ? 100 : 10000;
    double own[ROUNDS], theirs[ROUNDS], own_trip[ROUNDS], their_trip[ROUNDS];
    hwa_queue_t *queue = open_queue();
    hwa_program_t *program =
        build(queue, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "empty", NULL);
    if (program == NULL)
        give_up("hwa_program_from_kernel");
    if (!raw_ready()) {
        row("the driver's own launch", "FAIL", "no context, module or stream");
        return;
    }
    for (int i = 0; i < ROUNDS; ++i) {
        theirs[i] = raw_launches(count);
        own[i] = our_launches(queue, program, count);
        their_trip[i] = raw_round_trips(trips);
        own_trip[i] = our_round_trips(queue, program, trips);
    }
    const double native = median(theirs, ROUNDS), ours = median(own, ROUNDS);
    row("cuLaunchKernel", "recorded", "%.0f ns", native * 1e9);
    row("hwa_launch over it", JUDGED(ours - native <= 150e-9), "%+.0f ns", (ours - native) * 1e9);
    compare_batch(queue, program);
    const double trip = median(their_trip, ROUNDS);
    row("launch and wait, by the driver", "recorded", "%.0f ns", trip * 1e9);
    row("launch and wait over it", "recorded", "%+.0f ns", (median(own_trip, ROUNDS) - trip) * 1e9);
    compare_replay(queue, program, native);
    hwa_program_free(program);
    hwa_queue_free(queue);
}

/* ---- Copies ---------------------------------------------------------------------------------- */

static double best(double (*once)(hwa_buffer_t *, hwa_buffer_t *, void *, uint64_t),
                   hwa_buffer_t *a, hwa_buffer_t *b, void *host, uint64_t bytes) {
    double fastest = 1e9;
    for (int i = 0; i < 5; ++i) {
        const double took = once(a, b, host, bytes);
        fastest = took < fastest ? took : fastest;
    }
    return (double)bytes / fastest;
}

static double write_once(hwa_buffer_t *a, hwa_buffer_t *b, void *host, uint64_t bytes) {
    (void)b;
    const double start = now_s();
    NEED(hwa_buffer_write(a, 0, host, bytes, NULL, &error));
    return now_s() - start;
}

static double read_once(hwa_buffer_t *a, hwa_buffer_t *b, void *host, uint64_t bytes) {
    (void)b;
    const double start = now_s();
    NEED(hwa_buffer_read(a, 0, host, bytes, NULL, &error));
    return now_s() - start;
}

static double copy_once(hwa_buffer_t *a, hwa_buffer_t *b, void *host, uint64_t bytes) {
    hwa_event_t *event = NULL;
    (void)host;
    const double start = now_s();
    NEED(hwa_buffer_copy(b, 0, a, 0, bytes, &event, &error));
    NEED(hwa_event_wait(event, HWA_FOREVER, &error));
    const double took = now_s() - start;
    hwa_event_free(event);
    return took;
}

/* By the driver, with memory of its own. */
static double raw_copy(uint64_t bytes) {
    CUdeviceptr from = 0, to = 0;
    double fastest = 1e9;
    if (!raw_ready() || raw.cuMemAlloc_v2(&from, bytes) != CUDA_SUCCESS ||
        raw.cuMemAlloc_v2(&to, bytes) != CUDA_SUCCESS)
        return 0;
    for (int i = 0; i < 5; ++i) {
        const double start = now_s();
        (void)raw.cuMemcpyDtoDAsync_v2(to, from, bytes, raw_stream);
        (void)raw.cuStreamSynchronize(raw_stream);
        const double took = now_s() - start;
        fastest = took < fastest ? took : fastest;
    }
    (void)raw.cuMemFree_v2(from);
    (void)raw.cuMemFree_v2(to);
    return (double)bytes / fastest;
}

void check_bandwidth(void) {
    const uint64_t host_bytes = small ? 8u << 20 : 1u << 30;
    const uint64_t bytes = small ? 8u << 20 : (uint64_t)8 << 30;
    hwa_queue_t *queue = open_queue();
    hwa_buffer_t *a = make_buffer(queue, bytes), *b = make_buffer(queue, bytes);
    void *host = malloc(host_bytes), *pinned = NULL;
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *shared = NULL;
    if (host == NULL)
        give_up("malloc");
    random_bytes(host, host_bytes);
    const double pageable = best(write_once, a, b, host, host_bytes);
    row("pageable memory to the device", "recorded", "%.1f GB/s", pageable * 1e-9);
    row("device to pageable memory", "recorded", "%.1f GB/s",
        best(read_once, a, b, host, host_bytes) * 1e-9);
    desc.size_bytes = host_bytes;
    desc.flags = HWA_BUFFER_HOST_VISIBLE;
    NEED(hwa_buffer_create(queue, &desc, &shared, &error));
    NEED(hwa_buffer_map(shared, &pinned, &error));
    NEED(hwa_buffer_unmap(shared, &error));
    const double fast = best(copy_once, shared, a, NULL, host_bytes);
    row("pinned memory to the device", JUDGED(fast > pageable), "%.1f GB/s", fast * 1e-9);
    row("device to pinned memory", "recorded", "%.1f GB/s",
        best(copy_once, a, shared, NULL, host_bytes) * 1e-9);
    /* Read and written. */
    const double own = 2 * best(copy_once, a, b, NULL, bytes), theirs = 2 * raw_copy(bytes);
    row("within the device, read and written", JUDGED(own >= 4.0e12), "%.3f TB/s", own * 1e-12);
    row("that of the driver's own copy", JUDGED(own >= 0.98 * theirs), "%.3f", own / theirs);
    hwa_buffer_free(a);
    hwa_buffer_free(b);
    hwa_buffer_free(shared);
    hwa_queue_free(queue);
    free(host);
}
