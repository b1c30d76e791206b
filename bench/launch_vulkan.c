/* SPDX-License-Identifier: MIT */
/* An empty kernel launched and waited for, alone and a thousand times in a batch, by libhwa and by
   Vulkan itself, turn by turn. */
#include "bench.h"

#include <dlfcn.h>
#include <hwa/hwa.h>
#include <stdint.h>

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

#include "empty_spirv.h"

#define SKIPPED 77
enum { pairs = 5000, batch_pairs = 100, warm_up = 50, batch = 1000 };

static void need(int good, const char *what) {
    if (good)
        return;
    printf("%s\n", what);
    exit(1);
}

/* ---- Vulkan itself ------------------------------------------------------------------------ */

static PFN_vkGetInstanceProcAddr get_instance;
static PFN_vkGetDeviceProcAddr get_device;
static VkInstance instance;
static VkDevice device;
static VkQueue raw_queue;
static VkSemaphore semaphore;
static VkCommandBuffer commands;
static VkPipeline pipeline;
static uint64_t value;

#define INSTANCE(name) ((PFN_##name)get_instance(instance, #name))
#define DEVICE(name) ((PFN_##name)get_device(device, #name))
#define TABLE(X)                                                                                   \
    X(vkBeginCommandBuffer)                                                                        \
    X(vkCmdBindPipeline)                                                                           \
    X(vkCmdDispatch)                                                                               \
    X(vkCmdPipelineBarrier) X(vkEndCommandBuffer) X(vkQueueSubmit) X(vkWaitSemaphores)
#define POINTER(name) static PFN_##name raw_##name;
TABLE(POINTER)

static void make_pipeline(void) {
    VkShaderModuleCreateInfo code = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                     .codeSize = sizeof empty_spirv,
                                     .pCode = empty_spirv};
    VkShaderModule module;
    need(DEVICE(vkCreateShaderModule)(device, &code, NULL, &module) == VK_SUCCESS, "module");
    VkPipelineLayoutCreateInfo none = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
    VkPipelineLayout layout;
    need(DEVICE(vkCreatePipelineLayout)(device, &none, NULL, &layout) == VK_SUCCESS, "layout");
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main"},
        .layout = layout};
    need(DEVICE(vkCreateComputePipelines)(device, NULL, 1, &info, NULL, &pipeline) == VK_SUCCESS,
         "pipeline");
}

static void make_device(VkPhysicalDevice physical) {
    const float priority = 1;
    VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                     .queueCount = 1,
                                     .pQueuePriorities = &priority};
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
        .timelineSemaphore = VK_TRUE};
    VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                               .pNext = &timeline,
                               .queueCreateInfoCount = 1,
                               .pQueueCreateInfos = &queue};
    need(INSTANCE(vkCreateDevice)(physical, &info, NULL, &device) == VK_SUCCESS, "device");
    get_device = INSTANCE(vkGetDeviceProcAddr);
    DEVICE(vkGetDeviceQueue)(device, 0, 0, &raw_queue);
    VkSemaphoreTypeCreateInfo type = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
                                      .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE};
    VkSemaphoreCreateInfo made = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, .pNext = &type};
    need(DEVICE(vkCreateSemaphore)(device, &made, NULL, &semaphore) == VK_SUCCESS, "semaphore");
    VkCommandPoolCreateInfo pool_info = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                         .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT};
    VkCommandPool pool;
    need(DEVICE(vkCreateCommandPool)(device, &pool_info, NULL, &pool) == VK_SUCCESS, "pool");
    VkCommandBufferAllocateInfo wish = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                        .commandPool = pool,
                                        .commandBufferCount = 1};
    need(DEVICE(vkAllocateCommandBuffers)(device, &wish, &commands) == VK_SUCCESS, "commands");
#define FETCH(name) raw_##name = DEVICE(name);
    TABLE(FETCH)
    make_pipeline();
}

static int open_raw(void) {
    void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return 0;
    *(void **)&get_instance = dlsym(library, "vkGetInstanceProcAddr");
    VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                     .apiVersion = VK_API_VERSION_1_2};
    VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                 .pApplicationInfo = &application};
    if (INSTANCE(vkCreateInstance)(&info, NULL, &instance) != VK_SUCCESS)
        return 0;
    uint32_t count = 1;
    VkPhysicalDevice physical = NULL;
    const VkResult code = INSTANCE(vkEnumeratePhysicalDevices)(instance, &count, &physical);
    if ((code != VK_SUCCESS && code != VK_INCOMPLETE) || count == 0)
        return 0;
    make_device(physical);
    return 1;
}

