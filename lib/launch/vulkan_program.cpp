// SPDX-License-Identifier: MIT
// Vulkan: from SPIR-V to pipelines, one for each size of groups and of scratch that is launched.
// Document: Vulkan 1.3 specification, chapters "Shaders", "Pipelines"; "SPIR-V Capabilities".
#include "base/units.h"
#include "launch/cache.h"
#include "launch/vulkan.h"
#include "os/caller.h"

#include <algorithm>
#include <cstring>

namespace hwa::launch {
namespace {

using base::Status;

/// A capability of SPIR-V, and what says that the device has it.
struct CapabilityRow {
    uint32_t number;
    const char *name;
    bool (*has)(const VulkanTraits &traits);
};

#define HWA_CAPABILITY(number, name, condition)                                                    \
    {                                                                                              \
        number, name, [](const VulkanTraits &traits) { return (condition) != 0; }                  \
    }
#define HWA_SUBGROUP(number, name, bit)                                                            \
    HWA_CAPABILITY(number, name, traits.subgroup_operations &VK_SUBGROUP_FEATURE_##bit##_BIT)

constexpr CapabilityRow capability_rows[] = {
    {0, "Matrix", [](const VulkanTraits &) { return true; }},
    {1, "Shader", [](const VulkanTraits &) { return true; }},
    HWA_CAPABILITY(9, "Float16", traits.features12.shaderFloat16),
    HWA_CAPABILITY(10, "Float64", traits.features.shaderFloat64),
    HWA_CAPABILITY(11, "Int64", traits.features.shaderInt64),
    HWA_CAPABILITY(12, "Int64Atomics",
                   traits.features12.shaderBufferInt64Atomics |
                       traits.features12.shaderSharedInt64Atomics),
    HWA_CAPABILITY(22, "Int16", traits.features.shaderInt16),
    HWA_CAPABILITY(39, "Int8", traits.features12.shaderInt8),
    {50, "ImageQuery", [](const VulkanTraits &) { return true; }},
    HWA_SUBGROUP(61, "GroupNonUniform", BASIC),
    HWA_SUBGROUP(62, "GroupNonUniformVote", VOTE),
    HWA_SUBGROUP(63, "GroupNonUniformArithmetic", ARITHMETIC),
    HWA_SUBGROUP(64, "GroupNonUniformBallot", BALLOT),
    HWA_SUBGROUP(65, "GroupNonUniformShuffle", SHUFFLE),
    HWA_SUBGROUP(66, "GroupNonUniformShuffleRelative", SHUFFLE_RELATIVE),
    HWA_SUBGROUP(67, "GroupNonUniformClustered", CLUSTERED),
    HWA_SUBGROUP(68, "GroupNonUniformQuad", QUAD),
    {4427, "DrawParameters", [](const VulkanTraits &) { return true; }},
    HWA_CAPABILITY(4433, "StorageBuffer16BitAccess", traits.features11.storageBuffer16BitAccess),
    HWA_CAPABILITY(4434, "UniformAndStorageBuffer16BitAccess",
                   traits.features11.uniformAndStorageBuffer16BitAccess),
    HWA_CAPABILITY(4435, "StoragePushConstant16", traits.features11.storagePushConstant16),
    HWA_CAPABILITY(4441, "VariablePointersStorageBuffer",
                   traits.features11.variablePointersStorageBuffer),
    HWA_CAPABILITY(4442, "VariablePointers", traits.features11.variablePointers),
    HWA_CAPABILITY(4448, "StorageBuffer8BitAccess", traits.features12.storageBuffer8BitAccess),
    HWA_CAPABILITY(4449, "UniformAndStorageBuffer8BitAccess",
                   traits.features12.uniformAndStorageBuffer8BitAccess),
    HWA_CAPABILITY(4450, "StoragePushConstant8", traits.features12.storagePushConstant8),
    HWA_CAPABILITY(5345, "VulkanMemoryModel", traits.features12.vulkanMemoryModel),
    HWA_CAPABILITY(5346, "VulkanMemoryModelDeviceScope",
                   traits.features12.vulkanMemoryModelDeviceScope),
    HWA_CAPABILITY(6016, "DotProductInputAll", traits.features13.shaderIntegerDotProduct),
    HWA_CAPABILITY(6017, "DotProductInput4x8Bit", traits.features13.shaderIntegerDotProduct),
    HWA_CAPABILITY(6018, "DotProductInput4x8BitPacked", traits.features13.shaderIntegerDotProduct),
    HWA_CAPABILITY(6019, "DotProduct", traits.features13.shaderIntegerDotProduct),
    HWA_CAPABILITY(6033, "AtomicFloat32AddEXT",
                   traits.atomic_float.shaderBufferFloat32AtomicAdd |
                       traits.atomic_float.shaderSharedFloat32AtomicAdd),
    HWA_CAPABILITY(6034, "AtomicFloat64AddEXT",
                   traits.atomic_float.shaderBufferFloat64AtomicAdd |
                       traits.atomic_float.shaderSharedFloat64AtomicAdd),
};
#undef HWA_SUBGROUP
#undef HWA_CAPABILITY

base::Done check_capabilities(const VulkanTraits &traits, const SpirvKernel &kernel) {
    for (const uint32_t number : kernel.capabilities) {
        if (number == 6)
            return base::error(Status::Unsupported, "the module is of OpenCL's dialect of SPIR-V");
        const auto *row =
            std::find_if(std::begin(capability_rows), std::end(capability_rows),
                         [&](const CapabilityRow &one) { return one.number == number; });
        if (row == std::end(capability_rows))
            return base::error(Status::Unsupported,
                               "the module needs capability %u, which kernels are not given here",
                               number);
        if (!row->has(traits))
            return base::error(Status::Unsupported,
                               "the module needs capability %s, which the device lacks", row->name);
    }
    return {};
}

base::Done check_version(const VulkanTraits &traits, const SpirvKernel &kernel) {
    // Vulkan 1.2 takes SPIR-V to 1.5, Vulkan 1.3 to 1.6 ("Versions and Formats").
    if (kernel.version > 0x00010500 && traits.api_version < VK_API_VERSION_1_3)
        return base::error(Status::Unsupported, "a device of Vulkan 1.2 takes no SPIR-V 1.6");
    if (kernel.group_by_id && traits.features13.maintenance4 == VK_FALSE)
        return base::error(Status::Unsupported,
                           "the device lacks what LocalSizeId needs, the feature maintenance4");
    return {};
}

base::Done check_limits(const VulkanContext &context, const SpirvKernel &kernel) {
    const Limits &limits = context.limits;
    if (kernel.bindings.size() > limits.buffers)
        return base::error(Status::Unsupported, "the kernel takes %zu buffers, the device %u",
                           kernel.bindings.size(), limits.buffers);
    const auto uniforms = static_cast<size_t>(
        std::count(kernel.bindings.begin(), kernel.bindings.end(), SpirvBinding::Uniform));
    if (uniforms > context.traits.uniforms)
        return base::error(Status::Unsupported,
                           "the kernel takes %zu uniform buffers, the device %u", uniforms,
                           context.traits.uniforms);
    if (kernel.value_bytes > limits.value_bytes)
        return base::error(Status::Unsupported,
                           "the kernel takes %llu bytes of values, the device %u",
                           static_cast<unsigned long long>(kernel.value_bytes), limits.value_bytes);
    for (size_t i = 0; i < 3; ++i)
        if (!kernel.group[i].constant && kernel.group[i].value > limits.group[i])
            return base::error(Status::Unsupported,
                               "the groups of the kernel have %u threads in direction %zu, the "
                               "device %u",
                               kernel.group[i].value, i, limits.group[i]);
    if (kernel.shared_bytes > limits.shared_bytes)
        return base::error(Status::Unsupported,
                           "the groups of the kernel share %llu bytes, those of the device %u",
                           static_cast<unsigned long long>(kernel.shared_bytes),
                           limits.shared_bytes);
    return {};
}

VkDescriptorType descriptor_type(SpirvBinding kind) {
    return kind == SpirvBinding::Uniform ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                                         : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
}

base::Done create_layouts(VulkanProgram &program) {
    const VulkanContext &context = *program.context;
    std::vector<VkDescriptorSetLayoutBinding> rows;
    for (uint32_t i = 0; i < program.kernel.bindings.size(); ++i) {
        const VkDescriptorType type = descriptor_type(program.kernel.bindings[i]);
        rows.push_back({i, type, 1, VK_SHADER_STAGE_COMPUTE_BIT, nullptr});
    }
    auto set = vulkan_struct<VkDescriptorSetLayoutCreateInfo>(
        VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO);
    if (context.traits.push_descriptors)
        set.flags = VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR;
    set.bindingCount = static_cast<uint32_t>(rows.size());
    set.pBindings = rows.data();
    HWA_VK("vkCreateDescriptorSetLayout", context.vk.vkCreateDescriptorSetLayout(
                                              context.device, &set, nullptr, &program.set_layout));
    // A multiple of four: a block may end with a byte.
    const VkPushConstantRange values = {
        VK_SHADER_STAGE_COMPUTE_BIT, 0,
        static_cast<uint32_t>((program.kernel.value_bytes + 3) & ~3ULL)};
    auto layout =
        vulkan_struct<VkPipelineLayoutCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO);
    layout.setLayoutCount = 1;
    layout.pSetLayouts = &program.set_layout;
    layout.pushConstantRangeCount = values.size == 0 ? 0 : 1;
    layout.pPushConstantRanges = &values;
    HWA_VK("vkCreatePipelineLayout",
           context.vk.vkCreatePipelineLayout(context.device, &layout, nullptr, &program.layout));
    return {};
}

base::Done create_module(VulkanProgram &program) {
    const VulkanContext &context = *program.context;
    auto info =
        vulkan_struct<VkShaderModuleCreateInfo>(VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO);
    info.codeSize = program.code.size() * sizeof program.code[0];
    info.pCode = program.code.data();
    HWA_VK("vkCreateShaderModule",
           context.vk.vkCreateShaderModule(context.device, &info, nullptr, &program.module));
    return {};
}

/// What a driver made of a pipeline, kept from process to process.
class PipelineCache {
  public:
    PipelineCache(const VulkanProgram &program, std::string key)
        : context_(*program.context), key_(std::move(key)) {
        if (context_.cache == nullptr)
            return;
        found_ = context_.cache->find(key_).value_or(std::string());
        if (!create(found_) && !create({}))
            handle_ = VK_NULL_HANDLE;
    }
    ~PipelineCache() {
        if (handle_ != VK_NULL_HANDLE)
            context_.vk.vkDestroyPipelineCache(context_.device, handle_, nullptr);
    }
    PipelineCache(const PipelineCache &) = delete;
    PipelineCache &operator=(const PipelineCache &) = delete;

