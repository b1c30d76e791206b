/* SPDX-License-Identifier: MIT */
/* What the fake CUDA driver refuses of devices, contexts and memory, as the real one documents. */
#include "cuda_child.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CU(name) CUDA_ERROR_##name

static void before_init(void) {
    int number = 0;
    CUdevice device;
    CUcontext context;
    CUdeviceptr memory;
    size_t bytes;
    OK(cu.cuDriverGetVersion(&number));
    ANSWERS(12040, number);
    ANSWERS(CU(INVALID_VALUE), cu.cuDriverGetVersion(NULL));
    ANSWERS(CU(NOT_INITIALIZED), cu.cuDeviceGetCount(&number));
    ANSWERS(CU(NOT_INITIALIZED), cu.cuDeviceGet(&device, 0));
    ANSWERS(CU(NOT_INITIALIZED), cu.cuDevicePrimaryCtxRetain(&context, 1));
    ANSWERS(CU(NOT_INITIALIZED), cu.cuCtxGetCurrent(&context));
    ANSWERS(CU(NOT_INITIALIZED), cu.cuMemAlloc_v2(&memory, 4));
    ANSWERS(CU(NOT_INITIALIZED), cu.cuDeviceTotalMem_v2(&bytes, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuInit(1));
    OK(cu.cuInit(0));
    OK(cu.cuInit(0));
}

static void init_fails(void) {
    const char *text = "";
    ANSWERS(804, cu.cuInit(0));
    OK(cu.cuGetErrorName(CU(COMPAT_NOT_SUPPORTED_ON_DEVICE), &text));
    ANSWERS(0, strcmp(text, "CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"));
    OK(cu.cuGetErrorString(CU(COMPAT_NOT_SUPPORTED_ON_DEVICE), &text));
    HOLDS(strstr(text, "compat") != NULL);
    ANSWERS(CU(INVALID_VALUE), cu.cuGetErrorName((CUresult)12345, &text));
    HOLDS(text == NULL);
    ANSWERS(CU(INVALID_VALUE), cu.cuGetErrorString((CUresult)12345, &text));
    ANSWERS(CU(INVALID_VALUE), cu.cuGetErrorName(CUDA_SUCCESS, NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuGetErrorString(CUDA_SUCCESS, NULL));
}

static void init_says_100(void) {
    ANSWERS(CU(NO_DEVICE), cu.cuInit(0));
}

static void after_fork(void) {
    CUdeviceptr busy;
    int status = -1;
    first_context();
    /* Once this is done the worker runs. A sanitizer holds locks while a thread begins, and a child
       that is forked just then finds them held for ever. */
    OK(cu.cuMemAlloc_v2(&busy, 4));
    OK(cu.cuMemsetD8Async(busy, 0, 4, NULL));
    OK(cu.cuCtxSynchronize());
    const pid_t child = fork();
    if (child == 0) {
        CUdeviceptr memory;
        int count = 0;
        ANSWERS(CU(NOT_INITIALIZED), cu.cuInit(0));
        ANSWERS(CU(NOT_INITIALIZED), cu.cuDeviceGetCount(&count));
        ANSWERS(CU(NOT_INITIALIZED), cu.cuMemAlloc_v2(&memory, 4));
        _exit(wrong);
    }
    ANSWERS(child, waitpid(child, &status, 0));
    ANSWERS(0, status);
}

static void devices(void) {
    CUdevice device = 0;
    CUuuid uuid;
    char text[64];
    int number = 0;
    size_t bytes = 0;
    OK(cu.cuInit(0));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetCount(NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGet(NULL, 0));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGet(&device, 2));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGet(&device, -1));
    OK(cu.cuDeviceGet(&device, 1));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGetName(text, sizeof text, 77));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetName(NULL, 4, device));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetName(text, 0, device));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetUuid_v2(NULL, device));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGetUuid_v2(&uuid, 77));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGetUuid(&uuid, 77));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceTotalMem_v2(NULL, device));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceTotalMem_v2(&bytes, 77));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetAttribute(NULL, (CUdevice_attribute)1, device));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetAttribute(&number, (CUdevice_attribute)0, device));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetAttribute(&number, (CUdevice_attribute)999, device));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGetAttribute(&number, (CUdevice_attribute)1, 77));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetPCIBusId(text, 12, device));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetPCIBusId(NULL, 32, device));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGetPCIBusId(text, sizeof text, 77));
    OK(cu.cuDeviceGetPCIBusId(text, sizeof text, device));
    ANSWERS(0, strcmp(text, "0000:27:00.0"));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetByPCIBusId(&device, "nonsense"));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceGetByPCIBusId(NULL, text));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceGetByPCIBusId(&device, "0000:99:00.0"));
    ANSWERS(CU(INVALID_VALUE), cu.cuDeviceCanAccessPeer(NULL, 1, 2));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDeviceCanAccessPeer(&number, 1, 77));
    ANSWERS(CU(INVALID_DEVICE),
            cu.cuDeviceGetP2PAttribute(&number, CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, 1, 1));
    ANSWERS(CU(INVALID_VALUE),
            cu.cuDeviceGetP2PAttribute(NULL, CU_DEVICE_P2P_ATTRIBUTE_ACCESS_SUPPORTED, 1, 2));
}

