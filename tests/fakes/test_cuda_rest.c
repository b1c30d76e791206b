/* SPDX-License-Identifier: MIT */
/* What the fakes of CUDA refuse of graphs, captures, pools, pointers, names of entries, and of the
   compiler. */
#include "cuda_child.h"

#include <stdlib.h>
#include <string.h>

#define CU(name) CUDA_ERROR_##name

static const char source[] = "extern \"C\" __global__ void touch(int *to) { *to = 1; }\n";

static void *own;
static void **params = &own;

static CUDA_KERNEL_NODE_PARAMS_v2 node_params(CUmodule *module) {
    CUDA_KERNEL_NODE_PARAMS_v2 node = {.gridDimX = 1,
                                       .gridDimY = 1,
                                       .gridDimZ = 1,
                                       .blockDimX = 1,
                                       .blockDimY = 1,
                                       .blockDimZ = 1,
                                       .kernelParams = params};
    static CUdeviceptr at;
    void *image = compile_cuda(source, "sm_90");
    OK(cu.cuModuleLoadData(module, image));
    OK(cu.cuModuleGetFunction(&node.func, *module, "touch"));
    OK(cu.cuMemAlloc_v2(&at, 4));
    own = &at;
    free(image);
    return node;
}

static void graphs(void) {
    CUmodule module;
    CUgraph graph = NULL, other = NULL;
    CUgraphNode node = NULL, stranger = NULL;
    CUgraphExec exec = NULL;
    CUgraphExecUpdateResultInfo info;
    size_t count = 0;
    const CUcontext context = first_context();
    CUDA_KERNEL_NODE_PARAMS_v2 kernel = node_params(&module);
    const CUDA_HOST_NODE_PARAMS_v1 host = {NULL, NULL};
    CUDA_MEMSET_NODE_PARAMS_v1 fill = {NOWHERE, 0, 0, 4, 1, 1};
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphCreate(NULL, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphCreate(&graph, 1));
    OK(cu.cuGraphCreate(&graph, 0));
    OK(cu.cuGraphCreate(&other, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddKernelNode_v2(&node, BOGUS(CUgraph), NULL, 0, &kernel));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddKernelNode_v2(&node, graph, NULL, 0, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddKernelNode_v2(&node, graph, NULL, 1, &kernel));
    kernel.blockDimX = 2048;
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddKernelNode_v2(&node, graph, NULL, 0, &kernel));
    kernel.blockDimX = 1;
    OK(cu.cuGraphAddEmptyNode(&stranger, other, NULL, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddKernelNode_v2(&node, graph, &stranger, 1, &kernel));
    OK(cu.cuGraphAddKernelNode_v2(&node, graph, NULL, 0, &kernel));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddHostNode(&node, graph, NULL, 0, &host));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddMemsetNode(&node, graph, NULL, 0, &fill, context));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuGraphAddMemsetNode(&node, graph, NULL, 0, &fill, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddEmptyNode(NULL, graph, NULL, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddDependencies(graph, &node, &node, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphAddDependencies(graph, &node, &stranger, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphGetNodes(graph, NULL, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphGetNodes(BOGUS(CUgraph), NULL, &count));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphKernelNodeSetParams_v2(stranger, &kernel));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphInstantiateWithFlags(NULL, graph, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphInstantiateWithFlags(&exec, BOGUS(CUgraph), 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphInstantiateWithFlags(&exec, graph, 64));
    OK(cu.cuGraphInstantiateWithFlags(&exec, graph, 0));
    ANSWERS(CU(INVALID_HANDLE), cu.cuGraphLaunch(exec, BOGUS(CUstream)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuGraphUpload(exec, BOGUS(CUstream)));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphLaunch(BOGUS(CUgraphExec), NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphUpload(BOGUS(CUgraphExec), NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphExecKernelNodeSetParams_v2(exec, stranger, &kernel));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphExecUpdate_v2(exec, graph, NULL));
    ANSWERS(CU(GRAPH_EXEC_UPDATE_FAILURE), cu.cuGraphExecUpdate_v2(exec, other, &info));
    ANSWERS(CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED, info.result);
    OK(cu.cuGraphExecUpdate_v2(exec, graph, &info));
    OK(cu.cuGraphDestroy(graph));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphDestroy(graph));
    OK(cu.cuGraphLaunch(exec, NULL));
    OK(cu.cuGraphExecDestroy(exec));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphExecDestroy(exec));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphLaunch(exec, NULL));
}

static void rings(void) {
    CUgraph graph = NULL;
    CUgraphNode nodes[2];
    CUgraphExec exec = NULL;
    first_context();
    OK(cu.cuGraphCreate(&graph, 0));
    OK(cu.cuGraphAddEmptyNode(&nodes[0], graph, NULL, 0));
    OK(cu.cuGraphAddEmptyNode(&nodes[1], graph, nodes, 1));
    OK(cu.cuGraphAddDependencies(graph, &nodes[1], &nodes[0], 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuGraphInstantiateWithFlags(&exec, graph, 0));
}

static void captures(void) {
    CUstream stream = NULL, other = NULL;
    CUgraph graph = NULL;
    CUevent event = NULL;
    CUdeviceptr at = 0;
    CUstreamCaptureStatus status;
    const CUstreamCaptureMode mode = CU_STREAM_CAPTURE_MODE_RELAXED;
    first_context();
    OK(cu.cuMemAlloc_v2(&at, 4));
    OK(cu.cuEventCreate(&event, 0));
    OK(cu.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cu.cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
    ANSWERS(CU(STREAM_CAPTURE_UNSUPPORTED), cu.cuStreamBeginCapture_v2(NULL, mode));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamBeginCapture_v2(BOGUS(CUstream), mode));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamBeginCapture_v2(stream, (CUstreamCaptureMode)7));
    ANSWERS(CU(ILLEGAL_STATE), cu.cuStreamEndCapture(stream, &graph));
    OK(cu.cuStreamBeginCapture_v2(stream, mode));
    ANSWERS(CU(ILLEGAL_STATE), cu.cuStreamBeginCapture_v2(stream, mode));
    ANSWERS(CU(NOT_SUPPORTED), cu.cuMemAllocAsync(&at, 4, stream));
    OK(cu.cuEventRecord(event, stream));
    ANSWERS(CU(CAPTURED_EVENT), cu.cuEventQuery(event));
    ANSWERS(CU(CAPTURED_EVENT), cu.cuEventSynchronize(event));
    OK(cu.cuStreamWaitEvent(other, event, 0));
    ANSWERS(CU(STREAM_CAPTURE_UNMATCHED), cu.cuStreamEndCapture(other, &graph));
    ANSWERS(CU(STREAM_CAPTURE_UNSUPPORTED), cu.cuStreamSynchronize(stream));
    OK(cu.cuStreamIsCapturing(stream, &status));
    ANSWERS(CU_STREAM_CAPTURE_STATUS_INVALIDATED, status);
    ANSWERS(CU(STREAM_CAPTURE_INVALIDATED), cu.cuMemsetD32Async(at, 1, 1, stream));
    ANSWERS(CU(STREAM_CAPTURE_INVALIDATED), cu.cuStreamEndCapture(stream, &graph));
    HOLDS(graph == NULL);
    OK(cu.cuStreamSynchronize(stream));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamIsCapturing(stream, NULL));
}

