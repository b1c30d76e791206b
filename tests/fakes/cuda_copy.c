/* SPDX-License-Identifier: MIT */
/* Copies and fills of the fake CUDA driver. */
#include "cuda_fake.h"

#include <stdlib.h>
#include <string.h>

/* Memory of the host whose pages stay where they are, so that a device copies while we go on. */
static bool pinned(const void *host, size_t size) {
    return memory_locked((uintptr_t)host, size) == size;
}

/* As documented, memory must be "either entirely registered with CUDA, or not registered at all".
 */
static bool pinned_in_part(const void *host, size_t size) {
    return memory_locked((uintptr_t)host, size) != 0 && !pinned(host, size);
}

/* An address of a device where one of the host belongs. */
static bool on_device(const void *host) {
    const struct memory *memory = memory_at((uintptr_t)host);
    return memory != NULL && memory->kind == ON_DEVICE &&
           (uintptr_t)host < memory->base + memory->size;
}

static CUresult put_copy(CUstream stream, void *to, const void *from, size_t size, bool wait) {
    struct work work = {.kind = COPY, .copy = {to, from, size, NULL}};
    const CUresult result = stream_put(stream, &work);
    return result == CUDA_SUCCESS && wait ? stream_reach(stream, stream->put) : result;
}

/* From pageable memory: it is ours again when the call returns, for what it held was staged. */
static CUresult put_staged(CUstream stream, void *to, const void *from, size_t size) {
    if (stream->capture != NULL)
        return put_copy(stream, to, from, size, false);
    void *staged = malloc(size);
    if (staged == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    memcpy(staged, from, size);
    const struct work work = {.kind = COPY, .copy = {to, staged, size, staged}};
    return stream_put(stream, &work);
}

/* The calls without a stream work in the default one and are over when they return. */
static CUresult to_device(CUdeviceptr to, const void *from, size_t size, CUstream handle,
                          bool wait) {
    const CUstream stream = stream_of(handle);
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    if (size == 0)
        return CUDA_SUCCESS;
    if (from == NULL || on_device(from) || pinned_in_part(from, size))
        return CUDA_ERROR_INVALID_VALUE;
    const CUresult usable = memory_usable(stream->context, to, size);
    if (usable != CUDA_SUCCESS)
        return usable;
    void *target = (void *)(uintptr_t)to;
    if (wait || pinned(from, size))
        return put_copy(stream, target, from, size, wait);
    return put_staged(stream, target, from, size);
}

/* Into pageable memory the call returns when the copy is over. */
static CUresult to_host(void *to, CUdeviceptr from, size_t size, CUstream handle, bool wait) {
    const CUstream stream = stream_of(handle);
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    if (size == 0)
        return CUDA_SUCCESS;
    if (to == NULL || on_device(to) || pinned_in_part(to, size))
        return CUDA_ERROR_INVALID_VALUE;
    const CUresult usable = memory_usable(stream->context, from, size);
    if (usable != CUDA_SUCCESS)
        return usable;
    wait = wait || (!pinned(to, size) && stream->capture == NULL);
    return put_copy(stream, to, (const void *)(uintptr_t)from, size, wait);
}

static CUresult on_devices(CUdeviceptr to, CUdeviceptr from, size_t size, CUstream handle,
                           bool wait) {
    const CUstream stream = stream_of(handle);
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    if (size == 0)
        return CUDA_SUCCESS;
    CUresult usable = memory_usable(stream->context, to, size);
    if (usable == CUDA_SUCCESS)
        usable = memory_usable(stream->context, from, size);
    if (usable != CUDA_SUCCESS)
        return usable;
    return put_copy(stream, (void *)(uintptr_t)to, (const void *)(uintptr_t)from, size, wait);
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount) {
    BEGIN(NEEDS_CONTEXT);
    END(to_device(dstDevice, srcHost, ByteCount, NULL, true));
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr dstDevice, const void *srcHost, size_t ByteCount,
                              CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    END(to_device(dstDevice, srcHost, ByteCount, hStream, false));
}

CUresult cuMemcpyDtoH_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount) {
    BEGIN(NEEDS_CONTEXT);
    END(to_host(dstHost, srcDevice, ByteCount, NULL, true));
}

CUresult cuMemcpyDtoHAsync_v2(void *dstHost, CUdeviceptr srcDevice, size_t ByteCount,
                              CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    END(to_host(dstHost, srcDevice, ByteCount, hStream, false));
}

