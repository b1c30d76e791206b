/* SPDX-License-Identifier: MIT */
/* T15: memory of the device handed on by DLPack: to the driver itself, to another queue, and back.
 */
#include "check.h"

#define HWA_DLPACK_TYPES
#include <hwa/dlpack.h>

#include <stdlib.h>
#include <string.h>

enum { COUNT = 1 << 16 };

static hwa_arg_t tensor_of(hwa_buffer_t *buffer) {
    const hwa_arg_t tensor = {
        .buffer = buffer, .dtype = HWA_DTYPE_F32, .size_bytes = COUNT * sizeof(float)};
    return tensor;
}

/* What a consumer that knows nothing of us would read. */
static void read_raw(const DLTensor *tensor, float *into) {
    CUcontext context = NULL;
    CUdevice device = 0;
    const CUdeviceptr from = (CUdeviceptr)(uintptr_t)tensor->data + tensor->byte_offset;
    const int good = raw.cuDeviceGet(&device, tensor->device.device_id) == CUDA_SUCCESS &&
                     raw.cuDevicePrimaryCtxRetain(&context, device) == CUDA_SUCCESS &&
                     raw.cuCtxSetCurrent(context) == CUDA_SUCCESS &&
                     raw.cuMemcpyDtoH_v2(into, from, COUNT * sizeof(float)) == CUDA_SUCCESS;
    row("a tensor of ours, read by the driver's own call", VERDICT(good), "device %d",
        tensor->device.device_id);
}

/* c = a + a, where a came in as a tensor. */
static void doubled(hwa_queue_t *queue, const hwa_arg_t *view, float *into) {
    const uint32_t count = COUNT;
    hwa_program_t *program =
        build(queue, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "add", NULL);
    hwa_buffer_t *sum = make_buffer(queue, COUNT * sizeof(float));
    if (program == NULL)
        give_up("hwa_program_from_kernel");
    const hwa_arg_t args[] = {
        *view, *view, {.buffer = sum}, {.data = &count, .size_bytes = sizeof count}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = COUNT / 256;
    shape.group[0] = 256;
    NEED(hwa_launch(queue, program, args, 4, &shape, NULL, &error));
    NEED(hwa_buffer_read(sum, 0, into, COUNT * sizeof(float), NULL, &error));
    hwa_buffer_free(sum);
    hwa_program_free(program);
}

void check_tensors(void) {
    static float data[COUNT], seen[COUNT], sums[COUNT];
    hwa_queue_t *producer = open_queue(), *consumer = open_queue();
    hwa_buffer_t *buffer = make_buffer(producer, sizeof data), *taken = NULL;
    DLManagedTensorVersioned *managed = NULL;
    const hwa_arg_t tensor = tensor_of(buffer);
    hwa_arg_t view;
    memset(&view, 0, sizeof view);
    for (int i = 0; i < COUNT; ++i)
        data[i] = (float)rand() / 1e6f;
    /* Exported while the write is under way: that waits for it. */
    hwa_event_t *written = NULL;
    NEED(hwa_buffer_write(buffer, 0, data, sizeof data, &written, &error));
    NEED(hwa_buffer_to_dlpack(&tensor, &managed, &error));
    hwa_event_free(written);
    const uint64_t address = hwa_buffer_native(buffer);
    const DLTensor *const inside = &managed->dl_tensor;
    row("a buffer as a tensor of CUDA, at its own address",
        VERDICT(inside->device.device_type == kDLCUDA && inside->ndim == 1 &&
                inside->shape[0] == COUNT &&
                (uintptr_t)inside->data + inside->byte_offset == address),
        "device type %d", inside->device.device_type);
    read_raw(inside, seen);
    row("it holds what was written", VERDICT(memcmp(seen, data, sizeof data) == 0), "-");
    hwa_buffer_free(buffer); /* the tensor keeps the memory */
    NEED(hwa_buffer_from_dlpack(consumer, managed, &taken, &view, &error));
    row("taken in by another queue without a copy",
        VERDICT(hwa_buffer_native(taken) + view.offset == address), "-");
    doubled(consumer, &view, sums);
    int good = 1;
    for (int i = 0; i < COUNT; ++i)
        good &= sums[i] == data[i] + data[i];
    row("a kernel there finds it so", VERDICT(good), "%d elements", COUNT);
    hwa_buffer_free(taken);
    hwa_queue_free(consumer);
    hwa_queue_free(producer);
}
