/* SPDX-License-Identifier: MIT */
/* Launches of the fake CUDA driver: what it checks before a kernel is put into a stream. */
#include "cuda_fake.h"

#include <stdlib.h>
#include <string.h>

/* Packs what was given one by one, or as one block. */
static CUresult take_params(struct launch *launch, void **params, void **extra) {
    const struct fake_kernel *kernel = launch->function->kernel;
    const void *block = NULL;
    size_t block_bytes = 0;
    for (; extra != NULL && *extra != CU_LAUNCH_PARAM_END; extra += 2) {
        if (extra[0] == CU_LAUNCH_PARAM_BUFFER_POINTER)
            block = extra[1];
        else if (extra[0] == CU_LAUNCH_PARAM_BUFFER_SIZE)
            block_bytes = *(const size_t *)extra[1];
        else
            return CUDA_ERROR_INVALID_VALUE;
    }
    if ((params != NULL && block != NULL) ||
        (kernel->params > 0 && params == NULL && block == NULL) ||
        (block != NULL && block_bytes < kernel->bytes))
        return CUDA_ERROR_INVALID_VALUE;
    launch->params = malloc(kernel->bytes + 1);
    if (launch->params == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    if (block != NULL)
        memcpy(launch->params, block, kernel->bytes);
    else
        for (unsigned i = 0; i < kernel->params; ++i)
            memcpy((char *)launch->params + kernel->offsets[i], params[i], kernel->sizes[i]);
    return CUDA_SUCCESS;
}

CUresult launch_check(struct launch *launch, void **params, void **extra) {
    if (!function_good(launch->function))
        return CUDA_ERROR_INVALID_HANDLE;
    const CUfunction function = launch->function;
    const int *limits = devices[function->module->context->device].attributes;
    uint64_t threads = 1;
    for (int i = 0; i < 3; ++i) {
        if (launch->block[i] == 0 || launch->block[i] > (unsigned)limits[2 + i] ||
            launch->grid[i] == 0 || launch->grid[i] > (unsigned)limits[5 + i])
            return CUDA_ERROR_INVALID_VALUE;
        threads *= launch->block[i];
    }
    if (threads > (unsigned)limits[1] || launch->shared > (unsigned)function->dynamic_shared ||
        launch->shared + (unsigned)function->static_shared > (unsigned)limits[97])
        return CUDA_ERROR_INVALID_VALUE;
    /* More than 48 KiB of all take the attribute that allows for them. */
    if (function->dynamic_shared <= limits[8] &&
        launch->shared + (unsigned)function->static_shared > (unsigned)limits[8])
        return CUDA_ERROR_INVALID_VALUE;
    if (threads > function->kernel->max_threads)
        return CUDA_ERROR_INVALID_VALUE;
    return take_params(launch, params, extra);
}

static CUresult put(struct launch launch, CUstream handle, void **params, void **extra) {
    const CUstream stream = stream_of(handle);
    if (stream == NULL)
        return CUDA_ERROR_INVALID_HANDLE;
    const CUresult checked = launch_check(&launch, params, extra);
    if (checked != CUDA_SUCCESS)
        return checked;
    if (launch.function->module->context != stream->context) {
        free(launch.params);
        return CUDA_ERROR_INVALID_HANDLE;
    }
    const struct work work = {.kind = KERNEL, .launch = launch};
    const CUresult result = stream_put(stream, &work);
    if (result != CUDA_SUCCESS)
        free(launch.params);
    return result;
}

#define LAUNCH_KERNEL                                                                              \
    CUresult cuLaunchKernel(CUfunction f, unsigned int gridDimX, unsigned int gridDimY,            \
                            unsigned int gridDimZ, unsigned int blockDimX, unsigned int blockDimY, \
                            unsigned int blockDimZ, unsigned int sharedMemBytes, CUstream hStream, \
                            void **kernelParams, void **extra)

LAUNCH_KERNEL {
    BEGIN(NEEDS_CONTEXT);
    const struct launch launch = {
        f, {gridDimX, gridDimY, gridDimZ}, {blockDimX, blockDimY, blockDimZ}, sharedMemBytes, NULL};
    END(put(launch, hStream, kernelParams, extra));
}

CUresult cuLaunchKernelEx(const CUlaunchConfig *config, CUfunction f, void **kernelParams,
                          void **extra) {
    BEGIN(NEEDS_CONTEXT);
    REFUSE_UNLESS(config != NULL, CUDA_ERROR_INVALID_VALUE);
    /* No attribute of a launch has a meaning here. */
    REFUSE_UNLESS(config->numAttrs == 0, CUDA_ERROR_NOT_SUPPORTED);
    const struct launch launch = {f,
                                  {config->gridDimX, config->gridDimY, config->gridDimZ},
                                  {config->blockDimX, config->blockDimY, config->blockDimZ},
                                  config->sharedMemBytes,
                                  NULL};
    END(put(launch, config->hStream, kernelParams, extra));
}
