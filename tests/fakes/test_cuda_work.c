/* SPDX-License-Identifier: MIT */
/* What the fake CUDA driver refuses of modules, launches, streams, events and graphs, and how it
   fails, as the real one documents. */
#include "cuda_child.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CU(name) CUDA_ERROR_##name

static const char source[] =
    "extern \"C\" __global__ void touch(int *to, int value) { to[threadIdx.x] = value; }\n"
    "extern \"C\" __global__ void poke(unsigned long at) { *(volatile int *)at = 1; }\n"
    "extern \"C\" __global__ void beside(int *to, int by) { to[by] = 1; }\n"
    "extern \"C\" __global__ void trap() { __trap(); }\n"
    "extern \"C\" __global__ void check(int value) { assert(value == 1); }\n"
    "extern \"C\" __global__ void forever() { for (;;) __syncwarp(); }\n"
    "extern \"C\" __global__ void __launch_bounds__(64) small() {}\n"
    "extern \"C\" __global__ void big(int *to) { __shared__ int a[9000]; a[threadIdx.x] = 1;\n"
    "    __syncthreads(); to[0] = a[0]; }\n";

static CUmodule module;

static CUfunction function_of(const char *name) {
    CUfunction function = NULL;
    OK(cu.cuModuleGetFunction(&function, module, name));
    return function;
}

static void ready(void) {
    first_context();
    void *image = compile_cuda(source, "sm_90");
    HOLDS(image != NULL);
    OK(cu.cuModuleLoadData(&module, image));
    free(image);
}

/* One dimension is enough for most. */
static CUresult launch(const char *name, unsigned blocks, unsigned threads, unsigned shared,
                       void **params) {
    return cu.cuLaunchKernel(function_of(name), blocks, 1, 1, threads, 1, 1, shared, NULL, params,
                             NULL);
}

static void modules(void) {
    CUmodule other = NULL;
    CUfunction function;
    CUdeviceptr at;
    size_t size;
    ready();
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleLoadData(NULL, "x"));
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleLoadData(&other, NULL));
    ANSWERS(CU(INVALID_IMAGE), cu.cuModuleLoadData(&other, "neither ELF nor PTX"));
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleLoadDataEx(&other, "x", 1, NULL, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleGetFunction(NULL, module, "touch"));
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleGetFunction(&function, module, NULL));
    ANSWERS(CU(NOT_FOUND), cu.cuModuleGetFunction(&function, module, "absent"));
    ANSWERS(CU(INVALID_HANDLE), cu.cuModuleGetFunction(&function, BOGUS(CUmodule), "touch"));
    ANSWERS(CU(NOT_FOUND), cu.cuModuleGetGlobal_v2(&at, &size, module, "absent"));
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleGetGlobal_v2(&at, &size, module, NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuModuleGetGlobal_v2(&at, &size, BOGUS(CUmodule), "x"));
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleUnload(NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuModuleUnload(BOGUS(CUmodule)));
    ANSWERS(CU(INVALID_VALUE), cu.cuModuleGetLoadingMode(NULL));
    function = function_of("touch");
    OK(cu.cuModuleUnload(module));
    ANSWERS(CU(INVALID_HANDLE), cu.cuModuleUnload(module));
    ANSWERS(CU(INVALID_HANDLE), cu.cuFuncLoad(function));
}

static CUresult load(const char *target, const char *from, const char *to, char *log) {
    CUmodule other = NULL;
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)(uintptr_t)512};
    char *image = compile_cuda(source, target);
    char *place = from == NULL ? NULL : strstr(image, from);
    log[0] = '\0';
    if (place != NULL)
        memcpy(place, to, strlen(to));
    const CUresult result = cu.cuModuleLoadDataEx(&other, image, 2, options, values);
    HOLDS(log[0] == '\0' || (size_t)(uintptr_t)values[1] == strlen(log) + 1);
    free(image);
    return result;
}

