/* SPDX-License-Identifier: MIT */
/* The shim, and a queue with a kernel on the device behind it. */
#include "opencl_set.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static struct folder folder;
static hwa_system_t *the_system;
static void *shim;
const hwa_device_t *device;
unsigned long (*calls)(const char *name);
void (*fault)(const char *call, int nth, int code);
void (*reset)(void);

const char count_source[] = "__kernel void count(__global int *x) { x[0] += 1; }";
const size_t count_source_bytes = sizeof count_source - 1;

static const hwa_device_t *find_device(const hwa_system_t *in) {
    const hwa_device_t *found;
    for (uint32_t i = 0; (found = hwa_system_device(in, i)) != NULL; ++i) {
        hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
        for (uint32_t j = 0; hwa_device_runtime(found, j, &row) == HWA_OK; ++j)
            if (strcmp(row.name, "opencl") == 0 && row.status == HWA_OK)
                return found;
    }
    return NULL;
}

const hwa_device_t *detect(const char *path, hwa_system_t **into) {
    hwa_detect_options_t options = HWA_INIT(hwa_detect_options_t);
    options.library_path = path;
    options.backends = "opencl";
    CHECK(hwa_detect(&options, into, error));
    return find_device(*into);
}

hwa_queue_t *open_on(const hwa_device_t *on, hwa_queue_t *share, uint64_t timeout_ns) {
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "opencl";
    options.cache_dir = "";
    options.share = share;
    options.timeout_ns = timeout_ns;
    hwa_queue_t *queue = NULL;
    CHECK(hwa_queue_open(on, &options, &queue, error));
    return queue;
}

hwa_queue_t *open_queue(void) {
    return open_on(device, NULL, 0);
}

hwa_program_t *build_kernel(hwa_queue_t *queue, const char *source, const char *entry) {
    hwa_kernel_desc_t desc = HWA_INIT(hwa_kernel_desc_t);
    desc.code_kind = HWA_CODE_OPENCL_C;
    desc.code = source;
    desc.code_bytes = strlen(source);
    desc.entry = entry;
    const hwa_kernel_desc_t *const variants[] = {&desc};
    hwa_program_t *program = NULL;
    CHECK(hwa_program_from_kernel(queue, variants, 1, &program, error));
    return program;
}

static hwa_buffer_t *make_buffer(hwa_queue_t *queue) {
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 64;
    hwa_buffer_t *buffer = NULL;
    CHECK(hwa_buffer_create(queue, &desc, &buffer, error));
    static const int zeros[16];
    CHECK(hwa_buffer_write(buffer, 0, zeros, sizeof zeros, NULL, error));
    return buffer;
}

struct set use_set(hwa_queue_t *queue, hwa_program_t *program) {
    return (struct set){queue, program, make_buffer(queue)};
}

struct set make_set(hwa_queue_t *queue) {
    return use_set(queue, build_kernel(queue, count_source, "count"));
}

void free_set(struct set *set) {
    hwa_buffer_free(set->buffer);
    hwa_program_free(set->program);
    hwa_queue_free(set->queue);
}

hwa_status_t launch(const struct set *set, hwa_event_t **event, hwa_error_t *error) {
    const hwa_arg_t arg = {.buffer = set->buffer};
    return hwa_launch(set->queue, set->program, &arg, 1, NULL, event, error);
}

int counted(const struct set *set) {
    int count = -1;
    CHECK(hwa_buffer_read(set->buffer, 0, &count, sizeof count, NULL, error));
    return count;
}

int no_faults(void **state) {
    (void)state;
    reset();
    return 0;
}

void (*shim_function(const char *name))(void) {
    return (void (*)(void))dlsym(shim, name);
}

int shim_open(const char *where) {
    char path[96];
    fakes = where;
    folder = folder_make("");
    folder_put(&folder, "libOpenCL.so.1", "opencl-shim");
    snprintf(path, sizeof path, "%s/libOpenCL.so.1", folder.path);
    shim = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (shim == NULL)
        return 0;
    calls = (unsigned long (*)(const char *))shim_function("shim_calls");
    fault = (void (*)(const char *, int, int))shim_function("shim_fault");
    reset = (void (*)(void))shim_function("shim_reset");
    device = detect(folder.path, &the_system);
    if (device == NULL)
        printf("there is no OpenCL device here\n");
    return device != NULL;
}

void shim_close(void) {
    hwa_system_free(the_system);
    folder_remove(&folder);
}