CUresult cuMemcpyDtoD_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount) {
    BEGIN(NEEDS_CONTEXT);
    END(on_devices(dstDevice, srcDevice, ByteCount, NULL, false));
}

CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr dstDevice, CUdeviceptr srcDevice, size_t ByteCount,
                              CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    END(on_devices(dstDevice, srcDevice, ByteCount, hStream, false));
}

/* Finds out by the addresses which way it goes. */
static CUresult any_way(CUdeviceptr dst, CUdeviceptr src, size_t size, CUstream handle, bool wait) {
    void *to = (void *)(uintptr_t)dst;
    const void *from = (const void *)(uintptr_t)src;
    const bool to_known = memory_at((uintptr_t)dst) != NULL;
    const bool from_known = memory_at((uintptr_t)src) != NULL;
    if (to_known && from_known)
        return on_devices(dst, src, size, handle, wait);
    if (to_known)
        return to_device(dst, from, size, handle, wait);
    return from_known ? to_host(to, src, size, handle, wait) : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemcpy(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount) {
    BEGIN(NEEDS_CONTEXT);
    END(any_way(dst, src, ByteCount, NULL, true));
}

CUresult cuMemcpyAsync(CUdeviceptr dst, CUdeviceptr src, size_t ByteCount, CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    END(any_way(dst, src, ByteCount, hStream, false));
}

/* Works without peer access too, through the host, unless the scenario says otherwise. */
static CUresult peers(CUcontext to, CUdeviceptr dst, CUcontext from, CUdeviceptr src, size_t size,
                      CUstream stream) {
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!context_good(to) || !context_good(from))
        return CUDA_ERROR_INVALID_CONTEXT;
    if (size == 0)
        return CUDA_SUCCESS;
    const bool near = to->device == from->device || (to->peers >> from->device & 1u) != 0 ||
                      (from->peers >> to->device & 1u) != 0;
    if (!near && !peer_copies)
        return CUDA_ERROR_PEER_ACCESS_UNSUPPORTED;
    CUresult usable = memory_usable(to, dst, size);
    if (usable == CUDA_SUCCESS)
        usable = memory_usable(from, src, size);
    return usable != CUDA_SUCCESS ? usable
                                  : put_copy(stream, (void *)(uintptr_t)dst,
                                             (const void *)(uintptr_t)src, size, false);
}

CUresult cuMemcpyPeerAsync(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
                           CUcontext srcContext, size_t ByteCount, CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    END(peers(dstContext, dstDevice, srcContext, srcDevice, ByteCount, stream_of(hStream)));
}

CUresult cuMemcpyPeer(CUdeviceptr dstDevice, CUcontext dstContext, CUdeviceptr srcDevice,
                      CUcontext srcContext, size_t ByteCount) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = stream_of(NULL);
    const CUresult result = peers(dstContext, dstDevice, srcContext, srcDevice, ByteCount, stream);
    END(result == CUDA_SUCCESS ? stream_reach(stream, stream->put) : result);
}

/* ---- Fills ----------------------------------------------------------------------------------- */

static CUresult fill(CUdeviceptr to, unsigned value, unsigned width, size_t count,
                     CUstream handle) {
    const CUstream stream = stream_of(handle);
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    if (count == 0)
        return CUDA_SUCCESS;
    if (to % width != 0 || count > SIZE_MAX / width)
        return CUDA_ERROR_INVALID_VALUE;
    const CUresult usable = memory_usable(stream->context, to, count * width);
    if (usable != CUDA_SUCCESS)
        return usable;
    const struct work work = {.kind = FILL, .fill = {(void *)(uintptr_t)to, count, width, value}};
    return stream_put(stream, &work);
}

#define FILLS(name, async, type, width)                                                            \
    CUresult name(CUdeviceptr to, type value, size_t N) {                                          \
        BEGIN(NEEDS_CONTEXT);                                                                      \
        END(fill(to, value, width, N, NULL));                                                      \
    }                                                                                              \
    CUresult async(CUdeviceptr to, type value, size_t N, CUstream stream) {                        \
        BEGIN(NEEDS_CONTEXT);                                                                      \
        END(fill(to, value, width, N, stream));                                                    \
    }

FILLS(cuMemsetD8_v2, cuMemsetD8Async, unsigned char, 1)
FILLS(cuMemsetD16_v2, cuMemsetD16Async, unsigned short, 2)
FILLS(cuMemsetD32_v2, cuMemsetD32Async, unsigned int, 4)