static void nothing_visible(void) {
    ANSWERS(CU(NO_DEVICE), cu.cuInit(0));
}

static void visible_by_number(void) {
    int count = 0;
    CUdevice device;
    char text[64];
    OK(cu.cuInit(0));
    OK(cu.cuDeviceGetCount(&count));
    ANSWERS(2, count);
    OK(cu.cuDeviceGet(&device, 0));
    OK(cu.cuDeviceGetPCIBusId(text, sizeof text, device));
    ANSWERS(0, strcmp(text, "0000:27:00.0"));
}

static void visible_by_uuid(void) {
    int count = 0;
    CUdevice device;
    char text[64];
    OK(cu.cuInit(0));
    OK(cu.cuDeviceGetCount(&count));
    ANSWERS(1, count);
    OK(cu.cuDeviceGet(&device, 0));
    OK(cu.cuDeviceGetPCIBusId(text, sizeof text, device));
    ANSWERS(0, strcmp(text, "0000:37:00.0"));
}

/* ---- Contexts -------------------------------------------------------------------------------- */

static void contexts(void) {
    CUcontext context = NULL, other = NULL, got = NULL;
    unsigned flags = 0;
    int active = 1;
    OK(cu.cuInit(0));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDevicePrimaryCtxRetain(&context, 77));
    ANSWERS(CU(INVALID_VALUE), cu.cuDevicePrimaryCtxRetain(NULL, 1));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuDevicePrimaryCtxRelease_v2(1));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDevicePrimaryCtxRelease_v2(77));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDevicePrimaryCtxReset_v2(77));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDevicePrimaryCtxGetState(77, &flags, &active));
    ANSWERS(CU(INVALID_VALUE), cu.cuDevicePrimaryCtxGetState(1, NULL, &active));
    ANSWERS(CU(INVALID_VALUE), cu.cuDevicePrimaryCtxSetFlags_v2(1, 3));
    ANSWERS(CU(INVALID_VALUE), cu.cuDevicePrimaryCtxSetFlags_v2(1, 0x1000));
    ANSWERS(CU(INVALID_DEVICE), cu.cuDevicePrimaryCtxSetFlags_v2(77, 0));
    OK(cu.cuDevicePrimaryCtxRetain(&context, 1));
    ANSWERS(CU(PRIMARY_CONTEXT_ACTIVE), cu.cuDevicePrimaryCtxSetFlags(1, 4));
    OK(cu.cuDevicePrimaryCtxSetFlags_v2(1, 4));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxSetCurrent(BOGUS(CUcontext)));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxPushCurrent_v2(BOGUS(CUcontext)));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxPushCurrent_v2(NULL));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxPopCurrent_v2(&got));
    ANSWERS(CU(INVALID_VALUE), cu.cuCtxGetCurrent(NULL));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxDestroy_v2(context));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxDestroy_v2(BOGUS(CUcontext)));
    ANSWERS(CU(INVALID_VALUE), cu.cuCtxCreate_v2(NULL, 0, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuCtxCreate_v2(&other, 3, 1));
    ANSWERS(CU(INVALID_DEVICE), cu.cuCtxCreate_v2(&other, 0, 77));
    OK(cu.cuCtxCreate_v2(&other, 0, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuCtxGetApiVersion(other, NULL));
    OK(cu.cuCtxPopCurrent_v2(&got));
    HOLDS(got == other);
    OK(cu.cuCtxDestroy_v2(other));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxDestroy_v2(other));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxSetCurrent(other));
    OK(cu.cuCtxSetCurrent(context));
    OK(cu.cuDevicePrimaryCtxRelease_v2(1));
    ANSWERS(CU(CONTEXT_IS_DESTROYED), cu.cuCtxSynchronize());
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxSetCurrent(context));
}

