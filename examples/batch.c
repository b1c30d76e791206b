/* SPDX-License-Identifier: MIT */
/* Adds one vector to another a hundred times: in one batch, and twice more by a recording of it. */
#include <hwa/hwa.h>
#include <stdio.h>
#include <stdlib.h>

static hwa_error_t error;

static void check(hwa_status_t status) {
    if (status != HWA_OK) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
}

static hwa_buffer_t *vector(hwa_queue_t *queue, const float *values, uint64_t size) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = size;
    hwa_buffer_t *buffer;
    check(hwa_buffer_create(queue, &desc, &buffer, &error));
    check(hwa_buffer_write(buffer, 0, values, size, NULL, &error));
    return buffer;
}

int main(void) {
    float ones[4] = {1, 1, 1, 1}, sums[4] = {0};
    hwa_system_t *system;
    hwa_queue_t *queue = NULL;
    hwa_program_t *add, *recording;
    hwa_status_t status = HWA_ERROR_UNAVAILABLE;
    check(hwa_detect(NULL, &system, &error));
    const hwa_device_t *device;
    for (uint32_t i = 0; !queue && (device = hwa_system_device(system, i)) != NULL; i++)
        status = hwa_queue_open(device, NULL, &queue, &error);
    check(status);
    const hwa_attr_t length = {.key = "n", .type = HWA_ATTR_INT, .i = 4};
    check(hwa_program_from_op(queue, "axpby", &length, 1, &add, &error));
    hwa_buffer_t *x = vector(queue, ones, sizeof ones), *y = vector(queue, sums, sizeof sums);

    const hwa_arg_t args[] = {{.buffer = x}, {.buffer = y}, {.buffer = y}}; /* y = x + y */
    hwa_launch_item_t items[100];
    for (int i = 0; i < 100; i++)
        items[i] = (hwa_launch_item_t){.program = add, .args = args, .arg_count = 3};
    check(hwa_launch_many(queue, items, 100, NULL, &error));
    check(hwa_program_from_launches(queue, items, 100, &recording, &error));
    for (int i = 0; i < 2; i++)
        check(hwa_launch(queue, recording, NULL, 0, NULL, NULL, &error));

    check(hwa_buffer_read(y, 0, sums, sizeof sums, NULL, &error));
    printf("%g %g %g %g\n", sums[0], sums[1], sums[2], sums[3]);
    hwa_program_free(recording), hwa_program_free(add);
    hwa_buffer_free(x), hwa_buffer_free(y);
    hwa_queue_free(queue), hwa_system_free(system);
    return 0;
}
