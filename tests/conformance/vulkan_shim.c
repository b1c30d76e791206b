/* SPDX-License-Identifier: MIT */
/* Vulkan behind a shim: how many calls a replay makes, devices of other shapes, and faults. Each
   case runs in a process of its own, for drivers are opened once. */
#include "folder.h"
#include "refused.h"

#include <dlfcn.h>
#include <ftw.h>
#include <hwa/hwa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "add.spv.h"
#include "uniform.spv.h"

#define SKIPPED 77
enum { count = 1000, launches = 100 };

static hwa_error_t error;
static hwa_queue_t *queue;
static const char *why_no_queue;
static const char *cache_dir;

#define NEED(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("    line %d: %s (%s, %d: %s)\n", __LINE__, #condition,                         \
                   hwa_status_name(error.status), error.code, error.message);                      \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

/* The queue of the first device in software that Vulkan shows through the shim. */
static hwa_status_t open_shim(const struct folder *folder, uint32_t flags) {
    hwa_detect_options_t how = HWA_INIT(hwa_detect_options_t);
    how.library_path = folder->path;
    how.backends = "vulkan";
    hwa_system_t *system = NULL;
    if (hwa_detect(&how, &system, &error) != HWA_OK)
        return error.status;
    const hwa_device_t *device = NULL;
    for (uint32_t i = 0; (device = hwa_system_device(system, i)) != NULL; ++i) {
        hwa_runtime_info_t row = HWA_INIT(hwa_runtime_info_t);
        for (uint32_t j = 0; hwa_device_runtime(device, j, &row) == HWA_OK; ++j)
            if (strcmp(row.name, "vulkan") == 0) {
                static char message[512];
                snprintf(message, sizeof message, "%s", row.message == NULL ? "" : row.message);
                why_no_queue = message;
                hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
                options.runtime = "vulkan";
                options.flags = flags;
                options.cache_dir = cache_dir;
                const hwa_status_t status = hwa_queue_open(device, &options, &queue, &error);
                hwa_system_free(system);
                return status;
            }
    }
    hwa_system_free(system);
    return HWA_ERROR_NOT_FOUND;
}

struct work {
    hwa_program_t *program;
    hwa_buffer_t *buffers[3];
    float content[count];
    hwa_arg_t args[4];
    hwa_launch_options_t shape;
};
static struct work work;
static const uint32_t number = count;

static int prepare(void) {
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_SPIRV;
    kernel.code = spirv_add;
    kernel.code_bytes = sizeof spirv_add;
    const hwa_kernel_desc_t *variants[] = {&kernel};
    NEED(hwa_program_from_kernel(queue, variants, 1, &work.program, &error) == HWA_OK);
    for (int i = 0; i < count; ++i)
        work.content[i] = (float)(i % 100);
    for (int i = 0; i < 3; ++i) {
        hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
        desc.size_bytes = sizeof work.content;
        NEED(hwa_buffer_create(queue, &desc, &work.buffers[i], &error) == HWA_OK);
        NEED(hwa_buffer_write(work.buffers[i], 0, work.content, sizeof work.content, NULL,
                              &error) == HWA_OK);
        work.args[i].buffer = work.buffers[i];
    }
    work.args[3].data = &number;
    work.args[3].size_bytes = sizeof number;
    work.shape = HWA_INIT(hwa_launch_options_t);
    work.shape.group[0] = 64;
    work.shape.grid[0] = (count + 63) / 64;
    return 0;
}

static void put_away(void) {
    hwa_program_free(work.program);
    for (int i = 0; i < 3; ++i)
        hwa_buffer_free(work.buffers[i]);
    hwa_queue_free(queue);
}

/* c = a + b, by way of a copy that the queue does and a launch that follows without waiting. */
static int add_and_check(void) {
    float got[count];
    hwa_event_t *events[2];
    NEED(hwa_launch(queue, work.program, work.args, 4, &work.shape, NULL, &error) == HWA_OK);
    NEED(hwa_buffer_write(work.buffers[0], 0, work.content + 1, 4, &events[0], &error) == HWA_OK);
    NEED(hwa_launch(queue, work.program, work.args, 4, &work.shape, NULL, &error) == HWA_OK);
    NEED(hwa_buffer_read(work.buffers[2], 0, got, sizeof got, &events[1], &error) == HWA_OK);
    NEED(hwa_event_wait(events[1], HWA_FOREVER, &error) == HWA_OK);
    NEED(hwa_event_wait(events[0], 0, &error) == HWA_OK);
    NEED(got[0] == work.content[0] + work.content[1]);
    for (int i = 1; i < count; ++i)
        NEED(got[i] == 2 * work.content[i]);
    hwa_event_free(events[0]);
    hwa_event_free(events[1]);
    return 0;
}

