/* SPDX-License-Identifier: MIT */
/* Pools of the fake CUDA driver, memory in the order of a stream, and what a pointer is. */
#include "cuda_fake.h"

#include <stdlib.h>
#include <string.h>

static CUmemoryPool pool_make(int device, bool given) {
    CUmemoryPool pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        abort();
    pool->magic = POOL;
    pool->device = device;
    pool->given = given;
    pool->access = 1u << device;
    return pool;
}

static bool pools_supported(int device) {
    return devices[device].attributes[115] != 0;
}

static CUresult default_pool(CUmemoryPool *pool, CUdevice dev) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pool != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(dev >= 1 && dev <= device_count, CUDA_ERROR_INVALID_DEVICE);
    REFUSE_UNLESS(pools_supported(dev - 1), CUDA_ERROR_NOT_SUPPORTED);
    struct device *device = &devices[dev - 1];
    if (device->pool == NULL)
        device->pool = pool_make(dev - 1, true);
    *pool = device->pool;
    END(CUDA_SUCCESS);
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool_out, CUdevice dev) {
    return default_pool(pool_out, dev);
}

CUresult cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice dev) {
    return default_pool(pool, dev);
}

CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *poolProps) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pool != NULL && poolProps != NULL &&
                      poolProps->allocType == CU_MEM_ALLOCATION_TYPE_PINNED &&
                      poolProps->location.type == CU_MEM_LOCATION_TYPE_DEVICE,
                  CUDA_ERROR_INVALID_VALUE);
    for (size_t i = 0; i < sizeof poolProps->reserved; ++i)
        REFUSE_UNLESS(poolProps->reserved[i] == 0, CUDA_ERROR_INVALID_VALUE);
    const int device = poolProps->location.id;
    REFUSE_UNLESS(device >= 1 && device <= device_count, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(pools_supported(device - 1), CUDA_ERROR_NOT_SUPPORTED);
    REFUSE_UNLESS(poolProps->handleTypes == CU_MEM_HANDLE_TYPE_NONE, CUDA_ERROR_NOT_SUPPORTED);
    *pool = pool_make(device - 1, false);
    END(CUDA_SUCCESS);
}

static bool pool_good(CUmemoryPool pool) {
    return pool != NULL && pool->magic == POOL;
}

/* What was taken of it stays until it is freed. */
CUresult cuMemPoolDestroy(CUmemoryPool pool) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pool_good(pool) && !pool->given, CUDA_ERROR_INVALID_VALUE);
    pool->magic = 0;
    END(CUDA_SUCCESS);
}

CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t minBytesToKeep) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pool_good(pool), CUDA_ERROR_INVALID_VALUE);
    (void)minBytesToKeep;
    END(CUDA_SUCCESS);
}

static bool pool_value(CUmemoryPool pool, CUmemPool_attribute attr, uint64_t *value) {
    const uint64_t values[] = {[CU_MEMPOOL_ATTR_RELEASE_THRESHOLD] = pool->threshold,
                               [CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT] = pool->used,
                               [CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH] = pool->reserved_high,
                               [CU_MEMPOOL_ATTR_USED_MEM_CURRENT] = pool->used,
                               [CU_MEMPOOL_ATTR_USED_MEM_HIGH] = pool->used_high};
    if ((int)attr < CU_MEMPOOL_ATTR_RELEASE_THRESHOLD || (int)attr > CU_MEMPOOL_ATTR_USED_MEM_HIGH)
        return false;
    *value = values[attr];
    return true;
}

CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void *value) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pool_good(pool) && value != NULL && (int)attr >= 1 && (int)attr <= 8,
                  CUDA_ERROR_INVALID_VALUE);
    uint64_t number = 0;
    if ((int)attr >= CU_MEMPOOL_ATTR_RELEASE_THRESHOLD)
        memcpy(&number, value, sizeof number);
    if (attr == CU_MEMPOOL_ATTR_RELEASE_THRESHOLD)
        pool->threshold = number;
    else /* The counts cannot be set, but for setting the highest ones to 0. */
        REFUSE_UNLESS((int)attr < CU_MEMPOOL_ATTR_RELEASE_THRESHOLD ||
                          (number == 0 && (attr == CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH ||
                                           attr == CU_MEMPOOL_ATTR_USED_MEM_HIGH)),
                      CUDA_ERROR_INVALID_VALUE);
    END(CUDA_SUCCESS);
}

CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attr, void *value) {
    BEGIN(NEEDS_INIT);
    uint64_t number = 0;
    const int reuse = 1;
    REFUSE_UNLESS(pool_good(pool) && value != NULL && (int)attr >= 1, CUDA_ERROR_INVALID_VALUE);
    if ((int)attr < CU_MEMPOOL_ATTR_RELEASE_THRESHOLD)
        memcpy(value, &reuse, sizeof reuse);
    else if (pool_value(pool, attr, &number))
        memcpy(value, &number, sizeof number);
    else
        END(CUDA_ERROR_INVALID_VALUE);
    END(CUDA_SUCCESS);
}

