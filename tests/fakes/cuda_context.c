/* SPDX-License-Identifier: MIT */
/* Contexts of the fake CUDA driver: the primary ones, others, and the stack of each thread. */
#include "cuda_fake.h"

#include <stdlib.h>

enum { DEPTH = 32 };

static CUcontext contexts;
static _Thread_local CUcontext stack[DEPTH];
static _Thread_local int depth;

CUcontext context_current(void) {
    return depth == 0 ? NULL : stack[depth - 1];
}

/* Whether it was ever made here; a primary one lives on while nobody retains it, but is of no use.
 */
static bool context_known(CUcontext context) {
    for (CUcontext at = contexts; at != NULL; at = at->next)
        if (at == context)
            return true;
    return false;
}

bool context_good(CUcontext context) {
    return context_known(context) && context->magic == CONTEXT &&
           (!context->primary || context->retained > 0);
}

CUcontext context_make(int device, unsigned flags, bool primary) {
    CUcontext context = calloc(1, sizeof *context);
    if (context == NULL)
        abort();
    context->magic = CONTEXT;
    context->device = device;
    context->flags = flags;
    context->primary = primary;
    context->limits[0] = 1024;
    context->limits[1] = 1 << 20;
    context->limits[2] = 8 << 20;
    context->next = contexts;
    contexts = context;
    context->legacy = stream_make(context, 0, 0);
    return context;
}

/* What belongs to it goes with it. Its address is never used again, so that old handles are known
   for what they are. */
void context_end(CUcontext context) {
    streams_close(context);
    modules_close(context);
    memory_end(context);
    context->sticky = CUDA_SUCCESS;
    context->peers = 0;
    if (context->primary) {
        context->legacy = stream_make(context, 0, 0);
        return;
    }
    context->magic = 0;
}

static struct device *device_of(CUdevice dev) {
    return dev >= 1 && dev <= device_count ? &devices[dev - 1] : NULL;
}

static bool flags_good(unsigned flags) {
    const unsigned scheduling = flags & CU_CTX_SCHED_MASK;
    return (flags & ~(unsigned)(CU_CTX_SCHED_MASK | CU_CTX_MAP_HOST | CU_CTX_LMEM_RESIZE_TO_MAX)) ==
               0 &&
           (scheduling & (scheduling - 1)) == 0;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *pctx, CUdevice dev) {
    BEGIN(NEEDS_INIT);
    struct device *device = device_of(dev);
    REFUSE_UNLESS(pctx != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_DEVICE);
    if (device->primary == NULL)
        device->primary = context_make(dev - 1, device->primary_flags, true);
    REFUSE_UNLESS(device->primary->sticky == CUDA_SUCCESS, device->primary->sticky);
    ++device->primary->retained;
    device->primary->flags = device->primary_flags;
    *pctx = device->primary;
    END(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice dev) {
    BEGIN(NEEDS_INIT);
    struct device *device = device_of(dev);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_DEVICE);
    REFUSE_UNLESS(device->primary != NULL && device->primary->retained > 0,
                  CUDA_ERROR_INVALID_CONTEXT);
    /* While its work ends, another thread may have come to retain it. */
    if (--device->primary->retained == 0) {
        (void)context_finish(device->primary);
        if (device->primary->retained == 0)
            context_end(device->primary);
    }
    END(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxRelease(CUdevice dev) {
    return cuDevicePrimaryCtxRelease_v2(dev);
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice dev) {
    BEGIN(NEEDS_INIT);
    struct device *device = device_of(dev);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_DEVICE);
    if (device->primary != NULL) {
        (void)context_finish(device->primary);
        context_end(device->primary);
    }
    END(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxReset(CUdevice dev) {
    return cuDevicePrimaryCtxReset_v2(dev);
}

CUresult cuDevicePrimaryCtxGetState(CUdevice dev, unsigned int *flags, int *active) {
    BEGIN(NEEDS_INIT);
    const struct device *device = device_of(dev);
    REFUSE_UNLESS(flags != NULL && active != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_DEVICE);
    *flags = device->primary_flags;
    *active = device->primary != NULL && device->primary->retained > 0;
    END(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice dev, unsigned int flags) {
    BEGIN(NEEDS_INIT);
    struct device *device = device_of(dev);
    REFUSE_UNLESS(flags_good(flags), CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_DEVICE);
    device->primary_flags = flags;
    END(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxSetFlags(CUdevice dev, unsigned int flags) {
    /* Until version 11 this was refused while the context was in use. */
    const struct device *device = device_of(dev);
    if (device != NULL && device->primary != NULL && device->primary->retained > 0)
        return CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE;
    return cuDevicePrimaryCtxSetFlags_v2(dev, flags);
}

CUresult cuCtxCreate_v2(CUcontext *pctx, unsigned int flags, CUdevice dev) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pctx != NULL && flags_good(flags) && depth < DEPTH, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(device_of(dev) != NULL, CUDA_ERROR_INVALID_DEVICE);
    *pctx = context_make(dev - 1, flags, false);
    stack[depth++] = *pctx;
    END(CUDA_SUCCESS);
}

CUresult cuCtxDestroy_v2(CUcontext ctx) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(context_good(ctx), CUDA_ERROR_INVALID_CONTEXT);
    /* A primary context is released, not destroyed. */
    REFUSE_UNLESS(!ctx->primary, CUDA_ERROR_INVALID_CONTEXT);
    if (context_current() == ctx)
        --depth;
    (void)context_finish(ctx);
    context_end(ctx);
    END(CUDA_SUCCESS);
}

CUresult cuCtxSetCurrent(CUcontext ctx) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(ctx == NULL || context_good(ctx), CUDA_ERROR_INVALID_CONTEXT);
    if (depth > 0)
        --depth;
    if (ctx != NULL)
        stack[depth++] = ctx;
    END(CUDA_SUCCESS);
}

CUresult cuCtxGetCurrent(CUcontext *pctx) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(pctx != NULL, CUDA_ERROR_INVALID_VALUE);
    *pctx = context_current();
    END(CUDA_SUCCESS);
}

CUresult cuCtxPushCurrent_v2(CUcontext ctx) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(context_good(ctx), CUDA_ERROR_INVALID_CONTEXT);
    REFUSE_UNLESS(depth < DEPTH, CUDA_ERROR_INVALID_VALUE);
    stack[depth++] = ctx;
    END(CUDA_SUCCESS);
}

CUresult cuCtxPopCurrent_v2(CUcontext *pctx) {
    BEGIN(NEEDS_INIT);
    REFUSE_UNLESS(depth > 0, CUDA_ERROR_INVALID_CONTEXT);
    --depth;
    if (pctx != NULL)
        *pctx = stack[depth];
    END(CUDA_SUCCESS);
}

CUresult cuCtxGetDevice(CUdevice *device) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(device != NULL, CUDA_ERROR_INVALID_VALUE);
    *device = context_current()->device + 1;
    END(CUDA_SUCCESS);
}

