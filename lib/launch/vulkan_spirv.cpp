// SPDX-License-Identifier: MIT
// SPIR-V: what a kernel declares of its groups and arguments.
// Document: Vulkan 1.3 specification, "Shader Resource Interface"; SPIR-V 1.6, section 2.16.
#include "base/units.h"
#include "launch/vulkan_spirv_reader.h"

#include <algorithm>

namespace hwa::launch {

using base::Status;
using namespace spirv;

static constexpr uint32_t binding_limit = 1024;
static constexpr uint32_t built_in_group_size = 25;

base::Result<SpirvKernel> SpirvReader::read(std::string_view entry) {
    HWA_CHECK(read_header());
    for (size_t at = 5; at < words_.size();) {
        HWA_TRY(const Instruction next, instruction(at));
        HWA_CHECK(take(next));
        at += next.operands.size() + 1;
    }
    if (in_function_)
        return broken(words_.size(), "the module ends inside a function");
    HWA_CHECK(choose(entry));
    HWA_CHECK(read_group());
    for (const Instruction &variable : variables_)
        if (used(variable.operands[1]))
            HWA_CHECK(take_variable(variable));
    return std::move(kernel_);
}

bool SpirvReader::used(uint32_t variable) const {
    // Before 1.4 the interface has what goes in and out only, which a kernel has not.
    return kernel_.version < 0x00010400 ||
           std::binary_search(chosen_->interface.begin(), chosen_->interface.end(), variable);
}

base::Done SpirvReader::choose(std::string_view name) {
    for (const Entry &entry : entries_)
        if (entry.name == name)
            chosen_ = &entry;
    if (chosen_ != nullptr) {
        if (std::find(functions_.begin(), functions_.end(), chosen_->function) != functions_.end())
            return {};
        return broken(words_.size(), "the entry point names function %u, which is not there",
                      chosen_->function);
    }
    for (const uint32_t capability : kernel_.capabilities)
        if (capability == 6)
            return base::error(Status::Unsupported, "the module is of OpenCL's dialect of SPIR-V");
    std::string names;
    for (const Entry &entry : entries_)
        names += (names.empty() ? "" : ", ") + entry.name;
    return base::error(Status::NotFound, "the module has no kernel \"%s\"; it has: %s",
                       base::sanitise(name, 64).c_str(),
                       names.empty() ? "none" : base::sanitise(names, 200).c_str());
}

base::Result<SpirvExtent> SpirvReader::extent(const Instruction &by, uint32_t id) const {
    HWA_TRY(const Thing *const thing, find(by, id));
    const Instruction &made_by = thing->made_by;
    if (made_by.op != OpConstant && made_by.op != OpSpecConstant)
        return base::error(Status::Unsupported,
                           "the size of a group is computed from specialization constants, which a "
                           "launch cannot follow");
    if (!is_word(made_by))
        return base::error(Status::Unsupported,
                           "an extent of a group is a constant that is no whole number of 32 bits");
    SpirvExtent found{made_by.operands[2], {}};
    if (made_by.op == OpSpecConstant)
        found.constant = mark(id, SpecId);
    if (found.value == 0)
        return broken(made_by.at, "an extent of a group is 0");
    return found;
}

/// The built-in constant goes before the mode, by the Vulkan specification of WorkgroupSize.
base::Done SpirvReader::read_group() {
    for (const Mark &row : marks_) {
        const auto found = things_.find(row.target);
        if (row.decoration != BuiltIn || row.value != built_in_group_size ||
            row.member != of_whole || found == things_.end())
            continue;
        const Instruction &made_by = found->second.made_by;
        if (made_by.op != OpConstantComposite && made_by.op != OpSpecConstantComposite)
            return broken(made_by.at, "the size of a group is no composite of constants");
        HWA_CHECK(needs(made_by, 5));
        for (size_t i = 0; i < 3; ++i) {
            HWA_TRY(kernel_.group[i], extent(made_by, made_by.operands[i + 2]));
        }
        return {};
    }
    for (const Instruction &mode : modes_) {
        if (mode.operands[0] != chosen_->function)
            continue;
        kernel_.group_by_id = mode.operands[1] == LocalSizeId;
        for (size_t i = 0; i < 3; ++i) {
            const uint32_t value = mode.operands[i + 2];
            if (!kernel_.group_by_id && value == 0)
                return broken(mode.at, "an extent of a group is 0");
            if (!kernel_.group_by_id) {
                kernel_.group[i] = {value, {}};
                continue;
            }
            HWA_TRY(kernel_.group[i], extent(mode, value));
        }
        return {};
    }
    return broken(words_.size(), "the kernel does not tell the size of its groups");
}

base::Done SpirvReader::take_variable(const Instruction &variable) {
    HWA_TRY(const Thing *const pointer, find(variable, variable.operands[0]));
    if (pointer->made_by.op != OpTypePointer)
        return broken(variable.at, "a variable whose type is no pointer");
    const uint32_t storage = variable.operands[2];
    if (storage != pointer->made_by.operands[1])
        return broken(variable.at, "a variable whose pointer is of another storage class");
    const uint32_t type_id = pointer->made_by.operands[2];
    const auto found = things_.find(type_id);
    if (found == things_.end())
        return broken(variable.at, "id %u is not defined", type_id);
    const Thing &type = found->second;
    switch (storage) {
    case StorageBuffer:
        return take_buffer(variable, type, SpirvBinding::Storage);
    case Uniform:
        return take_buffer(variable, type,
                           mark(type_id, BufferBlock) ? SpirvBinding::Storage
                                                      : SpirvBinding::Uniform);
    case UniformConstant:
        return base::error(Status::Unsupported,
                           "the kernel takes an image or a sampler; a launch has buffers only");
    case PushConstant:
        return take_block(variable, type);
    case Workgroup:
        return take_shared(variable, type);
    default:
        return {};
    }
}

base::Done SpirvReader::take_buffer(const Instruction &variable, const Thing &type,
                                    SpirvBinding kind) {
    const uint32_t id = variable.operands[1];
    if (type.made_by.op != OpTypeStruct)
        return base::error(Status::Unsupported,
                           "the kernel takes an array of buffers under one number; a launch has "
                           "one buffer for each");
    const auto number = mark(id, Binding);
    if (!number)
        return broken(variable.at, "a buffer without a binding");
    const uint32_t set = mark(id, DescriptorSet).value_or(0);
    if (set != 0)
        return base::error(Status::Unsupported,
                           "the kernel takes a buffer of set %u; a launch fills set 0 only", set);
    if (*number >= binding_limit)
        return base::error(Status::Unsupported, "binding %u is over the limit of %u", *number,
                           binding_limit - 1);
    if (kernel_.bindings.size() <= *number)
        kernel_.bindings.resize(size_t{*number} + 1);
    SpirvBinding &at = kernel_.bindings[*number];
    // One binding may have several names of the same kind.
    if (at != SpirvBinding::Unused && at != kind)
        return broken(variable.at, "binding %u is of two kinds", *number);
    at = kind;
    return {};
}

base::Done SpirvReader::take_block(const Instruction &variable, const Thing &type) {
    if (type.made_by.op != OpTypeStruct)
        return broken(variable.at, "push constants that are no struct");
    if (!kernel_.values.empty())
        return broken(variable.at, "a second block of push constants");
    const auto members = type.made_by.operands.subspan(1);
    const uint32_t id = type.made_by.operands[0];
    for (uint32_t i = 0; i < members.size(); ++i) {
        const auto offset = mark(id, Offset, i);
        const auto found = things_.find(members[i]);
        if (!offset || found == things_.end())
            return broken(type.made_by.at, "member %u of the push constants has no offset", i);
        if (!found->second.sized)
            return base::error(Status::Unsupported,
                               "member %u of the push constants has a size that only the driver "
                               "knows",
                               i);
        kernel_.values.push_back({*offset, found->second.size_bytes});
    }
    std::sort(kernel_.values.begin(), kernel_.values.end(),
              [](const SpirvMember &a, const SpirvMember &b) { return a.offset < b.offset; });
    kernel_.value_bytes = type.size_bytes;
    return {};
}

base::Done SpirvReader::take_shared(const Instruction &variable, const Thing &type) {
    if (type.made_by.op == OpTypeArray) {
        const auto length = things_.find(type.made_by.operands[2]);
        HWA_TRY(const Thing *const element, find(variable, type.made_by.operands[1]));
        const auto constant = mark(type.made_by.operands[2], SpecId);
        const bool of_group =
            std::any_of(kernel_.group.begin(), kernel_.group.end(), [&](const SpirvExtent &one) {
                return one.constant && one.constant == constant;
            });
        if (length != things_.end() && length->second.made_by.op == OpSpecConstant && constant &&
            !of_group && element->size_bytes != 0 && element->sized) {
            if (!is_word(length->second.made_by))
                return base::error(Status::Unsupported,
                                   "the length of a shared array is a constant that is no whole "
                                   "number of 32 bits");
            kernel_.scratch.push_back(
                {*constant, length->second.made_by.operands[2], element->size_bytes});
            return {};
        }
    }
    kernel_.shared_bytes =
        base::checked_add(kernel_.shared_bytes, type.size_bytes).value_or(UINT64_MAX);
    return {};
}

base::Result<SpirvKernel> read_spirv(std::span<const uint32_t> words, std::string_view entry) {
    return SpirvReader(words).read(entry);
}

} // namespace hwa::launch