static int works(const struct folder *folder) {
    NEED(open_shim(folder, HWA_QUEUE_TIMED) == HWA_OK);
    NEED(prepare() == 0);
    NEED(add_and_check() == 0);
    put_away();
    return 0;
}

/* What the shim has counted under that name. */
static unsigned long counted(const struct folder *folder, const char *name) {
    char path[128];
    snprintf(path, sizeof path, "%s/libvulkan.so.1", folder->path);
    void *shim = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
    unsigned long (*count_of)(void);
    *(void **)&count_of = shim == NULL ? NULL : dlsym(shim, name);
    return count_of == NULL ? 0 : count_of();
}

/* How many calls have reached the device so far. */
static unsigned long calls_so_far(const struct folder *folder) {
    return counted(folder, "vulkan_shim_calls");
}

/* A launch is checked before the driver sees any of it. Of a batch it may have seen what is right;
   none of that runs. */
static int refuses_without_the_driver(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    NEED(prepare() == 0);
    NEED(add_and_check() == 0); /* so that there is all that a launch takes */
    NEED(hwa_buffer_write(work.buffers[2], 0, work.content, sizeof work.content, NULL, &error) ==
         HWA_OK);
    struct launch right = {queue, work.program, work.args, 4, &work.shape, 1};
    const unsigned long before = calls_so_far(folder);
    NEED(before > 0);
    NEED(ask_what_is_refused(&right) == 0);
    NEED(calls_so_far(folder) == before);
    right.is_alone = 0;
    NEED(ask_what_is_refused(&right) == 0);
    float got[count];
    NEED(hwa_buffer_read(work.buffers[2], 0, got, sizeof got, NULL, &error) == HWA_OK);
    NEED(memcmp(got, work.content, sizeof got) == 0);
    NEED(add_and_check() == 0);
    put_away();
    return 0;
}

/* 100 launches again and again: each time one submission, and the wait for it. */
static int replays_in_few_calls(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    NEED(prepare() == 0);
    hwa_launch_item_t items[launches];
    for (int i = 0; i < launches; ++i) {
        items[i].program = work.program;
        items[i].args = work.args;
        items[i].options = &work.shape;
        items[i].arg_count = 4;
    }
    hwa_program_t *batch = NULL;
    NEED(hwa_program_from_launches(queue, items, launches, &batch, &error) == HWA_OK);
    for (int i = 0; i < 5; ++i) {
        hwa_event_t *event = NULL;
        const unsigned long before = calls_so_far(folder);
        NEED(before > 0);
        NEED(hwa_launch(queue, batch, NULL, 0, NULL, &event, &error) == HWA_OK);
        NEED(hwa_event_wait(event, HWA_FOREVER, &error) == HWA_OK);
        hwa_event_free(event);
        const unsigned long made = calls_so_far(folder) - before;
        printf("    %d launches replayed by %lu calls\n", launches, made);
        NEED(made <= 3);
    }
    hwa_program_free(batch);
    NEED(add_and_check() == 0);
    put_away();
    return 0;
}

static int is_of_1_1(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_ERROR_UNSUPPORTED);
    NEED(strstr(why_no_queue, "Vulkan 1.1.0; 1.2 is needed") != NULL);
    return 0;
}

static int has_an_old_loader(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_ERROR_UNSUPPORTED);
    NEED(strstr(why_no_queue, "loader is of version 1.1.0") != NULL);
    return 0;
}

static int has_no_timeline(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_ERROR_UNSUPPORTED);
    NEED(strstr(why_no_queue, "timeline semaphores") != NULL);
    return 0;
}

/* Whatever is asked after the loss says so, and everything can still be freed. */
static int is_lost(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    NEED(prepare() == 0);
    hwa_event_t *event = NULL;
    hwa_status_t status =
        hwa_launch(queue, work.program, work.args, 4, &work.shape, &event, &error);
    if (status == HWA_OK)
        status = hwa_event_wait(event, HWA_FOREVER, &error);
    NEED(status == HWA_ERROR_LOST && error.code == -4);
    NEED(strstr(error.message, "VK_ERROR_DEVICE_LOST") != NULL);
    NEED(strcmp(error.backend, "vulkan") == 0);
    hwa_event_free(event);
    event = NULL;
    NEED(hwa_launch(queue, work.program, work.args, 4, &work.shape, &event, &error) == HWA_OK);
    NEED(hwa_event_wait(event, HWA_FOREVER, &error) == HWA_ERROR_LOST);
    NEED(strstr(error.message, "earlier work") != NULL);
    NEED(hwa_queue_finish(queue, HWA_FOREVER, &error) == HWA_ERROR_LOST);
    float got = 0;
    NEED(hwa_buffer_read(work.buffers[0], 0, &got, 4, NULL, &error) == HWA_ERROR_LOST);
    hwa_event_free(event);
    put_away();
    return 0;
}

