/* SPDX-License-Identifier: MIT */
/* The fake CUDA driver does the work that it takes: kernels, barriers, order, graphs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cuda_calls.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OK(call) assert_int_equal(call, CUDA_SUCCESS)

static CUcontext context;
static CUdevice device;

static const char source[] =
    "#ifndef SCALE\n#define SCALE 2\n#endif\n"
    "extern \"C\" __global__ void add(const float *a, const float *b, float *c, unsigned n) {\n"
    "    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    if (i < n) c[i] = a[i] + SCALE * b[i];\n"
    "}\n"
    "extern \"C\" __global__ void __launch_bounds__(256) reverse(int *data) {\n"
    "    extern __shared__ int tile[];\n"
    "    __shared__ int factor;\n"
    "    if (threadIdx.x == 0) factor = 10;\n"
    "    tile[threadIdx.x] = data[blockIdx.x * blockDim.x + threadIdx.x];\n"
    "    __syncthreads();\n"
    "    data[blockIdx.x * blockDim.x + threadIdx.x] =\n"
    "        factor * tile[blockDim.x - 1 - threadIdx.x];\n"
    "}\n"
    "extern \"C\" __global__ void total(const int *from, int *to) {\n"
    "    int value = from[threadIdx.x];\n"
    "    for (unsigned by = 16; by > 0; by /= 2)\n"
    "        value += __shfl_down_sync(0xffffffff, value, by);\n"
    "    if (threadIdx.x % 32 == 0) atomicAdd(to, value);\n"
    "}\n"
    "__device__ int counter = 5;\n"
    "template <typename T> __global__ void fill(T *to, T value) { to[threadIdx.x] = value; }\n";

static CUmodule load(const char *target) {
    CUmodule module = NULL;
    void *image = compile_cuda(source, target);
    assert_non_null(image);
    OK(cu.cuModuleLoadDataEx(&module, image, 0, NULL, NULL));
    free(image);
    return module;
}

static CUfunction function_of(CUmodule module, const char *name) {
    CUfunction function = NULL;
    OK(cu.cuModuleGetFunction(&function, module, name));
    return function;
}

static int begin(void **state) {
    (void)state;
    OK(cu.cuInit(0));
    OK(cu.cuDeviceGet(&device, 0));
    OK(cu.cuDevicePrimaryCtxRetain(&context, device));
    OK(cu.cuCtxSetCurrent(context));
    return 0;
}

static int end(void **state) {
    (void)state;
    OK(cu.cuCtxSetCurrent(NULL));
    OK(cu.cuDevicePrimaryCtxRelease_v2(device));
    return 0;
}

static void adds(const char *target) {
    enum { count = 1000 };
    float a[count], b[count], c[count];
    CUmodule module = load(target);
    CUdeviceptr memory[3];
    unsigned n = count;
    for (int i = 0; i < count; ++i) {
        a[i] = (float)i;
        b[i] = 0.5f * (float)i;
    }
    for (int i = 0; i < 3; ++i)
        OK(cu.cuMemAlloc_v2(&memory[i], sizeof a));
    OK(cu.cuMemcpyHtoD_v2(memory[0], a, sizeof a));
    OK(cu.cuMemcpyHtoD_v2(memory[1], b, sizeof b));
    void *params[] = {&memory[0], &memory[1], &memory[2], &n};
    OK(cu.cuLaunchKernel(function_of(module, "add"), 8, 1, 1, 128, 1, 1, 0, NULL, params, NULL));
    OK(cu.cuMemcpyDtoH_v2(c, memory[2], sizeof c));
    for (int i = 0; i < count; ++i)
        assert_true(c[i] == a[i] + 2 * b[i]);
    for (int i = 0; i < 3; ++i)
        OK(cu.cuMemFree_v2(memory[i]));
    OK(cu.cuModuleUnload(module));
}

static void runs_cubins_and_ptx(void **state) {
    (void)state;
    adds("sm_90");
    adds("compute_75");
}

static void threads_meet(void **state) {
    (void)state;
    int data[512], sums = 0, bytes = 0;
    CUmodule module = load("sm_90");
    CUdeviceptr memory, to;
    for (int i = 0; i < 512; ++i)
        data[i] = i;
    OK(cu.cuMemAlloc_v2(&memory, sizeof data));
    OK(cu.cuMemAlloc_v2(&to, sizeof sums));
    OK(cu.cuMemcpyHtoD_v2(memory, data, sizeof data));
    void *params[] = {&memory, &to};
    OK(cu.cuMemsetD32_v2(to, 0, 1));
    OK(cu.cuLaunchKernel(function_of(module, "total"), 1, 1, 1, 512, 1, 1, 0, NULL, params, NULL));
    CUfunction reverse = function_of(module, "reverse");
    OK(cu.cuLaunchKernel(reverse, 2, 1, 1, 256, 1, 1, 256 * sizeof(int), NULL, params, NULL));
    OK(cu.cuMemcpyDtoH_v2(data, memory, sizeof data));
    OK(cu.cuMemcpyDtoH_v2(&sums, to, sizeof sums));
    assert_int_equal(sums, 511 * 256);
    for (int i = 0; i < 512; ++i)
        assert_int_equal(data[i], 10 * (i / 256 * 256 + 255 - i % 256));
    OK(cu.cuFuncGetAttribute(&bytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, reverse));
    assert_int_equal(bytes, sizeof(int));
    OK(cu.cuFuncGetAttribute(&bytes, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK, reverse));
    assert_int_equal(bytes, 256);
    OK(cu.cuMemFree_v2(memory));
    OK(cu.cuMemFree_v2(to));
}

static void tells_of_parameters(void **state) {
    (void)state;
    CUmodule module = load("sm_90");
    size_t offset = 0, size = 0;
    OK(cu.cuFuncGetParamInfo(function_of(module, "add"), 3, &offset, &size));
    assert_int_equal(offset, 24);
    assert_int_equal(size, 4);
    CUdeviceptr counter = 0;
    int value = 0;
    OK(cu.cuModuleGetGlobal_v2(&counter, &size, module, "counter"));
    assert_int_equal(size, sizeof value);
    OK(cu.cuMemcpyDtoH_v2(&value, counter, sizeof value));
    assert_int_equal(value, 5);
}

static void lowers_names(void **state) {
    (void)state;
    nvrtcProgram program = NULL;
    const char *name = NULL;
    const char *const options[] = {"-arch=sm_90", "-DSCALE=3"};
    size_t size = 0;
    assert_int_equal(nvrtc.nvrtcCreateProgram(&program, source, NULL, 0, NULL, NULL), 0);
    assert_int_equal(nvrtc.nvrtcAddNameExpression(program, "fill<double>"), 0);
    assert_int_equal(nvrtc.nvrtcCompileProgram(program, 2, options), 0);
    assert_int_equal(nvrtc.nvrtcGetLoweredName(program, "fill<double>", &name), 0);
    assert_string_equal(name, "_Z4fillIdEvPT_S0_");
    assert_int_equal(nvrtc.nvrtcGetCUBINSize(program, &size), 0);
    void *image = malloc(size);
    CUmodule module;
    assert_int_equal(nvrtc.nvrtcGetCUBIN(program, image), 0);
    OK(cu.cuModuleLoadData(&module, image));
    (void)function_of(module, name);
    free(image);
    assert_int_equal(nvrtc.nvrtcDestroyProgram(&program), 0);
}

/* ---- Order ----------------------------------------------------------------------------------- */