/* Whatever works in a context is refused to a thread that has none. */
static void all_refused(const CUresult *answers, size_t count) {
    for (size_t i = 0; i < count; ++i)
        if (answers[i] != CU(INVALID_CONTEXT)) {
            fprintf(stderr, "call %zu without a context: %d\n", i, (int)answers[i]);
            ++wrong;
        }
}

static void without_a_context(void) {
    void *pointer = NULL;
    char image[64] = "";
    unsigned flags = 0;
    int number = 0;
    size_t size = 0, total = 0;
    CUdeviceptr memory = 0;
    CUdevice device;
    OK(cu.cuInit(0));
    const CUresult answers[] = {
        cu.cuCtxGetDevice(&device),
        cu.cuCtxGetFlags(&flags),
        cu.cuCtxSynchronize(),
        cu.cuCtxGetStreamPriorityRange(&number, &number),
        cu.cuCtxGetLimit(&size, CU_LIMIT_STACK_SIZE),
        cu.cuCtxSetLimit(CU_LIMIT_STACK_SIZE, 1024),
        cu.cuCtxGetApiVersion(NULL, &flags),
        cu.cuCtxEnablePeerAccess(BOGUS(CUcontext), 0),
        cu.cuCtxDisablePeerAccess(BOGUS(CUcontext)),
        cu.cuMemGetInfo_v2(&size, &total),
        cu.cuMemAlloc_v2(&memory, 4),
        cu.cuMemFree_v2(NOWHERE),
        cu.cuMemGetAddressRange_v2(&memory, &size, NOWHERE),
        cu.cuMemHostAlloc(&pointer, 4, 0),
        cu.cuMemAllocHost_v2(&pointer, 4),
        cu.cuMemFreeHost(image),
        cu.cuMemHostRegister_v2(image, sizeof image, 0),
        cu.cuMemHostUnregister(image),
        cu.cuMemHostGetDevicePointer_v2(&memory, image, 0),
        cu.cuMemHostGetFlags(&flags, image),
    };
    all_refused(answers, sizeof answers / sizeof answers[0]);
}

static void no_context_to_work_in(void) {
    char image[64] = "";
    CUdeviceptr memory = 0;
    CUstream stream = NULL;
    CUevent event = NULL;
    CUmodule module = NULL;
    float ms = 0;
    OK(cu.cuInit(0));
    const CUresult answers[] = {
        cu.cuMemcpy(NOWHERE, NOWHERE, 4),
        cu.cuMemcpyAsync(NOWHERE, NOWHERE, 4, NULL),
        cu.cuMemcpyHtoD_v2(NOWHERE, image, 4),
        cu.cuMemcpyDtoH_v2(image, NOWHERE, 4),
        cu.cuMemcpyDtoD_v2(NOWHERE, NOWHERE, 4),
        cu.cuMemcpyHtoDAsync_v2(NOWHERE, image, 4, NULL),
        cu.cuMemcpyDtoHAsync_v2(image, NOWHERE, 4, NULL),
        cu.cuMemcpyDtoDAsync_v2(NOWHERE, NOWHERE, 4, NULL),
        cu.cuMemcpyPeer(NOWHERE, NULL, NOWHERE, NULL, 4),
        cu.cuMemcpyPeerAsync(NOWHERE, NULL, NOWHERE, NULL, 4, NULL),
        cu.cuMemsetD8_v2(NOWHERE, 0, 4),
        cu.cuMemsetD16_v2(NOWHERE, 0, 4),
        cu.cuMemsetD32_v2(NOWHERE, 0, 4),
        cu.cuMemsetD8Async(NOWHERE, 0, 4, NULL),
        cu.cuMemsetD16Async(NOWHERE, 0, 4, NULL),
        cu.cuMemsetD32Async(NOWHERE, 0, 4, NULL),
        cu.cuMemAllocAsync(&memory, 4, NULL),
        cu.cuMemFreeAsync(NOWHERE, NULL),
        cu.cuModuleLoadData(&module, image),
        cu.cuModuleLoadDataEx(&module, image, 0, NULL, NULL),
        cu.cuStreamCreate(&stream, 0),
        cu.cuStreamCreateWithPriority(&stream, 0, 0),
        cu.cuStreamQuery(NULL),
        cu.cuStreamSynchronize(NULL),
        cu.cuEventCreate(&event, 0),
        cu.cuEventElapsedTime(&ms, BOGUS(CUevent), BOGUS(CUevent)),
    };
    all_refused(answers, sizeof answers / sizeof answers[0]);
}