CUresult cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc *map, size_t count) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pool_good(pool) && (map != NULL || count == 0), CUDA_ERROR_INVALID_VALUE);
    for (size_t i = 0; i < count; ++i) {
        const int device = map[i].location.id - 1;
        REFUSE_UNLESS(map[i].location.type == CU_MEM_LOCATION_TYPE_DEVICE && device >= 0 &&
                          device < device_count,
                      CUDA_ERROR_INVALID_VALUE);
        REFUSE_UNLESS(device == pool->device || (devices[device].peers >> pool->device & 1u) != 0,
                      CUDA_ERROR_INVALID_DEVICE);
        /* The device of the pool keeps its own access. */
        REFUSE_UNLESS(device != pool->device || (int)map[i].flags != 0, CUDA_ERROR_INVALID_DEVICE);
        if ((int)map[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE)
            pool->access |= 1u << device;
        else
            pool->access &= ~(1u << device);
    }
    END(CUDA_SUCCESS);
}

static CUresult allocate(CUdeviceptr *dptr, size_t size, CUmemoryPool pool, CUstream handle) {
    const CUstream stream = stream_of(handle);
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    if (dptr == NULL || size == 0 || !pool_good(pool))
        return CUDA_ERROR_INVALID_VALUE;
    if (stream->capture != NULL)
        return CUDA_ERROR_NOT_SUPPORTED;
    return memory_make(stream->context, size, pool, dptr);
}

CUresult cuMemAllocAsync(CUdeviceptr *dptr, size_t bytesize, CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    struct device *device = &devices[context_current()->device];
    REFUSE_UNLESS(pools_supported(context_current()->device), CUDA_ERROR_NOT_SUPPORTED);
    if (device->pool == NULL)
        device->pool = pool_make(context_current()->device, true);
    END(allocate(dptr, bytesize, device->pool, hStream));
}

CUresult cuMemAllocFromPoolAsync(CUdeviceptr *dptr, size_t bytesize, CUmemoryPool pool,
                                 CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    END(allocate(dptr, bytesize, pool, hStream));
}

CUresult cuMemFreeAsync(CUdeviceptr dptr, CUstream hStream) {
    BEGIN(NEEDS_CONTEXT);
    const CUstream stream = stream_of(hStream);
    REFUSE_UNLESS(stream != NULL, CUDA_ERROR_INVALID_HANDLE);
    struct memory *memory = memory_at((uintptr_t)dptr);
    REFUSE_UNLESS(memory != NULL && memory->base == dptr && memory->kind == ON_DEVICE &&
                      !memory->going,
                  CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(stream->capture == NULL, CUDA_ERROR_NOT_SUPPORTED);
    memory->going = true;
    const struct work work = {.kind = FREE, .freed = (uintptr_t)dptr};
    END(stream_put(stream, &work));
}

/* ---- What a pointer is ----------------------------------------------------------------------- */

static CUresult describe(const struct memory *memory, CUpointer_attribute attribute,
                         CUdeviceptr ptr, void *data) {
    const bool on_device = memory->kind == ON_DEVICE || memory->kind == OF_MODULE;
    switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT:
        *(CUcontext *)data = memory->context;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE:
        *(unsigned *)data = on_device ? CU_MEMORYTYPE_DEVICE : CU_MEMORYTYPE_HOST;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER:
        *(CUdeviceptr *)data = ptr;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
        *(void **)data = on_device ? NULL : (void *)(uintptr_t)ptr;
        return on_device ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED:
        *(bool *)data = false;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL:
        *(int *)data = memory->device + 1;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR:
        *(CUdeviceptr *)data = memory->base;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE:
        *(size_t *)data = memory->size;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MAPPED:
        *(bool *)data = true;
        return CUDA_SUCCESS;
    default:
        return CUDA_ERROR_INVALID_VALUE;
    }
}

CUresult cuPointerGetAttribute(void *data, CUpointer_attribute attribute, CUdeviceptr ptr) {
    BEGIN(NEEDS_INIT);
    const struct memory *memory = memory_at((uintptr_t)ptr);
    REFUSE_UNLESS(data != NULL && memory != NULL && ptr < memory->base + memory->size,
                  CUDA_ERROR_INVALID_VALUE);
    END(describe(memory, attribute, ptr, data));
}

static size_t attribute_bytes(CUpointer_attribute attribute) {
    const bool flag =
        attribute == CU_POINTER_ATTRIBUTE_IS_MANAGED || attribute == CU_POINTER_ATTRIBUTE_MAPPED;
    const bool number = attribute == CU_POINTER_ATTRIBUTE_MEMORY_TYPE ||
                        attribute == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL;
    return flag ? sizeof(bool) : number ? sizeof(int) : sizeof(void *);
}

/* Unlike the call for one, it answers 0 for a pointer it does not know. */
CUresult cuPointerGetAttributes(unsigned int numAttributes, CUpointer_attribute *attributes,
                                void **data, CUdeviceptr ptr) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(numAttributes > 0 && attributes != NULL && data != NULL,
                  CUDA_ERROR_INVALID_VALUE);
    const struct memory *memory = memory_at((uintptr_t)ptr);
    const bool known = memory != NULL && ptr < memory->base + memory->size;
    for (unsigned i = 0; i < numAttributes; ++i)
        if (!known || describe(memory, attributes[i], ptr, data[i]) != CUDA_SUCCESS)
            memset(data[i], 0, attribute_bytes(attributes[i]));
    END(CUDA_SUCCESS);
}
