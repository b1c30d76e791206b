/* SPDX-License-Identifier: MIT */
/* Multiplies two matrices on the best device, by the best library at hand. */
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

static hwa_queue_t *open_best(const hwa_system_t *system) {
    hwa_queue_t *queue = NULL;
    hwa_status_t status = HWA_ERROR_UNAVAILABLE;
    const hwa_device_t *device;
    for (uint32_t i = 0; !queue && (device = hwa_system_device(system, i)) != NULL; i++)
        status = hwa_queue_open(device, NULL, &queue, &error);
    check(status);
    return queue;
}

static hwa_buffer_t *matrix(hwa_queue_t *queue, const float *values, uint64_t size) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = size;
    hwa_buffer_t *buffer;
    check(hwa_buffer_create(queue, &desc, &buffer, &error));
    check(hwa_buffer_write(buffer, 0, values, size, NULL, &error));
    return buffer;
}

int main(void) {
    const float a[2][3] = {{1, 2, 3}, {4, 5, 6}}, b[3][2] = {{1, 0}, {0, 1}, {1, 1}};
    float c[2][2] = {{0}};
    hwa_system_t *system;
    hwa_program_t *gemm;
    check(hwa_detect(NULL, &system, &error));
    hwa_queue_t *queue = open_best(system);
    const hwa_attr_t shape[] = {{.key = "m", .type = HWA_ATTR_INT, .i = 2},
                                {.key = "n", .type = HWA_ATTR_INT, .i = 2},
                                {.key = "k", .type = HWA_ATTR_INT, .i = 3}};
    check(hwa_program_from_op(queue, "gemm", shape, 3, &gemm, &error));
    hwa_arg_t args[] = {{.buffer = matrix(queue, a[0], sizeof a)},
                        {.buffer = matrix(queue, b[0], sizeof b)},
                        {.buffer = matrix(queue, c[0], sizeof c)}};
    check(hwa_launch(queue, gemm, args, 3, NULL, NULL, &error));
    check(hwa_buffer_read(args[2].buffer, 0, c, sizeof c, NULL, &error));
    printf("%g %g\n%g %g\n", c[0][0], c[0][1], c[1][0], c[1][1]);
    for (int i = 0; i < 3; i++)
        hwa_buffer_free(args[i].buffer);
    hwa_program_free(gemm);
    hwa_queue_free(queue);
    hwa_system_free(system);
    return 0;
}
