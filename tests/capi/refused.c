/* SPDX-License-Identifier: MIT */
/* One wrong thing at a time. */
#include "refused.h"

#include <stdio.h>
#include <string.h>

#define WRONG(wanted, call)                                                                        \
    do {                                                                                           \
        hwa_error_t error_ = {0}, *error = &error_;                                                \
        if ((call) != (wanted) || error->message[0] == '\0') {                                     \
            printf("line %d: %s: %s\n", __LINE__, #call, error->message);                          \
            return __LINE__;                                                                       \
        }                                                                                          \
    } while (0)

/* One launch: alone, after one that is right in a batch, and in a recording. */
static hwa_status_t launch(const struct launch *right, const hwa_arg_t *args, uint32_t count,
                           const hwa_launch_options_t *options, hwa_error_t *error) {
    const hwa_launch_item_t items[] = {
        {right->program, right->args, right->options, right->arg_count},
        {right->program, args, options, count}};
    hwa_program_t *recorded = NULL;
    const hwa_status_t alone =
        hwa_launch(right->queue, right->program, args, count, options, NULL, error);
    if (right->is_alone)
        return alone;
    const hwa_status_t among = hwa_launch_many(right->queue, items, 2, NULL, error);
    const hwa_status_t kept = hwa_program_from_launches(right->queue, items, 2, &recorded, error);
    return alone == among && among == kept ? alone : HWA_ERROR_INTERNAL;
}

static int launch_wrong_arguments(const struct launch *right) {
    hwa_arg_t args[8];
    memcpy(args, right->args, right->arg_count * sizeof *args);
    const hwa_launch_options_t *as = right->options;
    WRONG(HWA_ERROR_INVALID, launch(right, NULL, 1, as, error));
    WRONG(HWA_ERROR_INVALID, launch(right, args, right->arg_count - 1, as, error));
    WRONG(HWA_ERROR_INVALID, launch(right, args, 1u << 20, as, error));
    args[0].offset = hwa_buffer_size(args[0].buffer);
    WRONG(HWA_ERROR_RANGE, launch(right, args, right->arg_count, as, error));
    args[0].offset = UINT64_MAX;
    WRONG(HWA_ERROR_RANGE, launch(right, args, right->arg_count, as, error));
    args[0].offset = 4;
    args[0].size_bytes = hwa_buffer_size(args[0].buffer) - 3;
    WRONG(HWA_ERROR_RANGE, launch(right, args, right->arg_count, as, error));
    args[0].offset = 1;
    args[0].size_bytes = 1;
    WRONG(HWA_ERROR_INVALID, launch(right, args, right->arg_count, as, error));
    args[0] = (hwa_arg_t){.data = args, .size_bytes = 8};
    WRONG(HWA_ERROR_INVALID, launch(right, args, right->arg_count, as, error));
    args[0] = (hwa_arg_t){.size_bytes = 0};
    WRONG(HWA_ERROR_INVALID, launch(right, args, right->arg_count, as, error));
    return 0;
}

static int launch_wrong_shapes(const struct launch *right) {
    hwa_launch_options_t as = HWA_INIT(hwa_launch_options_t);
    for (int i = 0; i < 3; ++i)
        as.grid[i] = UINT32_MAX;
    WRONG(HWA_ERROR_UNSUPPORTED, launch(right, right->args, right->arg_count, &as, error));
    as = HWA_INIT(hwa_launch_options_t);
    for (int i = 0; i < 3; ++i)
        as.group[i] = 1u << 22; /* 2^66 threads */
    WRONG(HWA_ERROR_UNSUPPORTED, launch(right, right->args, right->arg_count, &as, error));
    as = HWA_INIT(hwa_launch_options_t);
    as.shared_bytes = UINT32_MAX;
    WRONG(HWA_ERROR_UNSUPPORTED, launch(right, right->args, right->arg_count, &as, error));
    as.struct_size = 3;
    WRONG(HWA_ERROR_INVALID, launch(right, right->args, right->arg_count, &as, error));
    return 0;
}

static int copy_wrongly(const struct launch *right) {
    hwa_buffer_t *const buffer = right->args[0].buffer;
    const uint64_t size = hwa_buffer_size(buffer);
    static char data[65536];
    hwa_event_t *event = NULL;
    WRONG(HWA_ERROR_RANGE, hwa_buffer_write(buffer, 1, data, size, NULL, error));
    WRONG(HWA_ERROR_RANGE, hwa_buffer_read(buffer, size, data, 1, &event, error));
    WRONG(HWA_ERROR_RANGE, hwa_buffer_read(buffer, UINT64_MAX, data, 2, &event, error));
    WRONG(HWA_ERROR_INVALID, hwa_buffer_write(buffer, 0, data, 0, &event, error));
    WRONG(HWA_ERROR_INVALID, hwa_buffer_read(buffer, 0, NULL, 1, &event, error));
    WRONG(HWA_ERROR_INVALID, hwa_buffer_copy(buffer, 1, buffer, 0, 2, &event, error));
    WRONG(HWA_ERROR_RANGE, hwa_buffer_copy(buffer, size - 1, buffer, 0, 2, &event, error));
    WRONG(HWA_ERROR_RANGE, hwa_buffer_copy(buffer, 0, buffer, 2, UINT64_MAX, &event, error));
    WRONG(HWA_ERROR_INVALID, hwa_queue_wait(right->queue, NULL, error));
    return 0;
}

static int make_wrongly(const struct launch *right) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    hwa_buffer_t *buffer = NULL;
    WRONG(HWA_ERROR_INVALID, hwa_buffer_create(right->queue, &desc, &buffer, error));
    desc.size_bytes = 1;
    desc.flags = 1u << 31;
    WRONG(HWA_ERROR_UNSUPPORTED, hwa_buffer_create(right->queue, &desc, &buffer, error));
    desc.flags = 0;
    desc.host = &desc;
    desc.native = 1;
    WRONG(HWA_ERROR_INVALID, hwa_buffer_create(right->queue, &desc, &buffer, error));
    desc.native = 0;
    WRONG(HWA_ERROR_INVALID, hwa_buffer_create(right->queue, &desc, NULL, error));
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    const hwa_kernel_desc_t *variants[] = {&kernel};
    hwa_program_t *program = NULL;
    WRONG(HWA_ERROR_INVALID, hwa_program_from_kernel(right->queue, variants, 0, &program, error));
    WRONG(HWA_ERROR_INVALID, hwa_program_from_kernel(right->queue, variants, 1, &program, error));
    kernel.code_kind = HWA_CODE_METALLIB;
    kernel.code = "x";
    kernel.code_bytes = 1;
    WRONG(HWA_ERROR_UNSUPPORTED,
          hwa_program_from_kernel(right->queue, variants, 1, &program, error));
    WRONG(HWA_ERROR_NOT_FOUND,
          hwa_program_from_op(right->queue, "no such thing", NULL, 0, &program, error));
    return 0;
}

int ask_what_is_refused(const struct launch *right) {
    int line = launch_wrong_arguments(right);
    line = line != 0 ? line : launch_wrong_shapes(right);
    line = line != 0 ? line : copy_wrongly(right);
    return line != 0 ? line : make_wrongly(right);
}