static void pools(void) {
    CUmemoryPool pool = NULL, own_pool = NULL;
    CUmemPoolProps props;
    CUdeviceptr at = 0;
    uint64_t value = 5;
    first_context();
    memset(&props, 0, sizeof props);
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetDefaultMemPool(NULL, 1));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGetDefaultMemPool(&pool, 77));
    OK(cu.cuDeviceGetDefaultMemPool(&pool, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemPoolDestroy(pool));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemPoolCreate(&own_pool, &props));
    props.allocType = CU_MEM_ALLOCATION_TYPE_PINNED;
    props.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    props.location.id = 77;
    ANSWERS(CU(INVALID_VALUE), cu.cuMemPoolCreate(&own_pool, &props));
    props.location.id = 1;
    props.reserved[3] = 1;
    ANSWERS(CU(INVALID_VALUE), cu.cuMemPoolCreate(&own_pool, &props));
    props.reserved[3] = 0;
    OK(cu.cuMemPoolCreate(&own_pool, &props));
    ANSWERS(CU(INVALID_VALUE),
            cu.cuMemPoolSetAttribute(own_pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &value));
    ANSWERS(CU(INVALID_VALUE),
            cu.cuMemPoolSetAttribute(own_pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &value));
    ANSWERS(CU(INVALID_VALUE),
            cu.cuMemPoolSetAttribute(own_pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, NULL));
    OK(cu.cuMemPoolSetAttribute(own_pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &value));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemPoolGetAttribute(own_pool, (CUmemPool_attribute)99, &value));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemPoolTrimTo(BOGUS(CUmemoryPool), 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemAllocFromPoolAsync(&at, 0, own_pool, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemAllocFromPoolAsync(NULL, 4, own_pool, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemAllocFromPoolAsync(&at, 4, BOGUS(CUmemoryPool), NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuMemAllocFromPoolAsync(&at, 4, own_pool, BOGUS(CUstream)));
    OK(cu.cuMemAllocFromPoolAsync(&at, 4, own_pool, NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuMemFreeAsync(at, BOGUS(CUstream)));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFreeAsync(at + 1, NULL));
    OK(cu.cuMemFreeAsync(at, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFreeAsync(at, NULL));
    OK(cu.cuMemPoolDestroy(own_pool));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemPoolDestroy(own_pool));
}

static void no_pools(void) {
    CUmemoryPool pool = NULL;
    CUdeviceptr at;
    first_context();
    ANSWERS(CU(NOT_SUPPORTED), cu.cuDeviceGetDefaultMemPool(&pool, 1));
    ANSWERS(CU(NOT_SUPPORTED), cu.cuMemAllocAsync(&at, 4, NULL));
}

static void pointers(void) {
    CUdeviceptr at = 0;
    unsigned type = 0;
    void *value = NULL;
    CUpointer_attribute asked = CU_POINTER_ATTRIBUTE_MEMORY_TYPE;
    first_context();
    OK(cu.cuMemAlloc_v2(&at, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuPointerGetAttribute(&type, asked, NOWHERE));
    ANSWERS(CU(INVALID_VALUE), cu.cuPointerGetAttribute(&type, asked, at + 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuPointerGetAttribute(NULL, asked, at));
    ANSWERS(CU(INVALID_VALUE), cu.cuPointerGetAttribute(&type, (CUpointer_attribute)99, at));
    ANSWERS(CU(INVALID_VALUE),
            cu.cuPointerGetAttribute(&value, CU_POINTER_ATTRIBUTE_HOST_POINTER, at));
    ANSWERS(CU(INVALID_VALUE), cu.cuPointerGetAttributes(0, &asked, &value, at));
    void *data[] = {&type};
    OK(cu.cuPointerGetAttributes(1, &asked, data, NOWHERE));
    ANSWERS(0, type);
    OK(cu.cuPointerGetAttributes(1, &asked, data, at));
    ANSWERS(CU_MEMORYTYPE_DEVICE, type);
}

/* ---- Names of entries ------------------------------------------------------------------------ */

static int status_of(const char *name, int version, void **address) {
    CUdriverProcAddressQueryResult status = (CUdriverProcAddressQueryResult)99;
    OK(cu.cuGetProcAddress_v2(name, address, version, 0, &status));
    return (int)status;
}

static void *same(void *function) {
    return function;
}

static void entries(void) {
    void *address = NULL;
    CUresult (*alloc)(CUdeviceptr *, size_t) = cu.cuMemAlloc_v2;
    ANSWERS(CU(INVALID_VALUE), cu.cuGetProcAddress_v2(NULL, &address, 12000, 0, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGetProcAddress_v2("cuInit", NULL, 12000, 0, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGetProcAddress_v2("cuInit", &address, 12000, 8, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGetProcAddress_v2("cuInit", &address, 0, 0, NULL));
    ANSWERS(0, status_of("cuMemAlloc", 12000, &address));
    void *wanted = NULL;
    memcpy(&wanted, &alloc, sizeof wanted);
    HOLDS(address == same(wanted));
    ANSWERS(1, status_of("cuMemAlloc_v2", 12000, &address));
    ANSWERS(1, status_of("cuNothing", 12000, &address));
    HOLDS(address == NULL);
    ANSWERS(2, status_of("cuGraphUpload", 11000, &address));
    /* The driver is of 11.1, so it does not know what came with 11.2. */
    ANSWERS(1, status_of("cuMemAllocAsync", 12000, &address));
    ANSWERS(1, status_of("cuGraphCreate", 12000, &address));
    ANSWERS(0, status_of("cuGraphLaunch", 12000, &address));
    ANSWERS(CU(NOT_FOUND), cu.cuGetProcAddress("cuNothing", &address, 12000, 0));
    OK(cu.cuGetProcAddress("cuInit", &address, 12000, 0));
}

/* ---- The compiler ---------------------------------------------------------------------------- */

static void compiler(void) {
    nvrtcProgram program = NULL, none = NULL;
    size_t size = 0;
    char log[4096];
    const char *name = NULL;
    const char *const wrong_target[] = {"--gpu-architecture=sm_91"};
    const char *const unknown[] = {"--bogus"};
    const char *const virtual_one[] = {"-arch=compute_80"};
    ANSWERS(3, nvrtc.nvrtcVersion(NULL, NULL));
    ANSWERS(3, nvrtc.nvrtcGetNumSupportedArchs(NULL));
    ANSWERS(3, nvrtc.nvrtcGetSupportedArchs(NULL));
    ANSWERS(3, nvrtc.nvrtcCreateProgram(&program, NULL, NULL, 0, NULL, NULL));
    ANSWERS(3, nvrtc.nvrtcCreateProgram(NULL, "", NULL, 0, NULL, NULL));
    ANSWERS(3, nvrtc.nvrtcCreateProgram(&program, "", NULL, 1, NULL, NULL));
    ANSWERS(4, nvrtc.nvrtcDestroyProgram(&none));
    ANSWERS(4, nvrtc.nvrtcCompileProgram(BOGUS(nvrtcProgram), 0, NULL));
    ANSWERS(4, nvrtc.nvrtcGetPTXSize(BOGUS(nvrtcProgram), &size));
    ANSWERS(0, nvrtc.nvrtcCreateProgram(&program, source, "a.cu", 0, NULL, NULL));
    ANSWERS(5, nvrtc.nvrtcCompileProgram(program, 1, wrong_target));
    ANSWERS(0, nvrtc.nvrtcGetProgramLog(program, log));
    HOLDS(strstr(log, "--gpu-architecture") != NULL);
    ANSWERS(5, nvrtc.nvrtcCompileProgram(program, 1, unknown));
    ANSWERS(9, nvrtc.nvrtcGetLoweredName(program, "touch", &name));
    ANSWERS(0, nvrtc.nvrtcCompileProgram(program, 1, virtual_one));
    ANSWERS(0, nvrtc.nvrtcGetCUBINSize(program, &size));
    ANSWERS(0, size);
    ANSWERS(3, nvrtc.nvrtcGetCUBIN(program, log));
    ANSWERS(8, nvrtc.nvrtcAddNameExpression(program, "touch"));
    ANSWERS(10, nvrtc.nvrtcGetLoweredName(program, "other", &name));
    ANSWERS(0, nvrtc.nvrtcDestroyProgram(&program));
    HOLDS(program == NULL);
    ANSWERS(0, nvrtc.nvrtcCreateProgram(&program, "this is no code", "a.cu", 0, NULL, NULL));
    ANSWERS(6, nvrtc.nvrtcCompileProgram(program, 0, NULL));
    ANSWERS(0, nvrtc.nvrtcGetProgramLogSize(program, &size));
    HOLDS(size > 1 && size < sizeof log);
    ANSWERS(0, nvrtc.nvrtcGetProgramLog(program, log));
    HOLDS(strstr(log, "error") != NULL);
    ANSWERS(0, strcmp(nvrtc.nvrtcGetErrorString(6), "NVRTC_ERROR_COMPILATION"));
}

int main(int argc, char **argv) {
    static const struct child_test tests[] = {
        {"graphs", graphs, "", NULL},
        {"rings of nodes", rings, "", NULL},
        {"captures", captures, "", NULL},
        {"pools", pools, "", NULL},
        {"no pools", no_pools, "device 0 attribute 115 0\n", NULL},
        {"pointers", pointers, "", NULL},
        {"names of entries", entries, "driver 11010\nhide cuGraphCreate\n", NULL},
        {"compiler", compiler, "", NULL},
    };
    if (argc < 2)
        return 99;
    return children_run(argv[1], tests, sizeof tests / sizeof tests[0]) == 0 ? 0 : 1;
}