static void peers(void) {
    CUcontext first = NULL, second = NULL;
    CUdeviceptr here = 0, there = 0;
    int can = 1;
    first_context();
    OK(cu.cuDevicePrimaryCtxRetain(&first, 1));
    OK(cu.cuDevicePrimaryCtxRetain(&second, 2));
    OK(cu.cuMemAlloc_v2(&here, 64));
    OK(cu.cuCtxSetCurrent(second));
    OK(cu.cuMemAlloc_v2(&there, 64));
    /* Device 1 does not reach device 0, only the other way round. */
    OK(cu.cuDeviceCanAccessPeer(&can, 2, 1));
    ANSWERS(0, can);
    ANSWERS(CU(PEER_ACCESS_UNSUPPORTED), cu.cuCtxEnablePeerAccess(first, 0));
    OK(cu.cuCtxSetCurrent(first));
    OK(cu.cuDeviceCanAccessPeer(&can, 1, 2));
    ANSWERS(1, can);
    ANSWERS(CU(INVALID_VALUE), cu.cuCtxEnablePeerAccess(second, 1));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxEnablePeerAccess(BOGUS(CUcontext), 0));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuCtxEnablePeerAccess(first, 0));
    ANSWERS(CU(PEER_ACCESS_NOT_ENABLED), cu.cuCtxDisablePeerAccess(second));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyDtoD_v2(here, there, 64));
    ANSWERS(CU(PEER_ACCESS_UNSUPPORTED), cu.cuMemcpyPeer(here, first, there, second, 64));
    OK(cu.cuCtxEnablePeerAccess(second, 0));
    ANSWERS(CU(PEER_ACCESS_ALREADY_ENABLED), cu.cuCtxEnablePeerAccess(second, 0));
    OK(cu.cuMemcpyDtoD_v2(here, there, 64));
    OK(cu.cuMemcpyPeer(here, first, there, second, 64));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyPeer(here, first, there, second, 65));
    ANSWERS(CU(INVALID_CONTEXT), cu.cuMemcpyPeer(here, NULL, there, second, 64));
    ANSWERS(CU(INVALID_CONTEXT),
            cu.cuMemcpyPeerAsync(here, first, there, BOGUS(CUcontext), 64, NULL));
    ANSWERS(CU(INVALID_HANDLE),
            cu.cuMemcpyPeerAsync(here, first, there, second, 64, BOGUS(CUstream)));
    OK(cu.cuCtxDisablePeerAccess(second));
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void memory(void) {
    CUdeviceptr at = 0, start = 0;
    size_t size = 0, total = 0;
    first_context();
    ANSWERS(CU(INVALID_VALUE), cu.cuMemAlloc_v2(&at, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemAlloc_v2(NULL, 4));
    ANSWERS(CU(OUT_OF_MEMORY), cu.cuMemAlloc_v2(&at, 1048577));
    OK(cu.cuMemAlloc_v2(&at, 1000000));
    ANSWERS(CU(OUT_OF_MEMORY), cu.cuMemAlloc_v2(&start, 100000));
    OK(cu.cuMemGetInfo_v2(&size, &total));
    ANSWERS(48576, size);
    ANSWERS(CU(INVALID_VALUE), cu.cuMemGetInfo_v2(NULL, &total));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFree_v2(at + 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFree_v2(NOWHERE));
    OK(cu.cuMemFree_v2(0));
    OK(cu.cuMemGetAddressRange_v2(&start, &size, at + 999999));
    ANSWERS(1000000, size);
    ANSWERS(CU(NOT_FOUND), cu.cuMemGetAddressRange_v2(&start, &size, at + 1000000));
    ANSWERS(CU(NOT_FOUND), cu.cuMemGetAddressRange_v2(&start, &size, NOWHERE));
    OK(cu.cuMemFree_v2(at));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFree_v2(at));
}

