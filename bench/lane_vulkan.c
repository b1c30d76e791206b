/* SPDX-License-Identifier: MIT */
/* Lane over Vulkan itself: mapped buffers, and one submission for each piece of work. */
#include "lane.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lane_spirv.h"

const uint64_t lane_spirv_bytes = sizeof lane_spirv;

static PFN_vkGetInstanceProcAddr find;
static VkInstance instance;
static VkPhysicalDevice physical;
static VkDevice device;
static VkQueue queue;
static uint32_t family;
static VkCommandBuffer commands;
static VkFence fence;
static VkPipeline pipeline;
static VkPipelineLayout layout;
static VkDescriptorSetLayout set_layout;
static VkDescriptorSet set;
static VkBuffer buffers[3];
static VkDeviceMemory memories[3];
static void *mapped[3];
static int written;

#define VK(name) ((PFN_##name)find(instance, #name))

static void need(VkResult code) {
    if (code == VK_SUCCESS)
        return;
    printf("Vulkan answered %d\n", (int)code);
    exit(1);
}

static int open_device(void) {
    void *library = dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == NULL)
        return 0;
    void *symbol = dlsym(library, "vkGetInstanceProcAddr");
    memcpy(&find, &symbol, sizeof find);
    const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                           .apiVersion = VK_API_VERSION_1_2};
    const VkInstanceCreateInfo wanted = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                         .pApplicationInfo = &application};
    if (VK(vkCreateInstance)(&wanted, NULL, &instance) != VK_SUCCESS)
        return 0;
    uint32_t count = 1;
    VK(vkEnumeratePhysicalDevices)(instance, &count, &physical);
    if (count == 0)
        return 0;
    const float priority = 1;
    const VkDeviceQueueCreateInfo queues = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                            .queueFamilyIndex = family,
                                            .queueCount = 1,
                                            .pQueuePriorities = &priority};
    const VkDeviceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                     .queueCreateInfoCount = 1,
                                     .pQueueCreateInfos = &queues};
    need(VK(vkCreateDevice)(physical, &info, NULL, &device));
    VK(vkGetDeviceQueue)(device, family, 0, &queue);
    return 1;
}

static void make_pipeline(void) {
    VkDescriptorSetLayoutBinding bindings[3];
    for (uint32_t i = 0; i < 3; ++i)
        bindings[i] = (VkDescriptorSetLayoutBinding){i, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1,
                                                     VK_SHADER_STAGE_COMPUTE_BIT, NULL};
    const VkDescriptorSetLayoutCreateInfo sets = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = 3,
        .pBindings = bindings};
    need(VK(vkCreateDescriptorSetLayout)(device, &sets, NULL, &set_layout));
    const VkPipelineLayoutCreateInfo layouts = {.sType =
                                                    VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                                .setLayoutCount = 1,
                                                .pSetLayouts = &set_layout};
    need(VK(vkCreatePipelineLayout)(device, &layouts, NULL, &layout));
    const VkShaderModuleCreateInfo code = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                           .codeSize = sizeof lane_spirv,
                                           .pCode = lane_spirv};
    VkShaderModule module;
    need(VK(vkCreateShaderModule)(device, &code, NULL, &module));
    const VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = {.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                  .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                  .module = module,
                  .pName = "main"},
        .layout = layout};
    need(VK(vkCreateComputePipelines)(device, VK_NULL_HANDLE, 1, &info, NULL, &pipeline));
}

static void make_commands(void) {
    const VkCommandPoolCreateInfo pools = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                           .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
                                           .queueFamilyIndex = family};
    VkCommandPool pool;
    need(VK(vkCreateCommandPool)(device, &pools, NULL, &pool));
    const VkCommandBufferAllocateInfo info = {.sType =
                                                  VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                              .commandPool = pool,
                                              .commandBufferCount = 1};
    need(VK(vkAllocateCommandBuffers)(device, &info, &commands));
    const VkFenceCreateInfo fences = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    need(VK(vkCreateFence)(device, &fences, NULL, &fence));
    const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 3};
    const VkDescriptorPoolCreateInfo sets = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                             .maxSets = 1,
                                             .poolSizeCount = 1,
                                             .pPoolSizes = &size};
    VkDescriptorPool descriptors;
    need(VK(vkCreateDescriptorPool)(device, &sets, NULL, &descriptors));
    const VkDescriptorSetAllocateInfo one = {.sType =
                                                 VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                             .descriptorPool = descriptors,
                                             .descriptorSetCount = 1,
                                             .pSetLayouts = &set_layout};
    need(VK(vkAllocateDescriptorSets)(device, &one, &set));
}