static void images(void) {
    char log[512];
    first_context();
    ANSWERS(CU(NO_BINARY_FOR_GPU), load("sm_80", NULL, NULL, log));
    ANSWERS(CU(NO_BINARY_FOR_GPU), load("sm_100", NULL, NULL, log));
    OK(load("sm_90a", NULL, NULL, log));
    ANSWERS(CU(INVALID_PTX), load("compute_100", NULL, NULL, log));
    HOLDS(strstr(log, "higher than default SM version") != NULL);
    ANSWERS(CU(UNSUPPORTED_PTX_VERSION), load("compute_75", ".version 8.4", ".version 9.0", log));
    HOLDS(strstr(log, "Unsupported .version 9.0") != NULL);
    ANSWERS(CU(INVALID_PTX), load("compute_75", ".version", ".verzion", log));
    HOLDS(log[0] != '\0');
    OK(load("compute_75", NULL, NULL, log));
}

static void functions(void) {
    int value = 0;
    size_t offset = 0;
    const char *name = NULL;
    CUmodule owner = NULL;
    ready();
    CUfunction big = function_of("big");
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncGetAttribute(NULL, (CUfunction_attribute)0, big));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncGetAttribute(&value, (CUfunction_attribute)99, big));
    ANSWERS(CU(INVALID_HANDLE),
            cu.cuFuncGetAttribute(&value, (CUfunction_attribute)0, BOGUS(CUfunction)));
    const CUfunction_attribute dynamic = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    ANSWERS(CU(INVALID_HANDLE), cu.cuFuncSetAttribute(BOGUS(CUfunction), dynamic, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncSetAttribute(big, dynamic, 232448));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncSetAttribute(big, dynamic, -1));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncSetAttribute(big, (CUfunction_attribute)1, 0));
    OK(cu.cuFuncSetAttribute(big, dynamic, 232448 - 36000));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncGetParamInfo(big, 1, &offset, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncGetParamInfo(big, 0, NULL, NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuFuncGetParamInfo(BOGUS(CUfunction), 0, &offset, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncGetName(NULL, big));
    ANSWERS(CU(INVALID_HANDLE), cu.cuFuncGetName(&name, BOGUS(CUfunction)));
    ANSWERS(CU(INVALID_VALUE), cu.cuFuncGetModule(NULL, big));
    ANSWERS(CU(INVALID_HANDLE), cu.cuFuncGetModule(&owner, BOGUS(CUfunction)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuFuncLoad(BOGUS(CUfunction)));
}

static void launches(void) {
    CUdeviceptr at = 0;
    int value = 1;
    size_t bytes = 8;
    ready();
    OK(cu.cuMemAlloc_v2(&at, 4096));
    void *params[] = {&at, &value};
    OK(launch("touch", 1, 32, 0, params));
    ANSWERS(CU(INVALID_VALUE), launch("touch", 0, 32, 0, params));
    ANSWERS(CU(INVALID_VALUE), launch("touch", 1, 0, 0, params));
    ANSWERS(CU(INVALID_VALUE), launch("touch", 1, 1025, 0, params));
    ANSWERS(CU(INVALID_VALUE), launch("touch", 1u << 31, 1, 0, params));
    ANSWERS(CU(INVALID_VALUE), launch("touch", 1, 32, 49153, params));
    ANSWERS(CU(INVALID_VALUE), launch("touch", 1, 32, 0, NULL));
    ANSWERS(CU(INVALID_VALUE), launch("small", 1, 65, 0, NULL));
    ANSWERS(CU(INVALID_VALUE), launch("big", 1, 32, 20000, params));
    OK(cu.cuFuncSetAttribute(function_of("big"), CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                             60000));
    OK(launch("big", 1, 32, 20000, params));
    CUfunction touch = function_of("touch");
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchKernel(touch, 1, 65536, 1, 1, 1, 1, 0, NULL, params, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchKernel(touch, 1, 1, 65536, 1, 1, 1, 0, NULL, params, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchKernel(touch, 1, 1, 1, 1, 1, 65, 0, NULL, params, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchKernel(touch, 1, 1, 1, 64, 32, 1, 0, NULL, params, 0));
    ANSWERS(CU(INVALID_HANDLE),
            cu.cuLaunchKernel(BOGUS(CUfunction), 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
    ANSWERS(CU(INVALID_HANDLE),
            cu.cuLaunchKernel(touch, 1, 1, 1, 1, 1, 1, 0, BOGUS(CUstream), params, NULL));
    char block[16];
    memcpy(block, &at, sizeof at);
    memcpy(block + 8, &value, sizeof value);
    void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, block, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes,
                     CU_LAUNCH_PARAM_END};
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchKernel(touch, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra));
    bytes = 12;
    OK(cu.cuLaunchKernel(touch, 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra));
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchKernel(touch, 1, 1, 1, 1, 1, 1, 0, NULL, params, extra));
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchKernelEx(NULL, touch, params, NULL));
    CUcontext other = NULL;
    OK(cu.cuCtxCreate_v2(&other, 0, 1));
    ANSWERS(CU(INVALID_HANDLE), cu.cuLaunchKernel(touch, 1, 1, 1, 1, 1, 1, 0, NULL, params, NULL));
}

/* ---- Faults ---------------------------------------------------------------------------------- */

/* Every call in the context says so from then on; another context does not mind. */
static void sticks(int code) {
    CUdeviceptr at;
    CUcontext own = NULL, other = NULL;
    CUstream stream;
    ANSWERS(code, cu.cuCtxSynchronize());
    ANSWERS(code, cu.cuStreamQuery(NULL));
    ANSWERS(code, cu.cuMemAlloc_v2(&at, 4));
    ANSWERS(code, cu.cuStreamCreate(&stream, 0));
    ANSWERS(code, cu.cuModuleUnload(module));
    OK(cu.cuCtxGetCurrent(&own));
    ANSWERS(code, cu.cuDevicePrimaryCtxRetain(&own, 1));
    OK(cu.cuCtxCreate_v2(&other, 0, 1));
    OK(cu.cuMemAlloc_v2(&at, 4));
    OK(cu.cuMemsetD32_v2(at, 1, 1));
    OK(cu.cuCtxSynchronize());
}

static void illegal_pointer(void) {
    CUdeviceptr at = NOWHERE;
    int value = 1;
    void *params[] = {&at, &value};
    ready();
    OK(launch("touch", 1, 1, 0, params));
    sticks(700);
}

static void illegal_address(void) {
    unsigned long at = 16;
    void *params[] = {&at};
    ready();
    OK(launch("poke", 1, 1, 0, params));
    sticks(700);
}

static void written_beside(void) {
    CUdeviceptr at;
    int by = 16;
    void *params[] = {&at, &by};
    ready();
    OK(cu.cuMemAlloc_v2(&at, 64));
    OK(launch("beside", 1, 1, 0, params));
    sticks(700);
}

static void traps(void) {
    ready();
    OK(launch("trap", 1, 1, 0, NULL));
    sticks(719);
}

static void asserts(void) {
    int value = 2;
    void *params[] = {&value};
    ready();
    OK(launch("check", 1, 1, 0, params));
    sticks(710);
}

/* It holds up its own stream, and no other. */
static void endless(void) {
    CUcontext own = NULL, other = NULL;
    CUstream stream = NULL, free_one = NULL;
    CUdeviceptr at = 0;
    ready();
    OK(cu.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    OK(cu.cuStreamCreate(&free_one, CU_STREAM_NON_BLOCKING));
    OK(cu.cuMemAlloc_v2(&at, 64));
    OK(cu.cuLaunchKernel(function_of("forever"), 1, 1, 1, 1, 1, 1, 0, stream, NULL, NULL));
    usleep(20000);
    ANSWERS(CU(NOT_READY), cu.cuStreamQuery(stream));
    OK(cu.cuMemsetD32Async(at, 1, 4, free_one));
    OK(cu.cuStreamSynchronize(free_one));
    OK(cu.cuStreamDestroy_v2(stream));
    OK(cu.cuCtxGetCurrent(&own));
    OK(cu.cuCtxCreate_v2(&other, 0, 1));
    OK(cu.cuCtxSynchronize());
}

static void lost(void) {
    CUdeviceptr at;
    int count = 0;
    first_context();
    OK(cu.cuMemAlloc_v2(&at, 4));
    OK(cu.cuMemAlloc_v2(&at, 4));
    ANSWERS(46, cu.cuMemAlloc_v2(&at, 4));
    ANSWERS(46, cu.cuMemFree_v2(at));
    ANSWERS(46, cu.cuDeviceGetCount(&count));
}

static void fails_by_number(void) {
    CUdeviceptr at;
    first_context();
    OK(cu.cuMemAlloc_v2(&at, 4));
    ANSWERS(CU(OUT_OF_MEMORY), cu.cuMemAlloc_v2(&at, 4));
    OK(cu.cuMemAlloc_v2(&at, 4));
}

/* ---- Streams and events ---------------------------------------------------------------------- */

static void nothing(void *unused) {
    (void)unused;
}

static CUresult inside;

static void calls_the_driver(void *unused) {
    CUdeviceptr at;
    (void)unused;
    inside = cu.cuMemAlloc_v2(&at, 4);
}

static void streams(void) {
    CUstream stream = NULL;
    CUcontext context = NULL;
    unsigned flags = 0;
    int priority = 0;
    first_context();
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamCreate(NULL, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamCreate(&stream, 2));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamCreateWithPriority(&stream, 2, 0));
    OK(cu.cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamDestroy_v2(NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamDestroy_v2(BOGUS(CUstream)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamQuery(BOGUS(CUstream)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamSynchronize(BOGUS(CUstream)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamGetFlags(BOGUS(CUstream), &flags));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamGetFlags(stream, NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamGetPriority(BOGUS(CUstream), &priority));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamGetCtx(BOGUS(CUstream), &context));
    ANSWERS(CU(INVALID_HANDLE), cu.cuLaunchHostFunc(BOGUS(CUstream), nothing, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuLaunchHostFunc(stream, NULL, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamAddCallback(stream, NULL, NULL, 0));
    OK(cu.cuLaunchHostFunc(stream, calls_the_driver, NULL));
    OK(cu.cuStreamSynchronize(stream));
    ANSWERS(CU(NOT_PERMITTED), inside);
    OK(cu.cuStreamDestroy_v2(stream));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamQuery(stream));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamDestroy_v2(stream));
}

static void pauses(void *unused) {
    (void)unused;
    usleep(20000);
}

/* A kernel that waits in one stream may use what another will free behind it. */
static void freed_behind(void) {
    CUstream first = NULL, second = NULL;
    CUevent event = NULL;
    CUdeviceptr at = 0;
    int value = 1;
    ready();
    void *params[] = {&at, &value};
    OK(cu.cuStreamCreate(&first, CU_STREAM_NON_BLOCKING));
    OK(cu.cuStreamCreate(&second, CU_STREAM_NON_BLOCKING));
    OK(cu.cuEventCreate(&event, 0));
    OK(cu.cuMemAllocAsync(&at, 64, first));
    OK(cu.cuLaunchHostFunc(first, pauses, NULL));
    OK(cu.cuLaunchKernel(function_of("touch"), 1, 1, 1, 1, 1, 1, 0, first, params, NULL));
    OK(cu.cuEventRecord(event, first));
    OK(cu.cuStreamWaitEvent(second, event, 0));
    OK(cu.cuMemFreeAsync(at, second));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemsetD8Async(at, 0, 1, first));
    OK(cu.cuCtxSynchronize());
}

static void values(void) {
    CUdeviceptr at = 0;
    first_context();
    OK(cu.cuMemAlloc_v2(&at, 8));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamWaitValue32_v2(NULL, at + 2, 0, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamWaitValue32_v2(NULL, NOWHERE, 0, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamWaitValue32_v2(NULL, at, 0, 8));
    ANSWERS(CU(NOT_SUPPORTED), cu.cuStreamWaitValue32_v2(NULL, at, 0, 3));
    ANSWERS(CU(NOT_SUPPORTED), cu.cuStreamWaitValue64_v2(NULL, at, 0, 0));
    ANSWERS(CU(NOT_SUPPORTED), cu.cuStreamWriteValue64_v2(NULL, at, 0, 0));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamWriteValue32_v2(BOGUS(CUstream), at, 0, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamWriteValue32_v2(NULL, at, 0, 4));
    OK(cu.cuStreamWriteValue32_v2(NULL, at, 5, 0));
    OK(cu.cuStreamWaitValue32_v2(NULL, at, 5, CU_STREAM_WAIT_VALUE_EQ));
    OK(cu.cuCtxSynchronize());
}

static void events(void) {
    CUevent event = NULL, plain = NULL, timed = NULL;
    CUcontext other = NULL;
    float ms = 0;
    first_context();
    ANSWERS(CU(INVALID_VALUE), cu.cuEventCreate(NULL, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuEventCreate(&event, 8));
    ANSWERS(CU(INVALID_VALUE), cu.cuEventCreate(&event, CU_EVENT_INTERPROCESS));
    OK(cu.cuEventCreate(&event, 0));
    OK(cu.cuEventCreate(&timed, 0));
    OK(cu.cuEventCreate(&plain, CU_EVENT_DISABLE_TIMING));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventElapsedTime(&ms, event, timed));
    OK(cu.cuEventRecord(event, NULL));
    OK(cu.cuEventRecord(plain, NULL));
    OK(cu.cuCtxSynchronize());
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventElapsedTime(&ms, event, timed));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventElapsedTime(&ms, event, plain));
    ANSWERS(CU(INVALID_VALUE), cu.cuEventElapsedTime(NULL, event, event));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventRecord(BOGUS(CUevent), NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventRecord(event, BOGUS(CUstream)));
    ANSWERS(CU(INVALID_VALUE), cu.cuEventRecordWithFlags(event, NULL, 2));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventQuery(BOGUS(CUevent)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventSynchronize(BOGUS(CUevent)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamWaitEvent(NULL, BOGUS(CUevent), 0));
    ANSWERS(CU(INVALID_HANDLE), cu.cuStreamWaitEvent(BOGUS(CUstream), event, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuStreamWaitEvent(NULL, event, 2));
    OK(cu.cuEventDestroy_v2(event));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventDestroy_v2(event));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventQuery(event));
    OK(cu.cuCtxCreate_v2(&other, 0, 1));
    ANSWERS(CU(INVALID_HANDLE), cu.cuEventRecord(timed, NULL));
}

int main(int argc, char **argv) {
    static const char no_values[] = "device 0 attribute 122 0\ndevice 0 attribute 123 0\n";
    static const struct child_test tests[] = {
        {"modules", modules, "", NULL},
        {"images", images, "", NULL},
        {"functions", functions, "", NULL},
        {"launches", launches, "", NULL},
        {"illegal pointer", illegal_pointer, "", NULL},
        {"illegal address", illegal_address, "", NULL},
        {"written beside", written_beside, "", NULL},
        {"trap", traps, "", NULL},
        {"assert", asserts, "", NULL},
        {"endless kernel", endless, "", NULL},
        {"device lost", lost, "lose cuMemAlloc_v2 3 46\n", NULL},
        {"fails by number", fails_by_number, "fail cuMemAlloc_v2 2 2\n", NULL},
        {"streams", streams, "", NULL},
        {"freed behind", freed_behind, "", NULL},
        {"values in memory", values, no_values, NULL},
        {"events", events, "", NULL},
    };
    if (argc < 2)
        return 99;
    return children_run(argv[1], tests, sizeof tests / sizeof tests[0]) == 0 ? 0 : 1;
}