static void host_memory(void) {
    void *pinned = NULL;
    unsigned flags = 0;
    CUdeviceptr at = 0;
    static char own[8192];
    first_context();
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostAlloc(&pinned, 0, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostAlloc(NULL, 4, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostAlloc(&pinned, 4, 0x80));
    OK(cu.cuMemHostAlloc(&pinned, 4096, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFreeHost((char *)pinned + 8));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFreeHost(own));
    ANSWERS(CU(HOST_MEMORY_ALREADY_REGISTERED), cu.cuMemHostRegister_v2(pinned, 64, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostRegister_v2(NULL, 64, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostRegister_v2(own, 0, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostRegister_v2(own, 64, 0x80));
    ANSWERS(CU(NOT_SUPPORTED), cu.cuMemHostRegister_v2(own, 64, CU_MEMHOSTREGISTER_READ_ONLY));
    OK(cu.cuMemHostRegister_v2(own, 4096, 0));
    OK(cu.cuMemAlloc_v2(&at, 8192));
    OK(cu.cuMemcpyHtoD_v2(at, own, 4096));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2(at, own, 4097));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyDtoH_v2(own, at, 4097));
    OK(cu.cuMemFree_v2(at));
    ANSWERS(CU(HOST_MEMORY_ALREADY_REGISTERED), cu.cuMemHostRegister_v2(own + 4000, 4096, 0));
    ANSWERS(CU(HOST_MEMORY_NOT_REGISTERED), cu.cuMemHostUnregister(own + 64));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostUnregister(NULL));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostUnregister(pinned));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemFreeHost(own));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostGetDevicePointer_v2(&at, &at, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostGetDevicePointer_v2(&at, own, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemHostGetFlags(&flags, &flags));
    OK(cu.cuMemHostUnregister(own));
    ANSWERS(CU(HOST_MEMORY_NOT_REGISTERED), cu.cuMemHostUnregister(own));
    OK(cu.cuMemFreeHost(pinned));
}

static void copies(void) {
    CUdeviceptr at = 0;
    char own[64] = "";
    first_context();
    OK(cu.cuMemAlloc_v2(&at, 64));
    OK(cu.cuMemcpyHtoD_v2(at, own, 0));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2(at, own, 65));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2(at + 60, own, 8));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2(NOWHERE, own, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2(at, NULL, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2(at, (void *)(uintptr_t)at, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2((uintptr_t)own, own, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyDtoH_v2(own, at, 65));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyDtoH_v2((void *)(uintptr_t)at, at, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyDtoH_v2(NULL, at, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyDtoD_v2(at, NOWHERE, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyDtoD_v2(at + 32, at, 33));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpy(NOWHERE, (uintptr_t)own, 4));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyAsync(at, NOWHERE + 8, SIZE_MAX, NULL));
    ANSWERS(CU(INVALID_HANDLE), cu.cuMemcpyHtoDAsync_v2(at, own, 4, BOGUS(CUstream)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuMemcpyDtoHAsync_v2(own, at, 4, BOGUS(CUstream)));
    ANSWERS(CU(INVALID_HANDLE), cu.cuMemcpyDtoDAsync_v2(at, at, 4, BOGUS(CUstream)));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemsetD32_v2(at + 2, 0, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemsetD16_v2(at + 1, 0, 1));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemsetD32_v2(at, 0, 17));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemsetD32_v2(at, 0, SIZE_MAX / 2));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemsetD8_v2(NOWHERE, 0, 1));
    ANSWERS(CU(INVALID_HANDLE), cu.cuMemsetD8Async(at, 0, 1, BOGUS(CUstream)));
    OK(cu.cuMemFree_v2(at));
    ANSWERS(CU(INVALID_VALUE), cu.cuMemcpyHtoD_v2(at, own, 4));
}

static const char three[] = "devices 3\nfail cuInit 0 0\n";

int main(int argc, char **argv) {
    static const struct child_test tests[] = {
        {"before init", before_init, "", NULL},
        {"init fails", init_fails, "fail cuInit 0 804\n", NULL},
        {"no device", init_says_100, "fail cuInit 0 100\n", NULL},
        {"after fork", after_fork, "", NULL},
        {"devices", devices, "devices 2\n", NULL},
        {"hidden by nothing", nothing_visible, three, ""},
        {"hidden by -1", nothing_visible, three, "-1"},
        {"hidden by two of one", nothing_visible, three, "1,1"},
        {"hidden by an unknown UUID", nothing_visible, three, "GPU-00"},
        {"visible by number", visible_by_number, three, "1,0,7,2"},
        {"visible by UUID", visible_by_uuid, three, "GPU-3334"},
        {"contexts", contexts, "", NULL},
        {"without a context", without_a_context, "", NULL},
        {"work without a context", no_context_to_work_in, "", NULL},
        {"peers", peers, "devices 2\npeer 0 1\npeercopies 0\n", NULL},
        {"memory", memory, "device 0 memory 1048576\n", NULL},
        {"memory of the host", host_memory, "", NULL},
        {"copies", copies, "", NULL},
    };
    if (argc < 2)
        return 99;
    return children_run(argv[1], tests, sizeof tests / sizeof tests[0]) == 0 ? 0 : 1;
}