static int has_no_memory(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 4096;
    hwa_buffer_t *buffer = NULL;
    NEED(hwa_buffer_create(queue, &desc, &buffer, &error) == HWA_ERROR_DEVICE_MEMORY);
    NEED(error.code == -2 && strstr(error.message, "VK_ERROR_OUT_OF_DEVICE_MEMORY") != NULL);
    NEED(hwa_buffer_create(queue, &desc, &buffer, &error) == HWA_OK);
    hwa_buffer_free(buffer);
    hwa_queue_free(queue);
    return 0;
}

static int has_few_pieces(const struct folder *folder) {
    hwa_buffer_t *buffers[9];
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 64;
    NEED(open_shim(folder, 0) == HWA_OK);
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 8; ++i)
            NEED(hwa_buffer_create(queue, &desc, &buffers[i], &error) == HWA_OK);
        NEED(hwa_buffer_create(queue, &desc, &buffers[8], &error) == HWA_ERROR_DEVICE_MEMORY);
        NEED(strstr(error.message, "no more than 8 pieces") != NULL);
        for (int i = 0; i < 8; ++i)
            hwa_buffer_free(buffers[i]);
    }
    hwa_queue_free(queue);
    return 0;
}

/* A launch that the driver has no room for is refused; the next one runs. */
static int refuses_one_submission(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    NEED(prepare() == 0);
    const hwa_status_t status =
        hwa_launch(queue, work.program, work.args, 4, &work.shape, NULL, &error);
    NEED(status == HWA_ERROR_HOST_MEMORY || status == HWA_ERROR_DEVICE_MEMORY);
    NEED(add_and_check() == 0);
    put_away();
    return 0;
}

static int cannot_build(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_SPIRV;
    kernel.code = spirv_add;
    kernel.code_bytes = sizeof spirv_add;
    const hwa_kernel_desc_t *variants[] = {&kernel};
    NEED(hwa_program_from_kernel(queue, variants, 1, &work.program, &error) ==
         HWA_ERROR_DEVICE_MEMORY);
    NEED(hwa_program_from_kernel(queue, variants, 1, &work.program, &error) == HWA_OK);
    hwa_program_free(work.program);
    hwa_queue_free(queue);
    return 0;
}

static int build(const void *code, size_t size_bytes, hwa_program_t **into) {
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_SPIRV;
    kernel.code = code;
    kernel.code_bytes = size_bytes;
    const hwa_kernel_desc_t *variants[] = {&kernel};
    return (int)hwa_program_from_kernel(queue, variants, 1, into, &error);
}

static int remove_one(const char *path, const struct stat *about, int kind, struct FTW *where) {
    (void)about;
    (void)kind;
    (void)where;
    return remove(path);
}

