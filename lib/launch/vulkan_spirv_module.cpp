// SPDX-License-Identifier: MIT
// SPIR-V: the structure of a module, its types and constants.
// Document: SPIR-V specification 1.6, sections 2.3 (physical layout) and 2.4 (logical layout).
#include "base/units.h"
#include "launch/vulkan_spirv_reader.h"

#include <algorithm>

namespace hwa::launch {

using base::Status;
using namespace spirv;

static constexpr uint32_t magic = 0x07230203;
static constexpr uint32_t newest_version = 0x00010600;
static constexpr uint32_t id_limit = 4194304; ///< "Universal limits", 2.17
static constexpr uint32_t model_compute = 5;

base::Done SpirvReader::read_header() {
    if (words_.size() < 5)
        return broken(words_.size(), "a module has at least five words");
    if (words_[0] == __builtin_bswap32(magic))
        return broken(0, "the module is of the other byte order");
    if (words_[0] != magic)
        return broken(0, "this is no SPIR-V: it begins with 0x%08x", words_[0]);
    kernel_.version = words_[1];
    if (words_[1] < 0x00010000 || (words_[1] & 0xff0000ff) != 0)
        return broken(1, "0x%08x is no version", words_[1]);
    if (words_[1] > newest_version)
        return base::error(Status::Unsupported, "SPIR-V %u.%u is newer than 1.6", words_[1] >> 16,
                           words_[1] >> 8 & 0xff);
    bound_ = words_[3];
    if (bound_ == 0 || bound_ > id_limit)
        return broken(3, "a bound of %u ids cannot be", bound_);
    if (words_[4] != 0)
        return broken(4, "the schema is %u, not 0", words_[4]);
    return {};
}

base::Result<SpirvReader::Instruction> SpirvReader::instruction(size_t at) const {
    const uint32_t count = words_[at] >> 16;
    if (count == 0)
        return broken(at, "an instruction of no words");
    if (count > words_.size() - at)
        return broken(at, "an instruction of %u words, and %zu are left", count,
                      words_.size() - at);
    return Instruction{words_[at] & 0xffff, at, words_.subspan(at + 1, count - 1)};
}

/// A type or constant that must be there already.
base::Result<const SpirvReader::Thing *> SpirvReader::find(const Instruction &by,
                                                           uint32_t id) const {
    const auto found = things_.find(id);
    if (found == things_.end())
        return broken(by.at, "instruction %u uses id %u, which is not defined before it", by.op,
                      id);
    return &found->second;
}

base::Done SpirvReader::define(const Instruction &next, uint32_t id, uint64_t size_bytes) {
    HWA_CHECK(check_id(next, id));
    if (!things_.emplace(id, Thing{next, size_bytes}).second)
        return broken(next.at, "id %u is defined twice", id);
    return {};
}

std::optional<uint32_t> SpirvReader::mark(uint32_t target, uint32_t decoration,
                                          uint32_t member) const {
    const Mark wanted{target, member, decoration, 0};
    const auto found = std::lower_bound(marks_.begin(), marks_.end(), wanted);
    if (found == marks_.end() || found->target != target || found->member != member ||
        found->decoration != decoration)
        return {};
    return found->value;
}

base::Done SpirvReader::take(const Instruction &next) {
    if (in_function_ || next.op == OpFunction || next.op == OpFunctionEnd)
        return take_function(next);
    switch (next.op) {
    case OpCapability:
        HWA_CHECK(needs(next, 1));
        kernel_.capabilities.push_back(next.operands[0]);
        return {};
    case OpMemoryModel:
        HWA_CHECK(needs(next, 2));
        if (next.operands[1] == 2)
            return base::error(Status::Unsupported, "the module is of OpenCL's dialect of SPIR-V");
        return {};
    case OpEntryPoint:
        return take_entry(next);
    case OpExecutionMode:
    case OpExecutionModeId:
        return take_mode(next);
    case OpDecorate:
    case OpMemberDecorate:
        return take_mark(next);
    case OpVariable:
        HWA_CHECK(needs(next, 3));
        variables_.push_back(next);
        return define(next, next.operands[1]);
    default:
        break;
    }
    if (next.op >= OpTypeBool && next.op <= OpTypePointer)
        return take_type(next);
    return take_constant(next);
}

base::Done SpirvReader::take_function(const Instruction &next) {
    switch (next.op) {
    case OpFunction:
        HWA_CHECK(needs(next, 4));
        if (in_function_)
            return broken(next.at, "a function begins inside another");
        in_function_ = true;
        has_label_ = false;
        functions_.push_back(next.operands[1]);
        return define(next, next.operands[1]);
    case OpFunctionEnd:
        if (!in_function_)
            return broken(next.at, "the end of a function that has not begun");
        if (!has_label_)
            return broken(next.at, "a function without a body");
        in_function_ = false;
        return {};
    case OpLabel:
        HWA_CHECK(needs(next, 1));
        has_label_ = true;
        return define(next, next.operands[0]);
    default:
        return {};
    }
}

base::Done SpirvReader::take_entry(const Instruction &next) {
    HWA_CHECK(needs(next, 3));
    HWA_CHECK(check_id(next, next.operands[1]));
    std::string name;
    size_t word = 2;
    for (bool ended = false; !ended; ++word) {
        if (word == next.operands.size())
            return broken(next.at, "the name of an entry point has no end");
        for (int i = 0; i < 4 && !ended; ++i) {
            const char letter = static_cast<char>(next.operands[word] >> (8 * i) & 0xff);
            ended = letter == '\0';
            if (!ended)
                name += letter;
        }
    }
    if (next.operands[0] != model_compute)
        return {};
    const auto rest = next.operands.subspan(word);
    std::vector<uint32_t> interface(rest.begin(), rest.end());
    std::sort(interface.begin(), interface.end());
    entries_.push_back({std::move(name), next.operands[1], std::move(interface)});
    return {};
}

base::Done SpirvReader::take_mode(const Instruction &next) {
    HWA_CHECK(needs(next, 2));
    const uint32_t mode = next.operands[1];
    if (mode != LocalSize && mode != LocalSizeId)
        return {};
    HWA_CHECK(needs(next, 5));
    modes_.push_back(next);
    return {};
}

base::Done SpirvReader::take_mark(const Instruction &next) {
    const bool member = next.op == OpMemberDecorate;
    const size_t first = member ? 2 : 1;
    HWA_CHECK(needs(next, first + 1));
    HWA_CHECK(check_id(next, next.operands[0]));
    if (marks_sorted_)
        return broken(next.at, "a decoration after the first type");
    marks_.push_back({next.operands[0], member ? next.operands[1] : of_whole, next.operands[first],
                      next.operands.size() > first + 1 ? next.operands[first + 1] : 0});
    return {};
}

base::Done SpirvReader::take_constant(const Instruction &next) {
    const bool composite = next.op == OpConstantComposite || next.op == OpSpecConstantComposite;
    if (!composite && next.op != OpConstant && next.op != OpSpecConstant)
        return {};
    HWA_CHECK(needs(next, composite ? 2 : 3));
    HWA_TRY(const Thing *const type, find(next, next.operands[0]));
    if (!composite && type->made_by.op != OpTypeInt && type->made_by.op != OpTypeFloat)
        return broken(next.at, "a constant of a type that is no number");
    return define(next, next.operands[1]);
}

/// Sizes as they lie in memory: by the strides and offsets that decorate them, else side by side.
base::Done SpirvReader::take_type(const Instruction &next) {
    HWA_CHECK(needs(next, 1));
    if (!marks_sorted_) {
        std::sort(marks_.begin(), marks_.end());
        marks_sorted_ = true;
    }
    uint64_t size_bytes = 0;
    bool sized = true;
    switch (next.op) {
    case OpTypeInt:
    case OpTypeFloat:
        HWA_CHECK(needs(next, 2));
        if (next.operands[1] % 8 != 0 || next.operands[1] == 0 || next.operands[1] > 64)
            return broken(next.at, "a number of %u bits", next.operands[1]);
        size_bytes = next.operands[1] / 8;
        break;
    case OpTypeBool:
        size_bytes = 4; // what drivers make of it in memory that a group shares
        break;
    case OpTypeVector:
    case OpTypeMatrix: {
        HWA_CHECK(needs(next, 3));
        HWA_TRY(const Thing *const part, find(next, next.operands[1]));
        if (next.operands[2] < 2 || next.operands[2] > 16)
            return broken(next.at, "a vector or matrix of %u parts", next.operands[2]);
        const auto whole = base::checked_mul(part->size_bytes, next.operands[2]);
        if (!whole)
            return broken(next.at, "a vector or matrix larger than memory can be");
        size_bytes = *whole;
        sized = part->sized;
        break;
    }
    case OpTypeArray: {
        HWA_TRY(size_bytes, size_of_array(next));
        sized = is_sized(next.operands[1]) && is_plain_number(next.operands[2]);
        break;
    }
    case OpTypeStruct: {
        HWA_TRY(size_bytes, size_of_struct(next));
        for (const uint32_t member : next.operands.subspan(1))
            sized = sized && is_sized(member);
        break;
    }
    case OpTypePointer:
        HWA_CHECK(needs(next, 3));
        size_bytes = 8; // in memory there are none but addresses of 64 bits
        break;
    default:
        sized = false;
        break;
    }
    HWA_CHECK(define(next, next.operands[0], size_bytes));
    things_.find(next.operands[0])->second.sized = sized;
    return {};
}

/// Only pointers may be named before they are made.
bool SpirvReader::is_sized(uint32_t type) const {
    const auto found = things_.find(type);
    return found == things_.end() || found->second.sized;
}

bool SpirvReader::is_plain_number(uint32_t id) const {
    const auto found = things_.find(id);
    return found != things_.end() && found->second.made_by.op == OpConstant;
}

/// Whether a constant is of 32 bits, and so all in its first word.
bool SpirvReader::is_word(const Instruction &constant) const {
    const auto type = things_.find(constant.operands[0]);
    return type != things_.end() && type->second.made_by.op == OpTypeInt &&
           type->second.made_by.operands[1] == 32;
}

base::Result<uint64_t> SpirvReader::size_of_array(const Instruction &next) const {
    HWA_CHECK(needs(next, 3));
    HWA_TRY(const Thing *const element, find(next, next.operands[1]));
    const auto length = things_.find(next.operands[2]);
    // Of a length that is computed from specialization constants nothing is known here.
    if (length == things_.end() || length->second.made_by.op != OpConstant)
        return uint64_t{0};
    const auto words = length->second.made_by.operands.subspan(2);
    const uint64_t count = words.size() > 1 ? uint64_t{words[1]} << 32 | words[0] : words[0];
    const uint64_t stride = mark(next.operands[0], ArrayStride).value_or(0);
    const auto size = base::checked_mul(stride != 0 ? stride : element->size_bytes, count);
    if (!size)
        return broken(next.at, "an array larger than memory can be");
    return *size;
}

base::Result<uint64_t> SpirvReader::size_of_struct(const Instruction &next) const {
    uint64_t end = 0;
    for (size_t i = 1; i < next.operands.size(); ++i) {
        const auto found = things_.find(next.operands[i]);
        // Only pointers may be named before they are made.
        const uint64_t size = found == things_.end() ? 8 : found->second.size_bytes;
        const auto offset = mark(next.operands[0], Offset, static_cast<uint32_t>(i - 1));
        const auto stride = mark(next.operands[0], MatrixStride, static_cast<uint32_t>(i - 1));
        const uint64_t begin = offset ? *offset : end;
        const uint64_t columns = found != things_.end() && found->second.made_by.op == OpTypeMatrix
                                     ? found->second.made_by.operands[2]
                                     : 0;
        const auto member_end =
            base::checked_add(begin, stride && columns != 0 ? uint64_t{*stride} * columns : size);
        if (!member_end)
            return broken(next.at, "a struct larger than memory can be");
        end = std::max(end, *member_end);
    }
    return end;
}

} // namespace hwa::launch