static int open_lane(void) {
    if (!open_device())
        return 0;
    make_pipeline();
    make_commands();
    return 1;
}

static uint64_t limit(void) {
    VkPhysicalDeviceProperties properties;
    VK(vkGetPhysicalDeviceProperties)(physical, &properties);
    return properties.limits.maxStorageBufferRange / sizeof(float);
}

/* The first kind that the host sees without flushing; on a processor it is also the fastest. */
static uint32_t memory_kind(uint32_t allowed) {
    const VkMemoryPropertyFlags wanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkPhysicalDeviceMemoryProperties kinds;
    VK(vkGetPhysicalDeviceMemoryProperties)(physical, &kinds);
    for (uint32_t i = 0; i < kinds.memoryTypeCount; ++i)
        if ((allowed >> i & 1) != 0 && (kinds.memoryTypes[i].propertyFlags & wanted) == wanted)
            return i;
    need(VK_ERROR_FEATURE_NOT_PRESENT);
    return 0;
}

static void allocate_one(uint32_t which, uint64_t bytes) {
    const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                     .size = bytes,
                                     .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                              VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                              VK_BUFFER_USAGE_TRANSFER_DST_BIT};
    need(VK(vkCreateBuffer)(device, &info, NULL, &buffers[which]));
    VkMemoryRequirements needs;
    VK(vkGetBufferMemoryRequirements)(device, buffers[which], &needs);
    const VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                         .allocationSize = needs.size,
                                         .memoryTypeIndex = memory_kind(needs.memoryTypeBits)};
    need(VK(vkAllocateMemory)(device, &memory, NULL, &memories[which]));
    need(VK(vkBindBufferMemory)(device, buffers[which], memories[which], 0));
    need(VK(vkMapMemory)(device, memories[which], 0, VK_WHOLE_SIZE, 0, &mapped[which]));
}

static void allocate(uint64_t count) {
    for (uint32_t i = 0; i < 3; ++i) {
        allocate_one(i, count * sizeof(float));
        const VkDescriptorBufferInfo range = {buffers[i], 0, VK_WHOLE_SIZE};
        const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                            .dstSet = set,
                                            .dstBinding = i,
                                            .descriptorCount = 1,
                                            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                            .pBufferInfo = &range};
        VK(vkUpdateDescriptorSets)(device, 1, &write, 0, NULL);
    }
    written = 0;
}

static void write_lane(const float *from, uint64_t count) {
    memcpy(mapped[written++ % 2], from, count * sizeof(float));
}

static void read_lane(float *into, uint64_t count) {
    memcpy(into, mapped[2], count * sizeof(float));
}

static void begin(void) {
    const VkCommandBufferBeginInfo info = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
    need(VK(vkBeginCommandBuffer)(commands, &info));
}

static void submit(void) {
    need(VK(vkEndCommandBuffer)(commands));
    const VkSubmitInfo info = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                               .commandBufferCount = 1,
                               .pCommandBuffers = &commands};
    need(VK(vkQueueSubmit)(queue, 1, &info, fence));
    need(VK(vkWaitForFences)(device, 1, &fence, VK_TRUE, UINT64_MAX));
    need(VK(vkResetFences)(device, 1, &fence));
}

static void copy(uint64_t count) {
    begin();
    const VkBufferCopy range = {0, 0, count * sizeof(float)};
    VK(vkCmdCopyBuffer)(commands, buffers[0], buffers[2], 1, &range);
    submit();
}

static void add(uint64_t count) {
    begin();
    VK(vkCmdBindPipeline)(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline);
    VK(vkCmdBindDescriptorSets)
    (commands, VK_PIPELINE_BIND_POINT_COMPUTE, layout, 0, 1, &set, 0, NULL);
    const uint32_t groups = (uint32_t)(count / lane_group);
    const uint32_t row = groups < lane_row ? groups : lane_row;
    VK(vkCmdDispatch)(commands, row, groups / row, 1);
    submit();
}

static void release(void) {
    for (uint32_t i = 0; i < 3; ++i) {
        VK(vkDestroyBuffer)(device, buffers[i], NULL);
        VK(vkFreeMemory)(device, memories[i], NULL);
    }
}

const lane_t lane_vulkan = {open_lane, limit, allocate, write_lane, read_lane,
                            copy,      add,   NULL,     release};
