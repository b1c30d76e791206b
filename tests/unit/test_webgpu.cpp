// SPDX-License-Identifier: MIT
// WebGPU's demands, each at its border: a device that has just enough, and one that has a bit less.
#include "check.h"

#include "detect/webgpu.h"

using namespace hwa;

namespace {

struct Gpu {
    VkPhysicalDeviceProperties properties = {};
    VkPhysicalDeviceFeatures features = {};
    VkQueueFlags queues = VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT;

    std::string lack() const { return detect::webgpu_lack(properties, features, queues); }
};

} // namespace

#define EACH_LIMIT(visit)                                                                          \
    visit(maxImageDimension1D, 8192);                                                              \
    visit(maxImageDimension2D, 8192);                                                              \
    visit(maxImageDimensionCube, 8192);                                                            \
    visit(maxFramebufferWidth, 8192);                                                              \
    visit(maxFramebufferHeight, 8192);                                                             \
    visit(maxViewportDimensions[0], 8192);                                                         \
    visit(maxViewportDimensions[1], 8192);                                                         \
    visit(maxImageDimension3D, 2048);                                                              \
    visit(maxImageArrayLayers, 256);                                                               \
    visit(maxBoundDescriptorSets, 4);                                                              \
    visit(maxDescriptorSetUniformBuffersDynamic, 8);                                               \
    visit(maxDescriptorSetStorageBuffersDynamic, 4);                                               \
    visit(maxPerStageDescriptorSampledImages, 16);                                                 \
    visit(maxPerStageDescriptorSamplers, 16);                                                      \
    visit(maxPerStageDescriptorStorageBuffers, 8);                                                 \
    visit(maxPerStageDescriptorStorageImages, 4);                                                  \
    visit(maxPerStageDescriptorUniformBuffers, 12);                                                \
    visit(maxUniformBufferRange, 65536);                                                           \
    visit(maxStorageBufferRange, 134217728);                                                       \
    visit(maxVertexInputBindings, 8);                                                              \
    visit(maxVertexInputAttributes, 16);                                                           \
    visit(maxVertexInputBindingStride, 2048);                                                      \
    visit(maxVertexInputAttributeOffset, 2047);                                                    \
    visit(maxVertexOutputComponents, 64);                                                          \
    visit(maxFragmentInputComponents, 64);                                                         \
    visit(maxColorAttachments, 8);                                                                 \
    visit(maxFragmentOutputAttachments, 8);                                                        \
    visit(maxComputeSharedMemorySize, 16384);                                                      \
    visit(maxComputeWorkGroupInvocations, 256);                                                    \
    visit(maxComputeWorkGroupSize[0], 256);                                                        \
    visit(maxComputeWorkGroupSize[1], 256);                                                        \
    visit(maxComputeWorkGroupSize[2], 64);                                                         \
    visit(maxComputeWorkGroupCount[0], 65535);                                                     \
    visit(maxComputeWorkGroupCount[1], 65535);                                                     \
    visit(maxComputeWorkGroupCount[2], 65535)

#define EACH_FEATURE(visit)                                                                        \
    visit(robustBufferAccess);                                                                     \
    visit(fullDrawIndexUint32);                                                                    \
    visit(imageCubeArray);                                                                         \
    visit(independentBlend);                                                                       \
    visit(sampleRateShading);                                                                      \
    visit(depthBiasClamp);                                                                         \
    visit(fragmentStoresAndAtomics);                                                               \
    visit(textureCompressionBC)

static Gpu just_enough() {
    Gpu gpu;
    gpu.properties.apiVersion = VK_API_VERSION_1_1;
    gpu.properties.limits.minUniformBufferOffsetAlignment = 256;
    gpu.properties.limits.minStorageBufferOffsetAlignment = 256;
#define SET(field, value) gpu.properties.limits.field = value
    EACH_LIMIT(SET);
#undef SET
#define SET(field) gpu.features.field = VK_TRUE
    EACH_FEATURE(SET);
#undef SET
    return gpu;
}

/// The sentence has what lacks in it.
static void expect_named(const std::string &lack, std::string name) {
    name = name.substr(0, name.find('['));
    if (lack.find(name) == std::string::npos)
        fail_msg("'%s' does not name %s", lack.c_str(), name.c_str());
}

static void takes_just_enough(void **) {
    assert_string_equal(just_enough().lack().c_str(), "");
}

static void names_the_limit_that_is_too_small(void **) {
#define TRY(field, value)                                                                          \
    do {                                                                                           \
        Gpu gpu = just_enough();                                                                   \
        --gpu.properties.limits.field;                                                             \
        expect_named(gpu.lack(), #field);                                                          \
    } while (false)
    EACH_LIMIT(TRY);
#undef TRY
    Gpu gpu = just_enough();
    gpu.properties.limits.maxPerStageDescriptorStorageBuffers = 4;
    assert_string_equal(gpu.lack().c_str(),
                        "maxPerStageDescriptorStorageBuffers is 4; 8 is needed");
}

static void names_the_feature_that_lacks(void **) {
#define TRY(field)                                                                                 \
    do {                                                                                           \
        Gpu gpu = just_enough();                                                                   \
        gpu.features.field = VK_FALSE;                                                             \
        expect_named(gpu.lack(), "lacks " #field);                                                 \
    } while (false)
    EACH_FEATURE(TRY);
#undef TRY
}

static void takes_textures_of_either_kind(void **) {
    Gpu gpu = just_enough();
    gpu.features.textureCompressionBC = VK_FALSE;
    gpu.features.textureCompressionETC2 = VK_TRUE;
    expect_named(gpu.lack(), "textureCompressionASTC_LDR");
    gpu.features.textureCompressionASTC_LDR = VK_TRUE;
    assert_string_equal(gpu.lack().c_str(), "");
}

static void wants_alignments_that_are_small(void **) {
    Gpu gpu = just_enough();
    gpu.properties.limits.minStorageBufferOffsetAlignment = 512;
    expect_named(gpu.lack(), "aligned to 512 bytes");
    gpu = just_enough();
    gpu.properties.limits.minUniformBufferOffsetAlignment = 512;
    expect_named(gpu.lack(), "aligned to 512 bytes");
}

static void wants_a_queue_for_all_work_and_a_version(void **) {
    Gpu gpu = just_enough();
    gpu.queues = VK_QUEUE_COMPUTE_BIT;
    expect_named(gpu.lack(), "no queue that draws and computes");
    gpu = just_enough();
    gpu.properties.apiVersion = VK_MAKE_API_VERSION(0, 1, 0, 300);
    expect_named(gpu.lack(), "Vulkan 1.0");
}

int main() {
    const CMUnitTest tests[] = {
        cmocka_unit_test(takes_just_enough),
        cmocka_unit_test(names_the_limit_that_is_too_small),
        cmocka_unit_test(names_the_feature_that_lacks),
        cmocka_unit_test(takes_textures_of_either_kind),
        cmocka_unit_test(wants_alignments_that_are_small),
        cmocka_unit_test(wants_a_queue_for_all_work_and_a_version),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