CUresult cuCtxGetFlags(unsigned int *flags) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(flags != NULL, CUDA_ERROR_INVALID_VALUE);
    *flags = context_current()->flags;
    END(CUDA_SUCCESS);
}

CUresult cuCtxGetApiVersion(CUcontext ctx, unsigned int *version) {
    BEGIN(NEEDS_INIT);
    if (ctx == NULL)
        ctx = context_current();
    REFUSE_UNLESS(version != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(ctx != NULL && context_good(ctx), CUDA_ERROR_INVALID_CONTEXT);
    *version = 3020;
    END(CUDA_SUCCESS);
}

CUresult cuCtxSynchronize(void) {
    BEGIN(NEEDS_CONTEXT);
    END(context_finish(context_current()));
}

CUresult cuCtxGetStreamPriorityRange(int *leastPriority, int *greatestPriority) {
    BEGIN(NEEDS_CONTEXT);
    if (leastPriority != NULL)
        *leastPriority = 0;
    if (greatestPriority != NULL)
        *greatestPriority = -5;
    END(CUDA_SUCCESS);
}

CUresult cuCtxGetLimit(size_t *pvalue, CUlimit limit) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(pvalue != NULL, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS((unsigned)limit < 3, CUDA_ERROR_UNSUPPORTED_LIMIT);
    *pvalue = context_current()->limits[limit];
    END(CUDA_SUCCESS);
}

CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS((unsigned)limit < 3, CUDA_ERROR_UNSUPPORTED_LIMIT);
    context_current()->limits[limit] = value;
    END(CUDA_SUCCESS);
}

CUresult cuCtxEnablePeerAccess(CUcontext peerContext, unsigned int Flags) {
    BEGIN(NEEDS_CONTEXT);
    CUcontext own = context_current();
    REFUSE_UNLESS(Flags == 0, CUDA_ERROR_INVALID_VALUE);
    REFUSE_UNLESS(context_good(peerContext) && peerContext != own, CUDA_ERROR_INVALID_CONTEXT);
    REFUSE_UNLESS((devices[own->device].peers >> peerContext->device & 1u) != 0,
                  CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
    REFUSE_UNLESS((own->peers >> peerContext->device & 1u) == 0,
                  CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
    own->peers |= 1u << peerContext->device;
    END(CUDA_SUCCESS);
}

CUresult cuCtxDisablePeerAccess(CUcontext peerContext) {
    BEGIN(NEEDS_CONTEXT);
    CUcontext own = context_current();
    REFUSE_UNLESS(context_good(peerContext), CUDA_ERROR_INVALID_CONTEXT);
    REFUSE_UNLESS((own->peers >> peerContext->device & 1u) != 0,
                  CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
    own->peers &= ~(1u << peerContext->device);
    END(CUDA_SUCCESS);
}
