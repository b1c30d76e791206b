// SPDX-License-Identifier: MIT
// What the files of the Vulkan runtime share: a device opened, its memory, its programs.
#pragma once

#include "api/vulkan.h"
#include "base/blocks.h"
#include "launch/runtime.h"
#include "launch/vulkan_spirv.h"

#include <atomic>
#include <mutex>

namespace hwa::launch {

class Cache;

/// A failed call: what its code means to a caller, and the specification's own name for it.
base::Error vulkan_failure(const char *call, VkResult code);

#define HWA_VK(call, code)                                                                         \
    do {                                                                                           \
        if (const VkResult code_ = (code); code_ != VK_SUCCESS)                                    \
            return vulkan_failure(call, code_);                                                    \
    } while (false)

/// A struct of the API with its type set, and all else 0.
template <class T> T vulkan_struct(VkStructureType type, const void *next = nullptr) {
    T made{};
    made.sType = type;
    // What only the driver writes has a pointer that is not const.
    made.pNext = const_cast<decltype(made.pNext)>(next);
    return made;
}

/// Of one launch, whatever the device would take.
inline constexpr uint32_t vulkan_buffer_limit = 64;
inline constexpr uint32_t vulkan_value_limit = 256;

/// A queue of the driver. Several queues of ours may share one.
struct VulkanLane {
    VkQueue handle = VK_NULL_HANDLE;
    std::mutex mutex; ///< the driver wants one caller at a time
};

/// What a device is known to take, besides Limits.
struct VulkanTraits {
    uint32_t api_version = 0;
    VkPhysicalDeviceFeatures features{};
    VkPhysicalDeviceVulkan11Features features11{};
    VkPhysicalDeviceVulkan12Features features12{};
    VkPhysicalDeviceVulkan13Features features13{};
    VkPhysicalDeviceShaderAtomicFloatFeaturesEXT atomic_float{};
    VkSubgroupFeatureFlags subgroup_operations = 0;
    VkPhysicalDeviceMemoryProperties memory{};
    uint64_t storage_range_bytes = 0;
    uint64_t uniform_range_bytes = 0;
    uint32_t uniforms = 0; ///< buffers of that kind in one launch
    uint64_t coherent_atom_bytes = 1;
    uint64_t import_alignment_bytes = 0; ///< of host memory used in place; 0: it cannot be
    uint64_t allocation_limit = 0;
    double nanoseconds_per_tick = 0; ///< 0: the queue has no clock
    uint64_t tick_mask = 0;
    uint32_t family = 0;
    uint32_t lane_count = 0;
    bool discrete = false;
    bool push_descriptors = false;
};

/// One device opened; queues that share have one context.
struct VulkanContext {
    explicit VulkanContext(const api::Vulkan &table) : loader(table) {}
    ~VulkanContext();
    VulkanContext(const VulkanContext &) = delete;
    VulkanContext &operator=(const VulkanContext &) = delete;

    const api::Vulkan &loader;
    api::VulkanDevice vk;
    VkPhysicalDevice physical = VK_NULL_HANDLE;
    VkDevice device = VK_NULL_HANDLE;
    Limits limits;
    VulkanTraits traits;
    std::string driver;
    std::string identity; ///< device and driver, as far as they decide what a pipeline becomes
    std::shared_ptr<Cache> cache;
    std::vector<std::unique_ptr<VulkanLane>> lanes;
    std::atomic<uint32_t> next_lane{0};
    std::atomic<uint64_t> allocation_count{0};
    std::shared_ptr<base::Blocks> blocks = std::make_shared<base::Blocks>();
};
using VulkanContextPtr = std::shared_ptr<VulkanContext>;

/// Finds the device that detection saw and opens it.
base::Result<VulkanContextPtr> open_vulkan(const OpenRequest &request);

/// A buffer, and the memory behind it unless the caller made it.
struct VulkanMemory final : Memory {
    explicit VulkanMemory(VulkanContextPtr owner) : context(std::move(owner)) {}
    ~VulkanMemory() override;
    uint64_t native() const override { return (uint64_t)buffer; }
    void *host() const override { return coherent ? mapped : nullptr; }

    /// Makes what the host wrote visible to the device, and the other way round.
    base::Done flush(uint64_t offset, uint64_t size_bytes) const;
    base::Done invalidate(uint64_t offset, uint64_t size_bytes) const;

    Lease lease; ///< dropped after the destructor has run
    VulkanContextPtr context;
    VkBuffer buffer = VK_NULL_HANDLE;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    uint64_t size_bytes = 0;
    void *mapped = nullptr; ///< where the host finds it
    bool coherent = false;
    bool owned = true; ///< buffer and memory are destroyed with this

