/* SPDX-License-Identifier: MIT */
/* Memory of the fake CUDA driver: a registry of every address, with guards around what is on a
   device. */
#include "cuda_fake.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { GUARD = 512, MAPPED_FROM = 1 << 20, GARBAGE = 0xcb, FENCE = 0xfd };

static struct memory *memories; /* by address */
static size_t count, room;

/* How many begin at or below an address. */
static size_t below(uintptr_t address) {
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (memories[middle].base <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct memory *memory_at(uintptr_t address) {
    const size_t at = below(address);
    if (at == 0 || address - memories[at - 1].base > memories[at - 1].size)
        return NULL;
    return &memories[at - 1];
}

void memory_add(const struct memory *memory) {
    if (count == room) {
        room = room == 0 ? 64 : 2 * room;
        memories = realloc(memories, room * sizeof *memories);
        if (memories == NULL)
            abort();
    }
    const size_t at = below(memory->base);
    memmove(memories + at + 1, memories + at, (count - at) * sizeof *memories);
    memories[at] = *memory;
    ++count;
}

bool memory_whole(const struct memory *memory) {
    if (memory->kind != ON_DEVICE)
        return true;
    const unsigned char *front = (const unsigned char *)memory->base - 64;
    const unsigned char *back = (const unsigned char *)memory->base + memory->size;
    for (int i = 0; i < 64; ++i)
        if (front[i] != FENCE || back[i] != FENCE)
            return false;
    return true;
}

void memory_drop(uintptr_t base) {
    const size_t at = below(base);
    if (at == 0 || memories[at - 1].base != base)
        return;
    const struct memory memory = memories[at - 1];
    memmove(memories + at - 1, memories + at, (count - at) * sizeof *memories);
    --count;
    if (memory.kind == ON_DEVICE)
        devices[memory.device].used -= memory.size;
    if (memory.pool != NULL)
        memory.pool->used -= memory.size;
    if (memory.block_size != 0)
        munmap(memory.block, memory.block_size);
    else
        free(memory.block);
}

void memory_end(CUcontext context) {
    for (size_t i = count; i-- > 0;)
        if (memories[i].context == context)
            memory_drop(memories[i].base);
}

void memory_drop_module(const void *library) {
    for (size_t i = count; i-- > 0;)
        if (memories[i].kind == OF_MODULE && memories[i].library == library)
            memory_drop(memories[i].base);
}

/* Pages that nobody has written take no memory, so a device may have more than the machine. */
static void *take(size_t bytes, size_t *mapped) {
    *mapped = 0;
    if (bytes < MAPPED_FROM)
        return aligned_alloc(GUARD, bytes);
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (block == MAP_FAILED)
        return NULL;
    *mapped = bytes;
    return block;
}

CUresult memory_make(CUcontext context, size_t size, CUmemoryPool pool, CUdeviceptr *into) {
    const int index = pool != NULL ? pool->device : context->device;
    struct device *device = &devices[index];
    if (size > device->memory - device->used)
        return CUDA_ERROR_OUT_OF_MEMORY;
    const size_t bytes = GUARD + (size + 2 * GUARD - 1) / GUARD * GUARD;
    struct memory memory = {0, size, ON_DEVICE, index, context, pool, 0, NULL, 0, false, NULL};
    memory.block = take(bytes, &memory.block_size);
    if (memory.block == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    memory.base = (uintptr_t)memory.block + GUARD;
    memset((char *)memory.base - 64, FENCE, 64);
    memset((char *)memory.base + size, FENCE, 64);
    if (memory.block_size == 0)
        memset((char *)memory.base, GARBAGE, size);
    device->used += size;
    if (pool != NULL) {
        pool->used += size;
        pool->used_high = pool->used > pool->used_high ? pool->used : pool->used_high;
        pool->reserved_high = pool->used_high;
    }
    memory_add(&memory);
    *into = memory.base;
    return CUDA_SUCCESS;
}

size_t memory_locked(uintptr_t address, size_t size) {
    size_t locked = 0;
    for (size_t i = 0; i < count; ++i) {
        const uintptr_t start = memories[i].base > address ? memories[i].base : address;
        const uintptr_t end = memories[i].base + memories[i].size;
        const uintptr_t stop = end < address + size ? end : address + size;
        if ((memories[i].kind == PINNED || memories[i].kind == REGISTERED) && start < stop)
            locked += stop - start;
    }
    return locked;
}

/* Memory of another device takes peer access; that of another context of the device does not. */
bool memory_reached(CUcontext context, const struct memory *memory) {
    if (memory->kind == PINNED || memory->kind == REGISTERED || memory->device == context->device)
        return true;
    const unsigned by_pool = memory->pool != NULL ? memory->pool->access : 0;
    return (by_pool >> context->device & 1u) != 0 || (context->peers >> memory->device & 1u) != 0;
}

CUresult memory_usable(CUcontext context, CUdeviceptr address, size_t size) {
    const struct memory *memory = memory_at((uintptr_t)address);
    if (memory == NULL || memory->going || size > memory->base + memory->size - (uintptr_t)address)
        return CUDA_ERROR_INVALID_VALUE;
    return memory_reached(context, memory) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUresult cuMemGetInfo_v2(size_t *free, size_t *total) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(free != NULL && total != NULL, CUDA_ERROR_INVALID_VALUE);
    const struct device *device = &devices[context_current()->device];
    *total = device->memory;
    *free = device->memory - device->used;
    END(CUDA_SUCCESS);
}

CUresult cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(dptr != NULL && bytesize > 0, CUDA_ERROR_INVALID_VALUE);
    END(memory_make(context_current(), bytesize, NULL, dptr));
}

/* As documented, it may let everything of the context end first, but for memory of a pool. */
CUresult cuMemFree_v2(CUdeviceptr dptr) {
    BEGIN(NEEDS_CONTEXT);
    if (dptr == 0)
        END(CUDA_SUCCESS);
    const struct memory *memory = memory_at((uintptr_t)dptr);
    REFUSE_UNLESS(memory != NULL && memory->base == dptr && memory->kind == ON_DEVICE &&
                      !memory->going,
                  CUDA_ERROR_INVALID_VALUE);
    if (memory->pool == NULL)
        TRY(context_finish(memory->context));
    memory_drop((uintptr_t)dptr);
    END(CUDA_SUCCESS);
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *pbase, size_t *psize, CUdeviceptr dptr) {
    BEGIN(NEEDS_CONTEXT);
    const struct memory *memory = memory_at((uintptr_t)dptr);
    REFUSE_UNLESS(memory != NULL && dptr < memory->base + memory->size, CUDA_ERROR_NOT_FOUND);
    if (pbase != NULL)
        *pbase = memory->base;
    if (psize != NULL)
        *psize = memory->size;
    END(CUDA_SUCCESS);
}

/* ---- Memory of the host ---------------------------------------------------------------------- */

CUresult cuMemHostAlloc(void **pp, size_t bytesize, unsigned int Flags) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(pp != NULL && bytesize > 0 && Flags <= 7, CUDA_ERROR_INVALID_VALUE);
    struct memory memory = {
        0, bytesize, PINNED, context_current()->device, context_current(), NULL, Flags, NULL,
        0, false,    NULL};
    memory.block = take((bytesize + GUARD - 1) / GUARD * GUARD, &memory.block_size);
    REFUSE_UNLESS(memory.block != NULL, CUDA_ERROR_OUT_OF_MEMORY);
    memory.base = (uintptr_t)memory.block;
    memory_add(&memory);
    *pp = memory.block;
    END(CUDA_SUCCESS);
}

CUresult cuMemAllocHost_v2(void **pp, size_t bytesize) {
    return cuMemHostAlloc(pp, bytesize, 0);
}

CUresult cuMemFreeHost(void *p) {
    BEGIN(NEEDS_CONTEXT);
    const struct memory *memory = memory_at((uintptr_t)p);
    REFUSE_UNLESS(memory != NULL && memory->base == (uintptr_t)p && memory->kind == PINNED,
                  CUDA_ERROR_INVALID_VALUE);
    TRY(context_finish(memory->context));
    memory_drop((uintptr_t)p);
    END(CUDA_SUCCESS);
}

CUresult cuMemHostRegister_v2(void *p, size_t bytesize, unsigned int Flags) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(p != NULL && bytesize > 0 && Flags <= 15, CUDA_ERROR_INVALID_VALUE);
    const struct device *device = &devices[context_current()->device];
    REFUSE_UNLESS(device->attributes[99] != 0, CUDA_ERROR_NOT_SUPPORTED);
    REFUSE_UNLESS((Flags & CU_MEMHOSTREGISTER_READ_ONLY) == 0 || device->attributes[113] != 0,
                  CUDA_ERROR_NOT_SUPPORTED);
    const uintptr_t first = (uintptr_t)p;
    for (size_t i = 0; i < count; ++i)
        REFUSE_UNLESS(first >= memories[i].base + memories[i].size ||
                          first + bytesize <= memories[i].base,
                      memories[i].kind == ON_DEVICE ? CUDA_ERROR_INVALID_VALUE
                                                    : CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    const struct memory memory = {first,
                                  bytesize,
                                  REGISTERED,
                                  context_current()->device,
                                  context_current(),
                                  NULL,
                                  Flags,
                                  NULL,
                                  0,
                                  false,
                                  NULL};
    memory_add(&memory);
    END(CUDA_SUCCESS);
}

CUresult cuMemHostRegister(void *p, size_t bytesize, unsigned int Flags) {
    return cuMemHostRegister_v2(p, bytesize, Flags);
}

CUresult cuMemHostUnregister(void *p) {
    BEGIN(NEEDS_CONTEXT);
    const struct memory *memory = memory_at((uintptr_t)p);
    REFUSE_UNLESS(p != NULL && (memory == NULL || memory->kind == REGISTERED),
                  CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(memory != NULL && memory->base == (uintptr_t)p,
                  CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
    TRY(context_finish(memory->context));
    memory_drop((uintptr_t)p);
    END(CUDA_SUCCESS);
}

static const struct memory *host_memory(const void *p) {
    const struct memory *memory = memory_at((uintptr_t)p);
    return memory != NULL && (memory->kind == PINNED || memory->kind == REGISTERED) ? memory : NULL;
}

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *pdptr, void *p, unsigned int Flags) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(pdptr != NULL && Flags == 0 && host_memory(p) != NULL, CUDA_ERROR_INVALID_VALUE);
    *pdptr = (uintptr_t)p;
    END(CUDA_SUCCESS);
}

CUresult cuMemHostGetFlags(unsigned int *pFlags, void *p) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(pFlags != NULL && host_memory(p) != NULL, CUDA_ERROR_INVALID_VALUE);
    *pFlags = host_memory(p)->flags | CU_MEMHOSTALLOC_DEVICEMAP;
    END(CUDA_SUCCESS);
}
