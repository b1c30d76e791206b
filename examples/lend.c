/* SPDX-License-Identifier: MIT */
/* Fills a buffer by its address, lends it as a DLPack tensor, and takes such a tensor back. */
#define HWA_DLPACK_TYPES
#include <hwa/dlpack.h>
#include <stdio.h>
#include <stdlib.h>

static hwa_error_t error;

static void check(hwa_status_t status) {
    if (status != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

int main(void) {
    hwa_system_t *system;
    hwa_queue_t *queue;
    hwa_buffer_t *buffer, *borrowed;
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "cpu";
    check(hwa_detect(NULL, &system, &error));
    check(hwa_queue_open(hwa_system_find_device(system, "cpu-0"), &options, &queue, &error));

    void *address;
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 6 * sizeof(float), desc.flags = HWA_BUFFER_HOST_VISIBLE;
    check(hwa_buffer_create(queue, &desc, &buffer, &error));
    check(hwa_buffer_map(buffer, &address, &error)); /* waits for the work so far */
    for (int i = 0; i < 6; i++)
        ((float *)address)[i] = (float)i;
    check(hwa_buffer_unmap(buffer, &error)); /* and the queue may use it again */

    const int64_t shape[] = {2, 3};
    const hwa_arg_t matrix = {.buffer = buffer, .dtype = HWA_DTYPE_F32, .shape = shape, .rank = 2};
    DLManagedTensorVersioned *tensor;
    check(hwa_buffer_to_dlpack(&matrix, &tensor, &error));
    hwa_buffer_free(buffer); /* the tensor keeps the memory */

    hwa_arg_t view;
    check(hwa_buffer_from_dlpack(queue, tensor, &borrowed, &view, &error));
    float last;
    check(
        hwa_buffer_read(borrowed, view.offset + 5 * sizeof last, &last, sizeof last, NULL, &error));
    printf("%d by %d, the last is %g\n", (int)view.shape[0], (int)view.shape[1], last);
    hwa_buffer_free(borrowed); /* calls the tensor's deleter */
    hwa_queue_free(queue), hwa_system_free(system);
    return 0;
}