  private:
    VkMappedMemoryRange range(uint64_t offset, uint64_t size_bytes) const;
};

/// What memory is for decides where it lies.
enum class VulkanPlace { Device, Host };

base::Result<std::shared_ptr<VulkanMemory>> allocate_vulkan(const VulkanContextPtr &context,
                                                            uint64_t size_bytes, VulkanPlace place);
base::Result<std::shared_ptr<Memory>> wrap_vulkan(const VulkanContextPtr &context,
                                                  const MemoryRequest &request);

/// Memory on the way between host and device, kept for the next copy.
class VulkanStages {
  public:
    /// At least so large.
    base::Result<std::shared_ptr<VulkanMemory>> take(const VulkanContextPtr &context,
                                                     uint64_t size_bytes);
    void give(std::shared_ptr<VulkanMemory> stage);

  private:
    std::mutex mutex_;
    std::vector<std::shared_ptr<VulkanMemory>> kept_;
    uint64_t kept_bytes_ = 0;
};

struct VulkanProgram;

/// One launch made ready for a command buffer. It holds nothing of what it names, and is used for
/// one launch after another: what the same program needs again stays.
struct VulkanDispatch {
    const VulkanProgram *program = nullptr;
    uint64_t serial = 0; ///< of the program; addresses come again
    VkPipeline pipeline = VK_NULL_HANDLE;
    uint32_t buffer_count = 0;
    uint32_t binding_count = 0;                        ///< of the program
    std::array<uint64_t, vulkan_buffer_limit> largest; ///< range that each of them takes
    std::array<VkDescriptorBufferInfo, vulkan_buffer_limit> buffers;
    std::array<VkWriteDescriptorSet, vulkan_buffer_limit> writes; ///< of the buffers into a set
    std::array<unsigned char, vulkan_value_limit> values{};
    std::array<uint32_t, 3> grid{};

    VulkanDispatch() = default;
    VulkanDispatch(const VulkanDispatch &) = delete; // it points into itself
    VulkanDispatch &operator=(const VulkanDispatch &) = delete;
};

/// Pools that sets are taken from, one after the other.
struct VulkanSets {
    std::vector<VkDescriptorPool> pools;
    size_t current = 0; ///< those before it are full
};

/// A recorded batch.
struct VulkanRecording {
    VkCommandPool pool = VK_NULL_HANDLE;
    VkCommandBuffer commands = VK_NULL_HANDLE;
    VkPipeline bound = VK_NULL_HANDLE;
    VulkanSets sets;
    std::vector<std::shared_ptr<const void>> holds;
};

/// A pipeline for one size of groups and of scratch.
struct VulkanVariant {
    std::array<uint32_t, 3> group{};
    std::vector<uint32_t> scratch; ///< elements, by place
    VkPipeline pipeline = VK_NULL_HANDLE;
};

/// A kernel, or a recording where `recording` is set.
struct VulkanProgram final : Program {
    explicit VulkanProgram(VulkanContextPtr owner) : context(std::move(owner)) {}
    ~VulkanProgram() override;

    VulkanContextPtr context;
    uint64_t serial = 0; ///< the same as of no other program
    SpirvKernel kernel;
    std::vector<uint32_t> code; ///< for the key of the cache
    std::string entry;
    VkShaderModule module = VK_NULL_HANDLE;
    VkDescriptorSetLayout set_layout = VK_NULL_HANDLE;
    VkPipelineLayout layout = VK_NULL_HANDLE;
    std::mutex mutex; ///< for `variants`
    std::vector<std::unique_ptr<const VulkanVariant>> variants;
    std::atomic<const VulkanVariant *> last{nullptr}; ///< the one that was launched last
    std::unique_ptr<VulkanRecording> recording;
};

base::Result<std::shared_ptr<Program>> build_vulkan(const VulkanContextPtr &context,
                                                    const CodeRequest &request);

/// The pipeline for these sizes, built if this is the first launch with them.
base::Result<VkPipeline> find_pipeline(VulkanProgram &program, const std::array<uint32_t, 3> &group,
                                       std::span<const uint32_t> scratch);

/// Checks the arguments of a launch against the kernel and lays them out.
base::Done pack_vulkan(VulkanProgram &program, std::span<const Arg> args, const Shape &shape,
                       VulkanDispatch &into);

/// Writes one launch into a command buffer where `bound` is the pipeline so far, with what keeps it
/// in order. Pools for sets are added to `sets` where the driver has no push descriptors.
base::Done record_dispatch(const VulkanContext &context, VkCommandBuffer commands,
                           VulkanDispatch &dispatch, VkPipeline &bound, VulkanSets &sets);

/// All before is done, and seen by device and host, before anything after begins.
void record_barrier(const VulkanContext &context, VkCommandBuffer commands);

base::Result<std::shared_ptr<Program>> record_vulkan(const VulkanContextPtr &context,
                                                     std::span<const Launch> launches);

} // namespace hwa::launch