static void sleep_ms(void *milliseconds) {
    usleep(1000u * (unsigned)*(int *)milliseconds);
}

static void events_order_streams(void **state) {
    (void)state;
    CUstream first, second;
    CUevent event, never;
    CUdeviceptr memory;
    static int pause_ms = 50;
    unsigned value = 0;
    OK(cu.cuStreamCreate(&first, CU_STREAM_NON_BLOCKING));
    OK(cu.cuStreamCreate(&second, CU_STREAM_NON_BLOCKING));
    OK(cu.cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    OK(cu.cuEventCreate(&never, CU_EVENT_DISABLE_TIMING));
    OK(cu.cuMemAlloc_v2(&memory, 4));
    OK(cu.cuMemsetD32_v2(memory, 1, 1));
    OK(cu.cuLaunchHostFunc(first, sleep_ms, &pause_ms));
    OK(cu.cuMemsetD32Async(memory, 2, 1, first));
    OK(cu.cuEventRecord(event, first));
    assert_int_equal(cu.cuEventQuery(event), CUDA_ERROR_NOT_READY);
    OK(cu.cuEventQuery(never));
    OK(cu.cuStreamWaitEvent(second, never, 0));
    OK(cu.cuStreamWaitEvent(second, event, 0));
    OK(cu.cuMemcpyDtoHAsync_v2(&value, memory, 4, second));
    assert_int_equal(value, 2);
    OK(cu.cuEventQuery(event));
    OK(cu.cuStreamDestroy_v2(first));
    OK(cu.cuStreamDestroy_v2(second));
    OK(cu.cuMemFree_v2(memory));
}

static void values_in_memory_hold_streams(void **state) {
    (void)state;
    CUstream stream;
    CUdeviceptr gate;
    uint32_t *host = NULL;
    OK(cu.cuMemHostAlloc((void **)&host, 64, CU_MEMHOSTALLOC_DEVICEMAP));
    OK(cu.cuMemHostGetDevicePointer_v2(&gate, host, 0));
    *host = 0;
    OK(cu.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cu.cuStreamWaitValue32_v2(stream, gate, 1, CU_STREAM_WAIT_VALUE_GEQ));
    OK(cu.cuStreamWriteValue32_v2(stream, gate + 4, 7, 0));
    usleep(20000);
    assert_int_equal(cu.cuStreamQuery(stream), CUDA_ERROR_NOT_READY);
    *(volatile uint32_t *)host = 1;
    OK(cu.cuStreamSynchronize(stream));
    assert_int_equal(host[1], 7);
    OK(cu.cuStreamDestroy_v2(stream));
    OK(cu.cuMemFreeHost(host));
}

static void events_tell_time(void **state) {
    (void)state;
    CUevent start, stop;
    static int pause_ms = 30;
    float ms = 0;
    OK(cu.cuEventCreate(&start, 0));
    OK(cu.cuEventCreate(&stop, 0));
    OK(cu.cuEventRecord(start, NULL));
    OK(cu.cuLaunchHostFunc(NULL, sleep_ms, &pause_ms));
    OK(cu.cuEventRecord(stop, NULL));
    OK(cu.cuEventSynchronize(stop));
    OK(cu.cuEventElapsedTime(&ms, start, stop));
    assert_true(ms >= 30.0f);
    OK(cu.cuEventDestroy_v2(start));
    OK(cu.cuEventDestroy_v2(stop));
}

static void pageable_memory_is_staged(void **state) {
    (void)state;
    CUstream stream;
    CUdeviceptr memory;
    static int pause_ms = 30;
    int from = 1, to = 0;
    OK(cu.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cu.cuMemAlloc_v2(&memory, 4));
    OK(cu.cuLaunchHostFunc(stream, sleep_ms, &pause_ms));
    OK(cu.cuMemcpyHtoDAsync_v2(memory, &from, 4, stream));
    from = 2;
    OK(cu.cuMemcpyDtoHAsync_v2(&to, memory, 4, stream));
    assert_int_equal(to, 1);
    OK(cu.cuStreamDestroy_v2(stream));
    OK(cu.cuMemFree_v2(memory));
}

/* ---- Graphs ---------------------------------------------------------------------------------- */

static void graphs_run_in_order(void **state) {
    (void)state;
    CUmodule module = load("sm_90");
    CUdeviceptr memory;
    CUgraph graph;
    CUgraphNode nodes[2];
    CUgraphExec exec;
    CUstream stream;
    int data[256];
    OK(cu.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cu.cuMemAlloc_v2(&memory, sizeof data));
    void *params[] = {&memory};
    const CUDA_MEMSET_NODE_PARAMS_v1 fill = {memory, 0, 3, 4, 256, 1};
    CUDA_KERNEL_NODE_PARAMS_v2 kernel = {.func = function_of(module, "reverse"),
                                         .gridDimX = 1,
                                         .gridDimY = 1,
                                         .gridDimZ = 1,
                                         .blockDimX = 256,
                                         .blockDimY = 1,
                                         .blockDimZ = 1,
                                         .sharedMemBytes = 1024,
                                         .kernelParams = params};
    OK(cu.cuGraphCreate(&graph, 0));
    OK(cu.cuGraphAddMemsetNode(&nodes[0], graph, NULL, 0, &fill, context));
    OK(cu.cuGraphAddKernelNode_v2(&nodes[1], graph, nodes, 1, &kernel));
    OK(cu.cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cu.cuGraphDestroy(graph));
    OK(cu.cuGraphLaunch(exec, stream));
    OK(cu.cuGraphLaunch(exec, stream));
    OK(cu.cuMemcpyDtoHAsync_v2(data, memory, sizeof data, stream));
    assert_int_equal(data[0], 30);
    OK(cu.cuGraphExecDestroy(exec));
    OK(cu.cuStreamDestroy_v2(stream));
    OK(cu.cuMemFree_v2(memory));
}

static void captures_become_graphs(void **state) {
    (void)state;
    CUstream stream;
    CUdeviceptr memory;
    CUgraph graph;
    CUgraphExec exec;
    size_t nodes = 0;
    unsigned value = 0;
    OK(cu.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cu.cuMemAlloc_v2(&memory, 4));
    OK(cu.cuMemsetD32_v2(memory, 1, 1));
    OK(cu.cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL));
    OK(cu.cuMemsetD32Async(memory, 9, 1, stream));
    OK(cu.cuStreamEndCapture(stream, &graph));
    OK(cu.cuGraphGetNodes(graph, NULL, &nodes));
    assert_int_equal(nodes, 1);
    OK(cu.cuMemcpyDtoH_v2(&value, memory, 4));
    assert_int_equal(value, 1);
    OK(cu.cuGraphInstantiateWithFlags(&exec, graph, 0));
    OK(cu.cuGraphLaunch(exec, stream));
    OK(cu.cuMemcpyDtoHAsync_v2(&value, memory, 4, stream));
    assert_int_equal(value, 9);
    OK(cu.cuGraphExecDestroy(exec));
    OK(cu.cuGraphDestroy(graph));
    OK(cu.cuStreamDestroy_v2(stream));
    OK(cu.cuMemFree_v2(memory));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(runs_cubins_and_ptx, begin, end),
        cmocka_unit_test_setup_teardown(threads_meet, begin, end),
        cmocka_unit_test_setup_teardown(tells_of_parameters, begin, end),
        cmocka_unit_test_setup_teardown(lowers_names, begin, end),
        cmocka_unit_test_setup_teardown(events_order_streams, begin, end),
        cmocka_unit_test_setup_teardown(values_in_memory_hold_streams, begin, end),
        cmocka_unit_test_setup_teardown(events_tell_time, begin, end),
        cmocka_unit_test_setup_teardown(pageable_memory_is_staged, begin, end),
        cmocka_unit_test_setup_teardown(graphs_run_in_order, begin, end),
        cmocka_unit_test_setup_teardown(captures_become_graphs, begin, end),
    };
    if (argc < 2)
        return 99;
    calls_load(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