    VkPipelineCache handle() const { return handle_; }

    void store() const {
        if (handle_ == VK_NULL_HANDLE)
            return;
        const auto ask = context_.vk.vkGetPipelineCacheData;
        size_t size = 0;
        if (ask(context_.device, handle_, &size, nullptr) != VK_SUCCESS || size == 0)
            return;
        std::string content(size, '\0');
        if (ask(context_.device, handle_, &size, content.data()) != VK_SUCCESS)
            return;
        content.resize(size);
        // The driver passes over what it cannot use and does not say so, but it then has more.
        if (content != found_)
            context_.cache->store(key_, content);
    }

  private:
    bool create(std::string_view content) {
        auto info =
            vulkan_struct<VkPipelineCacheCreateInfo>(VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO);
        info.initialDataSize = content.size();
        info.pInitialData = content.data();
        return context_.vk.vkCreatePipelineCache(context_.device, &info, nullptr, &handle_) ==
               VK_SUCCESS;
    }

    const VulkanContext &context_;
    std::string key_;
    VkPipelineCache handle_ = VK_NULL_HANDLE;
    std::string found_;
};

template <class T> std::string_view bytes_of(std::span<const T> values) {
    return {reinterpret_cast<const char *>(values.data()), values.size_bytes()};
}

/// Constants that specialize a module, as the driver takes them.
struct Specialization {
    std::vector<VkSpecializationMapEntry> rows;
    std::vector<uint32_t> values;

