/* SPDX-License-Identifier: MIT */
/* T3: the same kernel from every kind of code, and what is said of bad code. T4: programs that were
   built before. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path, size_t *bytes) {
    FILE *file = fopen(path, "re");
    char *data = malloc(1 << 20);
    if (file == NULL || data == NULL)
        give_up(path);
    *bytes = fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

static int adds(hwa_queue_t *queue, hwa_program_t *program) {
    enum { COUNT = 100000 };
    static float a[COUNT], b[COUNT], c[COUNT];
    const uint32_t count = COUNT;
    for (int i = 0; i < COUNT; ++i) {
        a[i] = (float)rand() / 1e6f;
        b[i] = (float)rand() / 1e6f;
    }
    hwa_buffer_t *buffers[3];
    for (int i = 0; i < 3; ++i)
        buffers[i] = make_buffer(queue, sizeof a);
    NEED(hwa_buffer_write(buffers[0], 0, a, sizeof a, NULL, &error));
    NEED(hwa_buffer_write(buffers[1], 0, b, sizeof b, NULL, &error));
    const hwa_arg_t args[] = {{.buffer = buffers[0]},
                              {.buffer = buffers[1]},
                              {.buffer = buffers[2]},
                              {.data = &count, .size_bytes = sizeof count}};
    hwa_launch_options_t shape = HWA_INIT(hwa_launch_options_t);
    shape.grid[0] = (COUNT + 255) / 256;
    shape.group[0] = 256;
    NEED(hwa_launch(queue, program, args, 4, &shape, NULL, &error));
    NEED(hwa_buffer_read(buffers[2], 0, c, sizeof c, NULL, &error));
    int good = 1;
    for (int i = 0; i < COUNT; ++i)
        good &= c[i] == a[i] + b[i];
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(buffers[i]);
    return good;
}

static void one(hwa_queue_t *queue, const char *what, hwa_code_t kind, const char *code,
                size_t bytes) {
    hwa_program_t *program = build(queue, kind, code, bytes, "add", NULL);
    if (program == NULL) {
        row(what, "FAIL", "%s", error.message);
        return;
    }
    row(what, VERDICT(adds(queue, program)), "-");
    hwa_program_free(program);
}

static void bad(hwa_queue_t *queue, const char *what, hwa_status_t wanted, hwa_code_t kind,
                const char *code, const char *entry) {
    hwa_program_t *program = build(queue, kind, code, strlen(code), entry, NULL);
    row(what, VERDICT(program == NULL && error.status == wanted), "%s (%d)",
        hwa_status_name(error.status), error.code);
    hwa_program_free(program);
}

/* One that was made for this device, and one for another generation. */
static void cubins(hwa_queue_t *queue) {
    const int own = capability_of_device(), other = own / 10 == 8 ? 90 : 80;
    size_t bytes = 0;
    char *cubin = make_cubin(own, &bytes);
    if (cubin == NULL) {
        row("cubin", "not run", "no NVRTC that makes one for sm_%d", own);
        return;
    }
    one(queue, "cubin", HWA_CODE_CUBIN, cubin, bytes);
    free(cubin);
    cubin = make_cubin(other, &bytes);
    if (cubin == NULL) {
        row("cubin of another generation", "not run", "no NVRTC that makes one for sm_%d", other);
        return;
    }
    hwa_program_t *program = build(queue, HWA_CODE_CUBIN, cubin, bytes, "add", NULL);
    row("cubin of another generation",
        VERDICT(program == NULL && error.status == HWA_ERROR_UNSUPPORTED), "%s", error.message);
    hwa_program_free(program);
    free(cubin);
}

void check_programs(void) {
    hwa_queue_t *queue = open_queue();
    size_t bytes = 0;
    char *ptx = read_file(HWA_HARDWARE_DIR "/add.ptx", &bytes);
    ptx[bytes] = '\0';
    one(queue, "CUDA C", HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes);
    one(queue, "PTX, written by hand", HWA_CODE_PTX, ptx, bytes);
    cubins(queue);
    bad(queue, "broken source", HWA_ERROR_BUILD, HWA_CODE_CUDA_C,
        "extern \"C\" __global__ void add() { nonsense; }", "add");
    row("the log names the place", VERDICT(strstr(hwa_queue_build_log(queue), "nonsense") != NULL),
        "-");
    bad(queue, "an entry that is not there", HWA_ERROR_NOT_FOUND, HWA_CODE_CUDA_C, cuda_kernels,
        "absent");
    char *late = strstr(ptx, ".version 6.3");
    memcpy(late, ".version 9.9", strlen(".version 9.9"));
    bad(queue, "PTX of a version to come", HWA_ERROR_UNSUPPORTED, HWA_CODE_PTX, ptx, "add");
    free(ptx);
    hwa_queue_free(queue);
}

/* Run twice by the script, in two processes with one folder. */
void check_cache(void) {
    hwa_queue_t *queue = open_cached(getenv("HWA_HARDWARE_CACHE"));
    const double start = now_s();
    hwa_program_t *program =
        build(queue, HWA_CODE_CUDA_C, cuda_kernels, cuda_kernels_bytes, "add", NULL);
    const double took = now_s() - start;
    if (program == NULL)
        give_up("hwa_program_from_kernel");
    row("build", VERDICT(adds(queue, program)), "%.3f ms", took * 1e3);
    hwa_program_free(program);
    hwa_queue_free(queue);
}