static double run_raw(int launches) {
    static const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    static const VkMemoryBarrier barrier = {.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                                            .srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT,
                                            .dstAccessMask = VK_ACCESS_SHADER_READ_BIT |
                                                             VK_ACCESS_SHADER_WRITE_BIT |
                                                             VK_ACCESS_HOST_READ_BIT};
    const double start = bench_ms();
    raw_vkBeginCommandBuffer(commands, &begin);
    raw_vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    for (int i = 0; i < launches; ++i) {
        raw_vkCmdDispatch(commands, 1, 1, 1);
        raw_vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                                 VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_HOST_BIT,
                                 0, 1, &barrier, 0, NULL, 0, NULL);
    }
    raw_vkEndCommandBuffer(commands);
    ++value;
    VkTimelineSemaphoreSubmitInfo values = {.sType =
                                                VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO,
                                            .signalSemaphoreValueCount = 1,
                                            .pSignalSemaphoreValues = &value};
    VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                         .pNext = &values,
                         .commandBufferCount = 1,
                         .pCommandBuffers = &commands,
                         .signalSemaphoreCount = 1,
                         .pSignalSemaphores = &semaphore};
    need(raw_vkQueueSubmit(raw_queue, 1, &info, VK_NULL_HANDLE) == VK_SUCCESS, "submit");
    VkSemaphoreWaitInfo wait = {.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
                                .semaphoreCount = 1,
                                .pSemaphores = &semaphore,
                                .pValues = &value};
    need(raw_vkWaitSemaphores(device, &wait, UINT64_MAX) == VK_SUCCESS, "wait");
    return bench_ms() - start;
}

/* ---- libhwa ------------------------------------------------------------------------------- */

static hwa_queue_t *queue;
static hwa_program_t *program;
static hwa_launch_item_t items[batch];

static int open_hwa(void) {
    hwa_error_t error = {0};
    hwa_system_t *system = NULL;
    need(hwa_detect(NULL, &system, &error) == HWA_OK, error.message);
    hwa_queue_options_t options = HWA_INIT(hwa_queue_options_t);
    options.runtime = "vulkan";
    const hwa_device_t *found;
    for (uint32_t i = 0; queue == NULL && (found = hwa_system_device(system, i)) != NULL; ++i)
        if (hwa_queue_open(found, &options, &queue, &error) != HWA_OK)
            queue = NULL;
    hwa_system_free(system);
    if (queue == NULL)
        return 0;
    hwa_kernel_desc_t kernel = HWA_INIT(hwa_kernel_desc_t);
    kernel.code_kind = HWA_CODE_SPIRV;
    kernel.code = empty_spirv;
    kernel.code_bytes = sizeof empty_spirv;
    const hwa_kernel_desc_t *variants[] = {&kernel};
    need(hwa_program_from_kernel(queue, variants, 1, &program, &error) == HWA_OK, error.message);
    for (int i = 0; i < batch; ++i)
        items[i].program = program;
    return 1;
}

static double run_hwa(int launches) {
    hwa_event_t *event = NULL;
    hwa_error_t error = {0};
    const double start = bench_ms();
    const hwa_status_t status =
        launches == 1 ? hwa_launch(queue, program, NULL, 0, NULL, &event, &error)
                      : hwa_launch_many(queue, items, (uint32_t)launches, &event, &error);
    need(status == HWA_OK, error.message);
    need(hwa_event_wait(event, HWA_FOREVER, &error) == HWA_OK, error.message);
    hwa_event_free(event);
    return bench_ms() - start;
}

/* Time of this thread: what the device and other programs do is not in it. */
static double thread_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double own_time(double (*run)(int), int launches) {
    const double start = thread_ms();
    run(launches);
    return thread_ms() - start;
}

/* Nanoseconds of this thread that libhwa takes more for each launch of a batch. */
static double compare_own(int count) {
    static double difference[pairs];
    for (int i = -5; i < count; ++i) {
        const double first = own_time(i % 2 == 0 ? run_raw : run_hwa, batch);
        const double second = own_time(i % 2 == 0 ? run_hwa : run_raw, batch);
        if (i >= 0)
            difference[i] = (i % 2 == 0 ? second - first : first - second) * 1e6 / batch;
    }
    return bench_median(difference, count);
}

/* Microseconds that libhwa takes more, by the median of pairs. */
static double compare(const char *what, int launches, int count) {
    static double raw[pairs], ours[pairs], difference[pairs];
    for (int i = -warm_up; i < count; ++i) {
        /* Who comes second finds the driver's threads awake: take turns. */
        const double early = i % 2 == 0 ? run_raw(launches) : run_hwa(launches);
        const double late = i % 2 == 0 ? run_hwa(launches) : run_raw(launches);
        if (i < 0)
            continue;
        raw[i] = (i % 2 == 0 ? early : late) * 1e3;
        ours[i] = (i % 2 == 0 ? late : early) * 1e3;
        difference[i] = ours[i] - raw[i];
    }
    const double apart = bench_median(difference, count);
    printf("%s: %d pairs, raw %.2f us, hwa %.2f us, median of pairs %+.2f us\n", what, count,
           bench_median(raw, count), bench_median(ours, count), apart);
    return apart;
}

int main(void) {
    if (!open_hwa() || !open_raw()) {
        printf("there is no Vulkan device here\n");
        return SKIPPED;
    }
    const double one = compare("launch and wait", 1, pairs);
    printf("  %s\n", one <= 1 ? "within 1 us" : "OVER 1 us");
    compare("batch of 1000", batch, batch_pairs);
    const double many = compare_own(batch_pairs);
    printf("  %+.1f ns of the calling thread for each launch: %s\n", many,
           many <= 50 ? "within 50 ns" : "OVER 50 ns");
    hwa_program_free(program);
    hwa_queue_free(queue);
    return 0;
}
