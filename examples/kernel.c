/* SPDX-License-Identifier: MIT */
/* Adds two vectors by a kernel of one's own, in C for the CPU and OpenCL C for all else. */
#include <hwa/hwa.h>
#include <stdio.h>
#include <string.h>

static int32_t add(void *user, const hwa_host_call_t *call) {
    (void)user;
    const float *a = call->args[0], *b = call->args[1];
    float *c = call->args[2];
    c[call->group[0]] = a[call->group[0]] + b[call->group[0]];
    return 0;
}

static const char source[] = "kernel void add(global const float *a, global const float *b,\n"
                             "                global float *c) {\n"
                             "    size_t i = get_global_id(0);\n"
                             "    c[i] = a[i] + b[i];\n"
                             "}\n";

int main(void) {
    float data[3][4] = {{1, 2, 3, 4}, {10, 20, 30, 40}, {0}};
    hwa_error_t error;
    hwa_system_t *system = NULL;
    hwa_queue_t *queue = NULL;
    hwa_program_t *program = NULL;
    hwa_arg_t args[3] = {{0}};
    hwa_kernel_desc_t host = HWA_INIT(hwa_kernel_desc_t), opencl = HWA_INIT(hwa_kernel_desc_t);
    host.code_kind = HWA_CODE_HOST, host.host = add;
    opencl.code_kind = HWA_CODE_OPENCL_C, opencl.entry = "add";
    opencl.code = source, opencl.code_bytes = strlen(source);
    const hwa_kernel_desc_t *variants[] = {&host, &opencl};
    hwa_status_t status = hwa_detect(NULL, &system, &error);
    const hwa_device_t *device;
    for (uint32_t i = 0; !queue && (device = hwa_system_device(system, i)) != NULL; i++)
        status = hwa_queue_open(device, NULL, &queue, &error); /* the best that opens */
    if (status == HWA_OK)
        status = hwa_program_from_kernel(queue, variants, 2, &program, &error);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = sizeof data[0];
    for (int i = 0; i < 3 && status == HWA_OK; i++)
        if ((status = hwa_buffer_create(queue, &desc, &args[i].buffer, &error)) == HWA_OK)
            status = hwa_buffer_write(args[i].buffer, 0, data[i], sizeof data[i], NULL, &error);
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = 4;
    if (status == HWA_OK)
        status = hwa_launch(queue, program, args, 3, &shape, NULL, &error);
    if (status == HWA_OK)
        status = hwa_buffer_read(args[2].buffer, 0, data[2], sizeof data[2], NULL, &error);
    if (status == HWA_OK)
        printf("%g %g %g %g\n", data[2][0], data[2][1], data[2][2], data[2][3]);
    else
        fprintf(stderr, "%s\n", error.message);
    for (int i = 0; i < 3; i++)
        hwa_buffer_free(args[i].buffer);
    hwa_program_free(program), hwa_queue_free(queue), hwa_system_free(system);
    return status == HWA_OK ? 0 : 1;
}
