// SPDX-License-Identifier: MIT
// SPIR-V being read: the numbers of the specification, and one pass over the instructions.
// Document: SPIR-V specification 1.6, section 3 (binary form).
#pragma once

#include "base/text.h"
#include "launch/vulkan_spirv.h"

#include <unordered_map>

namespace hwa::launch {

namespace spirv {

enum Op : uint32_t {
    OpMemoryModel = 14,
    OpEntryPoint = 15,
    OpExecutionMode = 16,
    OpCapability = 17,
    OpTypeBool = 20,
    OpTypeInt = 21,
    OpTypeFloat = 22,
    OpTypeVector = 23,
    OpTypeMatrix = 24,
    OpTypeImage = 25,
    OpTypeSampler = 26,
    OpTypeSampledImage = 27,
    OpTypeArray = 28,
    OpTypeRuntimeArray = 29,
    OpTypeStruct = 30,
    OpTypePointer = 32,
    OpConstant = 43,
    OpConstantComposite = 44,
    OpSpecConstant = 50,
    OpSpecConstantComposite = 51,
    OpFunction = 54,
    OpFunctionEnd = 56,
    OpVariable = 59,
    OpDecorate = 71,
    OpMemberDecorate = 72,
    OpLabel = 248,
    OpExecutionModeId = 331,
};

enum Decoration : uint32_t {
    SpecId = 1,
    BufferBlock = 3,
    ArrayStride = 6,
    MatrixStride = 7,
    BuiltIn = 11,
    Binding = 33,
    DescriptorSet = 34,
    Offset = 35,
};

enum Mode : uint32_t { LocalSize = 17, LocalSizeId = 38 };

enum Storage : uint32_t {
    UniformConstant = 0,
    Uniform = 2,
    Workgroup = 4,
    PushConstant = 9,
    StorageBuffer = 12,
};

} // namespace spirv

class SpirvReader {
  public:
    explicit SpirvReader(std::span<const uint32_t> words) : words_(words) {}

    base::Result<SpirvKernel> read(std::string_view entry);

  private:
    struct Instruction {
        uint32_t op = 0;
        size_t at = 0;                      ///< which word of the module it begins at
        std::span<const uint32_t> operands; ///< without the first word
    };

    struct Mark {
        uint32_t target;
        uint32_t member;
        uint32_t decoration;
        uint32_t value;

        auto operator<=>(const Mark &) const = default;
    };

    /// An id that a result was given to.
    struct Thing {
        Instruction made_by;
        uint64_t size_bytes = 0; ///< of a type, as it lies in memory, as far as that is known
        bool sized = false;      ///< it is known
    };

    struct Entry {
        std::string name;
        uint32_t function;
        std::vector<uint32_t> interface; ///< sorted: a module may have very many variables
    };
    static constexpr uint32_t of_whole = UINT32_MAX; ///< a decoration that is of no member

    template <class... Numbers>
    static base::Error broken(size_t word, const char *format, Numbers... numbers) {
        std::string what = format;
        if constexpr (sizeof...(numbers) != 0) // without any, clang takes it for text
            what = base::format(format, numbers...);
        return base::error(base::Status::Build, "SPIR-V, word %zu: %s", word, what.c_str());
    }

    base::Done read_header();
    base::Result<Instruction> instruction(size_t at) const;
    static base::Done needs(const Instruction &next, size_t operands) {
        if (next.operands.size() < operands)
            return broken(next.at, "instruction %u has %zu operands, not %zu", next.op,
                          next.operands.size(), operands);
        return {};
    }

    base::Done check_id(const Instruction &next, uint32_t id) const {
        if (id == 0 || id >= bound_)
            return broken(next.at, "id %u is not below the bound of %u", id, bound_);
        return {};
    }

    /// A type or constant that must be there already.
    base::Result<const Thing *> find(const Instruction &by, uint32_t id) const;

    base::Done define(const Instruction &next, uint32_t id, uint64_t size_bytes = 0);
    base::Done take(const Instruction &next);
    base::Done take_function(const Instruction &next);
    base::Done take_type(const Instruction &next);
    base::Done take_constant(const Instruction &next);
    base::Done take_mark(const Instruction &next);
    base::Done take_entry(const Instruction &next);
    base::Done take_mode(const Instruction &next);

    base::Result<uint64_t> size_of_array(const Instruction &next) const;
    base::Result<uint64_t> size_of_struct(const Instruction &next) const;

    bool is_sized(uint32_t type) const;
    bool is_plain_number(uint32_t id) const;
    bool is_word(const Instruction &constant) const;

    std::optional<uint32_t> mark(uint32_t target, uint32_t decoration,
                                 uint32_t member = of_whole) const;

    base::Done choose(std::string_view name);
    bool used(uint32_t variable) const;
    base::Done read_group();
    base::Result<SpirvExtent> extent(const Instruction &by, uint32_t id) const;
    base::Done take_variable(const Instruction &variable);
    base::Done take_buffer(const Instruction &variable, const Thing &type, SpirvBinding kind);
    base::Done take_block(const Instruction &variable, const Thing &type);
    base::Done take_shared(const Instruction &variable, const Thing &type);

    std::span<const uint32_t> words_;
    uint32_t bound_ = 0;
    std::unordered_map<uint32_t, Thing> things_;
    std::vector<Mark> marks_;
    bool marks_sorted_ = false;
    std::vector<Entry> entries_;
    std::vector<Instruction> modes_;
    std::vector<Instruction> variables_;
    std::vector<uint32_t> functions_;
    bool in_function_ = false;
    bool has_label_ = false;
    const Entry *chosen_ = nullptr;
    SpirvKernel kernel_;
};

} // namespace hwa::launch