/* What the driver made a useless entry of is stored again. */
static int replaces_a_bad_entry(const struct folder *folder) {
    char path[128];
    snprintf(path, sizeof path, "%s/cache", folder->path);
    cache_dir = path;
    NEED(open_shim(folder, 0) == HWA_OK);
    static const unsigned long least[] = {0, 16, 32};
    for (int i = 0; i < 3; ++i) {
        NEED(build(spirv_add, sizeof spirv_add, &work.program) == HWA_OK);
        hwa_program_free(work.program);
        const unsigned long bytes = counted(folder, "vulkan_shim_cached_bytes");
        NEED(i < 2 ? bytes == least[i] : bytes >= least[i]);
    }
    NEED(nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
    hwa_queue_free(queue);
    return 0;
}

static int takes_no_uniform_buffer(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    NEED(build(spirv_uniform, sizeof spirv_uniform, &work.program) == HWA_ERROR_UNSUPPORTED);
    NEED(strstr(error.message, "1 uniform buffers, the device 0") != NULL);
    hwa_queue_free(queue);
    return 0;
}

static int takes_small_uniform_buffers(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    NEED(build(spirv_uniform, sizeof spirv_uniform, &work.program) == HWA_OK);
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 64;
    for (int i = 0; i < 2; ++i) {
        NEED(hwa_buffer_create(queue, &desc, &work.buffers[i], &error) == HWA_OK);
        work.args[i].buffer = work.buffers[i];
    }
    NEED(hwa_launch(queue, work.program, work.args, 2, NULL, NULL, &error) ==
         HWA_ERROR_UNSUPPORTED);
    NEED(strstr(error.message, "args[1]: a range of 64 bytes is over the device's limit of 16") !=
         NULL);
    work.args[1].size_bytes = 16;
    NEED(hwa_launch(queue, work.program, work.args, 2, NULL, NULL, &error) == HWA_OK);
    put_away();
    return 0;
}

/* Memory in place that the driver has no use for leaves nothing behind. */
static int refuses_memory_in_place(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    const unsigned long before = counted(folder, "vulkan_shim_pieces");
    hwa_buffer_desc_t desc = HWA_INIT(hwa_buffer_desc_t);
    desc.size_bytes = 4096;
    NEED(posix_memalign(&desc.host, 65536, 65536) == 0);
    hwa_buffer_t *buffer = NULL;
    NEED(hwa_buffer_create(queue, &desc, &buffer, &error) == HWA_ERROR_UNSUPPORTED);
    printf("    %s\n", error.message);
    NEED(counted(folder, "vulkan_shim_pieces") == before);
    NEED(hwa_buffer_create(queue, &desc, &buffer, &error) == HWA_OK);
    hwa_buffer_free(buffer);
    free(desc.host);
    hwa_queue_free(queue);
    return 0;
}

/* More sets than one pool has, again and again: a full pool is not asked for each of them. */
static int asks_no_full_pool(const struct folder *folder) {
    NEED(open_shim(folder, 0) == HWA_OK);
    NEED(prepare() == 0);
    static hwa_launch_item_t items[count];
    for (int i = 0; i < count; ++i) {
        items[i].program = work.program;
        items[i].args = work.args;
        items[i].options = &work.shape;
        items[i].arg_count = 4;
    }
    const unsigned long before = calls_so_far(folder);
    NEED(hwa_launch_many(queue, items, count, NULL, &error) == HWA_OK);
    NEED(hwa_queue_finish(queue, HWA_FOREVER, &error) == HWA_OK);
    const unsigned long made = calls_so_far(folder) - before;
    printf("    %d launches by %lu calls\n", count, made);
    NEED(made < 7 * count);
    put_away();
    return 0;
}

static const struct {
    const char *scenario;
    int (*body)(const struct folder *folder);
} cases[] = {
    {"", works},
    {"", replays_in_few_calls},
    {"", refuses_without_the_driver},
    {"device 1 huge\n", works},
    {"device 1 name\n", works},
    {"device 1 fail\n", is_of_1_1},
    {"device 1 null\n", has_no_timeline},
    {"device 1 many\n", has_few_pieces},
    {"vkEnumerateInstanceVersion 0 fail\n", has_an_old_loader},
    {"vkQueueSubmit 1 fail\n", is_lost},
    {"vkWaitSemaphores 1 fail\n", is_lost},
    {"vkAllocateMemory 1 fail\n", has_no_memory},
    {"vkBeginCommandBuffer 1 fail\n", refuses_one_submission},
    {"vkEndCommandBuffer 1 fail\n", refuses_one_submission},
    {"vkCreateComputePipelines 1 fail\n", cannot_build},
    {"vkGetPipelineCacheData 1 garbage\nvkGetPipelineCacheData 2 garbage\n", replaces_a_bad_entry},
    {"device 1 garbage\n", takes_no_uniform_buffer},
    {"device 1 many\n", takes_small_uniform_buffers},
    {"vkBindBufferMemory 1 fail\n", refuses_memory_in_place},
    {"vkGetBufferMemoryRequirements 1 huge\n", refuses_memory_in_place},
    {"device 1 name\n", asks_no_full_pool},
};

static int run(size_t which) {
    const struct folder folder = folder_make(cases[which].scenario);
    folder_put(&folder, "libvulkan.so.1", "vulkan-shim");
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        alarm(60);
        exit(cases[which].body(&folder));
    }
    int status = -1;
    waitpid(child, &status, 0);
    folder_remove(&folder);
    return status;
}

/* No driver on this machine, no test. */
static int has_vulkan(void) {
    hwa_system_t *system = NULL;
    if (hwa_detect(NULL, &system, &error) != HWA_OK)
        return 0;
    const int found = hwa_system_find_device(system, "sw-vulkan-0") != NULL;
    hwa_system_free(system);
    return found;
}

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    fakes = argv[1];
    if (!has_vulkan()) {
        printf("no driver of Vulkan runs on the processor here\n");
        return SKIPPED;
    }
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        const int status = run(i);
        printf("%s case %zu: %s", status == 0 ? "ok    " : "FAILED", i,
               cases[i].scenario[0] == '\0' ? "\n" : cases[i].scenario);
        failed += status != 0;
    }
    return failed == 0 ? 0 : 1;
}