    void add(uint32_t constant, uint32_t value) {
        rows.push_back(
            {constant, static_cast<uint32_t>(values.size() * sizeof value), sizeof value});
        values.push_back(value);
    }
};

Specialization specialize(const SpirvKernel &kernel, const VulkanVariant &variant) {
    Specialization made;
    for (size_t i = 0; i < 3; ++i)
        if (kernel.group[i].constant)
            made.add(*kernel.group[i].constant, variant.group[i]);
    for (size_t i = 0; i < variant.scratch.size(); ++i)
        made.add(kernel.scratch[i].constant, variant.scratch[i]);
    return made;
}

base::Result<VkPipeline> create_pipeline(VulkanProgram &program, const VulkanVariant &variant) {
    const VulkanContext &context = *program.context;
    const os::CallerState state;
    const Specialization constants = specialize(program.kernel, variant);
    const VkSpecializationInfo special = {
        static_cast<uint32_t>(constants.rows.size()), constants.rows.data(),
        constants.values.size() * sizeof(uint32_t), constants.values.data()};
    auto info =
        vulkan_struct<VkComputePipelineCreateInfo>(VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO);
    info.stage = vulkan_struct<VkPipelineShaderStageCreateInfo>(
        VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO);
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
    info.stage.module = program.module;
    info.stage.pName = program.entry.c_str();
    info.stage.pSpecializationInfo = constants.rows.empty() ? nullptr : &special;
    info.layout = program.layout;
    const PipelineCache cache(program,
                              cache_key({"vulkan", context.identity, program.entry,
                                         bytes_of(std::span<const uint32_t>(constants.values)),
                                         bytes_of(std::span<const uint32_t>(program.code))}));
    VkPipeline pipeline = VK_NULL_HANDLE;
    const VkResult code = context.vk.vkCreateComputePipelines(context.device, cache.handle(), 1,
                                                              &info, nullptr, &pipeline);
    if (code != VK_SUCCESS) {
        base::Error why = vulkan_failure("vkCreateComputePipelines", code);
        // Drivers give no better name to a kernel they cannot make sense of.
        if (why.status == Status::Driver || why.status == Status::Unavailable)
            why.status = Status::Build;
        return why;
    }
    cache.store();
    return pipeline;
}

/// The first pipeline shows what the driver has to say of the kernel. It is of the sizes that the
/// module was written with, where the device has such.
base::Done build_first(VulkanProgram &program) {
    const Limits &limits = program.context->limits;
    std::array<uint32_t, 3> group{};
    uint64_t threads = 1;
    uint64_t shared_bytes = program.kernel.shared_bytes;
    for (size_t i = 0; i < 3; ++i) {
        group[i] = program.kernel.group[i].value;
        if (group[i] > limits.group[i])
            return {};
        threads = base::checked_mul(threads, group[i]).value_or(UINT64_MAX);
    }
    for (const SpirvScratch &one : program.kernel.scratch)
        shared_bytes = one.add_to(shared_bytes, one.length);
    if (threads > limits.threads_per_group || shared_bytes > limits.shared_bytes)
        return {};
    HWA_CHECK(find_pipeline(program, group, {}));
    return {};
}

/// A kernel whose groups have one size only says so beforehand.
void describe(VulkanProgram &program) {
    const SpirvKernel &kernel = program.kernel;
    const bool fixed =
        std::none_of(kernel.group.begin(), kernel.group.end(),
                     [](const SpirvExtent &one) { return one.constant.has_value(); });
    for (size_t i = 0; fixed && i < 3; ++i)
        program.group[i] = kernel.group[i].value;
    program.shared_bytes = kernel.shared_bytes;
    // Values may be handed over one by one or as a struct, and anywhere among the buffers.
    program.knows_args = kernel.values.empty() && kernel.scratch.empty();
    if (program.knows_args)
        program.args.assign(kernel.bindings.size(), Want::Buffer);
}

} // namespace

VulkanProgram::~VulkanProgram() {
    const api::VulkanDevice &vk = context->vk;
    for (const auto &one : variants)
        vk.vkDestroyPipeline(context->device, one->pipeline, nullptr);
    if (layout != VK_NULL_HANDLE)
        vk.vkDestroyPipelineLayout(context->device, layout, nullptr);
    if (set_layout != VK_NULL_HANDLE)
        vk.vkDestroyDescriptorSetLayout(context->device, set_layout, nullptr);
    if (module != VK_NULL_HANDLE)
        vk.vkDestroyShaderModule(context->device, module, nullptr);
    if (recording == nullptr)
        return;
    for (const VkDescriptorPool pool : recording->sets.pools)
        vk.vkDestroyDescriptorPool(context->device, pool, nullptr);
    if (recording->pool != VK_NULL_HANDLE)
        vk.vkDestroyCommandPool(context->device, recording->pool, nullptr);
}

static bool fits(const VulkanVariant &variant, const std::array<uint32_t, 3> &group,
                 std::span<const uint32_t> scratch) {
    return variant.group == group && variant.scratch.size() == scratch.size() &&
           std::equal(scratch.begin(), scratch.end(), variant.scratch.begin());
}

base::Result<VkPipeline> find_pipeline(VulkanProgram &program, const std::array<uint32_t, 3> &group,
                                       std::span<const uint32_t> scratch) {
    const std::lock_guard lock(program.mutex);
    const auto found = std::find_if(program.variants.begin(), program.variants.end(),
                                    [&](const auto &one) { return fits(*one, group, scratch); });
    if (found != program.variants.end()) {
        program.last.store(found->get(), std::memory_order_release);
        return (*found)->pipeline;
    }
    auto made = std::make_unique<VulkanVariant>(
        VulkanVariant{group, {scratch.begin(), scratch.end()}, VK_NULL_HANDLE});
    HWA_TRY(made->pipeline, create_pipeline(program, *made));
    program.variants.push_back(std::move(made));
    program.last.store(program.variants.back().get(), std::memory_order_release);
    return program.variants.back()->pipeline;
}

base::Result<std::shared_ptr<Program>> build_vulkan(const VulkanContextPtr &context,
                                                    const CodeRequest &request) {
    if (request.kind != core::Code::Spirv)
        return base::error(Status::Unsupported, "Vulkan takes SPIR-V only");
    if (request.code.size() % sizeof(uint32_t) != 0)
        return base::error(Status::Build, "SPIR-V, word %zu: %zu bytes are no whole words",
                           request.code.size() / sizeof(uint32_t), request.code.size());
    const os::CallerState state;
    auto program = std::make_shared<VulkanProgram>(context);
    program->code.resize(request.code.size() / sizeof(uint32_t));
    std::memcpy(program->code.data(), request.code.data(), request.code.size());
    program->entry = request.entry;
    static constinit std::atomic<uint64_t> serials{0};
    program->serial = ++serials;
    HWA_TRY(program->kernel, read_spirv(program->code, request.entry));
    HWA_CHECK(check_version(context->traits, program->kernel));
    HWA_CHECK(check_capabilities(context->traits, program->kernel));
    HWA_CHECK(check_limits(*context, program->kernel));
    HWA_CHECK(create_module(*program));
    HWA_CHECK(create_layouts(*program));
    describe(*program);
    HWA_CHECK(build_first(*program));
    return std::shared_ptr<Program>(std::move(program));
}

} // namespace hwa::launch
