// SPDX-License-Identifier: MIT
// GGUF versions 2 and 3, after docs/gguf.md of ggml. No count in the file is trusted for memory.
#include "plan/model/gguf.h"

#include "base/text.h"
#include "base/units.h"
#include "core/model.h"

#include <algorithm>
#include <bit>

namespace hwa::plan {

using base::Status;
using Visit = std::function<base::Done(const GgufTensor &)>;

namespace {

/// Types of values; the numbers are those of the format.
enum ValueType : uint32_t {
    TypeU8,
    TypeI8,
    TypeU16,
    TypeI16,
    TypeU32,
    TypeI32,
    TypeF32,
    TypeBool,
    TypeText,
    TypeArray,
    TypeU64,
    TypeI64,
    TypeF64,
    TypeCount
};

/// Bytes of a value of each type; 0 where they vary.
constexpr uint32_t value_bytes[TypeCount] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

/// Names are compared by a 64-bit hash, so that a million of them take 8 MiB and no more.
uint64_t hash(std::string_view text) {
    uint64_t made = 0xcbf29ce484222325u; // FNV-1a
    for (const char c : text)
        made = (made ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return made;
}

/// A name from a file as messages show it.
std::string shown(std::string_view name) {
    return base::sanitise(name, 64);
}

/// What planning may need of an architecture's namespace, behind its name and a dot.
constexpr std::string_view wanted_keys[] = {
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.key_length_mla",
    "attention.key_length_swa",
    "attention.kv_lora_rank",
    "attention.q_lora_rank",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.value_length",
    "attention.value_length_swa",
    "block_count",
    "context_length",
    "embedding_length",
    "expert_count",
    "expert_feed_forward_length",
    "expert_shared_feed_forward_length",
    "expert_used_count",
    "feed_forward_length",
    "nextn_predict_layers",
    "rope.dimension_count",
    "shortconv.l_cache",
    "ssm.conv_kernel",
    "ssm.group_count",
    "ssm.inner_size",
    "ssm.state_size",
    "vocab_size",
    "wkv.head_size",
};

constexpr std::string_view wanted_general[] = {
    "general.alignment", "general.architecture",  "general.file_type",
    "general.name",      "tokenizer.ggml.tokens", "split.count",
};

bool wanted(std::string_view key) {
    for (const std::string_view name : wanted_general)
        if (name == key)
            return true;
    const size_t dot = key.find('.');
    if (dot == std::string_view::npos || key.size() > 128)
        return false;
    for (const std::string_view name : wanted_keys)
        if (name == key.substr(dot + 1))
            return true;
    return false;
}

class Scanner {
  public:
    Scanner(const Source &source, const GgufLimits &limits)
        : source_(source), limits_(limits), in_(source, limits.read_bytes) {}

    base::Result<GgufHeader> run(const Visit &visit) {
        HWA_CHECK(preamble());
        for (uint64_t i = 0; i < key_count_; ++i)
            HWA_CHECK(key());
        HWA_CHECK(unique(hashes_, "key"));
        HWA_CHECK(alignment());
        hashes_.clear();
        for (uint64_t i = 0; i < made_.tensor_count; ++i)
            HWA_CHECK(tensor(visit));
        HWA_CHECK(unique(hashes_, "tensor"));
        HWA_CHECK(data());
        return std::move(made_);
    }

  private:
    base::Done preamble();
    base::Done key();
    base::Done value(GgufKey &key, uint32_t type);
    base::Done array(GgufKey &key, uint32_t depth);
    base::Done number(GgufKey &key, uint32_t type);
    base::Done alignment();
    base::Done tensor(const Visit &visit);
    base::Done dims(GgufTensor &tensor);
    base::Done extent(GgufTensor &tensor, uint64_t byte);
    base::Done unique(std::vector<uint64_t> &hashes, const char *what) const;
    base::Done data();

    const Source &source_;
    const GgufLimits &limits_;
    Window in_;
    GgufHeader made_;
    uint64_t key_count_ = 0;
    uint64_t alignment_ = 32;
    std::vector<uint64_t> hashes_;
    uint64_t data_end_ = 0; ///< of the tensors so far, from data_offset
};

base::Done Scanner::preamble() {
    HWA_TRY(const uint32_t magic, in_.u32());
    if (magic != 0x46554747) // "GGUF"
        return in_.fault(0, "not a GGUF file");
    HWA_TRY(made_.version, in_.u32());
    if (made_.version == 0x02000000 || made_.version == 0x03000000)
        return base::error(Status::Unsupported, "%s: byte 4: a big-endian GGUF file",
                           source_.name.c_str());
    if (made_.version != 2 && made_.version != 3)
        return base::error(Status::Unsupported, "%s: byte 4: GGUF version %u; 2 and 3 are read",
                           source_.name.c_str(), made_.version);
    HWA_TRY(made_.tensor_count, in_.u64());
    HWA_TRY(key_count_, in_.u64());
    if (made_.tensor_count > limits_.tensors)
        return in_.fault(8, "%llu tensors are announced, more than the %llu allowed",
                         static_cast<unsigned long long>(made_.tensor_count),
                         static_cast<unsigned long long>(limits_.tensors));
    if (key_count_ > limits_.keys)
        return in_.fault(16, "%llu keys are announced, more than the %llu allowed",
                         static_cast<unsigned long long>(key_count_),
                         static_cast<unsigned long long>(limits_.keys));
    return {};
}

base::Done Scanner::key() {
    const uint64_t byte = in_.offset();
    HWA_TRY(std::string name, in_.text(limits_.text_bytes));
    if (name.empty() || name.find('\0') != std::string::npos)
        return in_.fault(byte, "a key that is empty or holds a NUL");
    hashes_.push_back(hash(name));
    HWA_TRY(const uint32_t type, in_.u32());
    GgufKey made;
    made.name = std::move(name);
    made.byte = in_.offset();
    HWA_CHECK(value(made, type));
    if (!wanted(made.name))
        return {};
    if (made_.keys.size() == limits_.kept_keys)
        return in_.fault(byte, "more than %llu keys that describe a shape",
                         static_cast<unsigned long long>(limits_.kept_keys));
    made_.keys.push_back(std::move(made));
    return {};
}

base::Done Scanner::value(GgufKey &key, uint32_t type) {
    key.count = 1;
    if (type == TypeArray)
        return array(key, 1);
    if (type == TypeText) {
        // Long texts such as chat templates are of no use here.
        if (!key.name.starts_with("general."))
            return in_.skip_texts(1, limits_.text_bytes);
        HWA_TRY(key.text, in_.text(limits_.text_bytes));
        key.text.resize(std::min<size_t>(key.text.size(), 256));
        return {};
    }
    return number(key, type);
}

base::Done Scanner::number(GgufKey &key, uint32_t type) {
    if (type >= TypeCount || value_bytes[type] == 0)
        return in_.fault(in_.offset(), "key %s: unknown value type %u", shown(key.name).c_str(),
                         type);
    const uint32_t size = value_bytes[type];
    HWA_TRY(const uint64_t bits, in_.bits(size));
    const bool is_signed = type == TypeI8 || type == TypeI16 || type == TypeI32 || type == TypeI64;
    const bool negative = is_signed && (bits >> (8 * size - 1)) != 0;
    key.whole = key.whole && type != TypeF32 && type != TypeF64 && !negative;
    key.numbers.push_back(bits);
    return {};
}

base::Done Scanner::array(GgufKey &key, uint32_t depth) {
    const uint64_t byte = in_.offset();
    HWA_TRY(const uint32_t type, in_.u32());
    HWA_TRY(const uint64_t count, in_.u64());
    if (type >= TypeCount)
        return in_.fault(byte, "key %s: unknown array type %u", shown(key.name).c_str(), type);
    if (type == TypeArray && depth >= 2)
        return in_.fault(byte, "key %s: arrays nested more than 2 deep", shown(key.name).c_str());
    // The least an element takes: itself, the length of a text, or type and count of an array.
    const uint64_t least = type == TypeText ? 8 : type == TypeArray ? 12 : value_bytes[type];
    if (count > in_.remaining() / least)
        return in_.fault(byte, "key %s: %llu elements are announced, and %llu bytes are left",
                         shown(key.name).c_str(), static_cast<unsigned long long>(count),
                         static_cast<unsigned long long>(in_.remaining()));
    key.array = true;
    key.count = count;
    if (type == TypeText)
        return in_.skip_texts(count, limits_.text_bytes);
    if (type == TypeArray) {
        GgufKey inner;
        inner.name = key.name;
        for (uint64_t i = 0; i < count; ++i, inner.numbers.clear())
            HWA_CHECK(array(inner, depth + 1));
        return {};
    }
    // An array of one number for each layer is kept, a longer one is none.
    if (!wanted(key.name) || count > core::layer_limit)
        return in_.skip(count * value_bytes[type]);
    for (uint64_t i = 0; i < count; ++i)
        HWA_CHECK(number(key, type));
    return {};
}

base::Done Scanner::alignment() {
    const GgufKey *key = made_.find("general.alignment");
    if (key == nullptr)
        return {};
    const uint64_t value = key->numbers.size() == 1 && key->whole ? key->numbers[0] : 0;
    if (!std::has_single_bit(value) || value > limits_.alignment)
        return in_.fault(key->byte, "general.alignment is not a power of two up to %llu",
                         static_cast<unsigned long long>(limits_.alignment));
    alignment_ = value;
    return {};
}

base::Done Scanner::dims(GgufTensor &tensor) {
    const uint64_t byte = in_.offset();
    HWA_TRY(tensor.rank, in_.u32());
    if (tensor.rank == 0 || tensor.rank > limits_.dims)
        return in_.fault(byte, "tensor %s has %u dimensions; 1 to %llu are allowed",
                         shown(tensor.name).c_str(), tensor.rank,
                         static_cast<unsigned long long>(limits_.dims));
    tensor.elements = 1;
    for (uint32_t i = 0; i < tensor.rank; ++i) {
        const uint64_t at = in_.offset();
        HWA_TRY(const uint64_t size, in_.u64());
        if (size == 0)
            return in_.fault(at, "tensor %s: dimension %u is 0", shown(tensor.name).c_str(), i);
        if (i == 0)
            tensor.row = size;
        const auto product = base::checked_mul(tensor.elements, size);
        if (!product || *product > core::parameter_limit)
            return in_.fault(at, "tensor %s: the product of its dimensions overflows",
                             shown(tensor.name).c_str());
        tensor.elements = *product;
    }
    return {};
}

/// Reads the offset and checks that the tensor lies in the file, behind the one before it.
base::Done Scanner::extent(GgufTensor &tensor, uint64_t byte) {
    const uint64_t at = in_.offset();
    HWA_TRY(const uint64_t offset, in_.u64());
    if (offset % alignment_ != 0)
        return in_.fault(at, "tensor %s: offset %llu is not a multiple of %llu",
                         shown(tensor.name).c_str(), static_cast<unsigned long long>(offset),
                         static_cast<unsigned long long>(alignment_));
    if (offset < data_end_)
        return in_.fault(at, "tensor %s: offset %llu lies inside the tensor before it",
                         shown(tensor.name).c_str(), static_cast<unsigned long long>(offset));
    const auto end = base::checked_add(offset, tensor.bytes);
    if (!end || *end > source_.size)
        return in_.fault(byte,
                         "tensor %s of %llu bytes at offset %llu reaches past the end of the "
                         "file, which has %llu",
                         shown(tensor.name).c_str(), static_cast<unsigned long long>(tensor.bytes),
                         static_cast<unsigned long long>(offset),
                         static_cast<unsigned long long>(source_.size));
    data_end_ = *end;
    return {};
}

base::Done Scanner::tensor(const Visit &visit) {
    const uint64_t byte = in_.offset();
    GgufTensor made;
    HWA_TRY(made.name, in_.text(limits_.text_bytes));
    if (made.name.empty() || made.name.find('\0') != std::string::npos)
        return in_.fault(byte, "a tensor's name is empty or holds a NUL");
    hashes_.push_back(hash(made.name));
    HWA_CHECK(dims(made));
    const uint64_t at = in_.offset();
    HWA_TRY(const uint32_t type, in_.u32());
    made.type = find_ggml_type(type);
    if (made.type == nullptr)
        return in_.fault(at, "tensor %s: unknown type %u", shown(made.name).c_str(), type);
    if (made.row % made.type->block_elements != 0)
        return in_.fault(at, "tensor %s: rows of %llu are no whole blocks of %s",
                         shown(made.name).c_str(), static_cast<unsigned long long>(made.row),
                         made.type->name);
    made.bytes = made.elements / made.type->block_elements * made.type->block_bytes;
    HWA_CHECK(extent(made, byte));
    return visit(made);
}

base::Done Scanner::unique(std::vector<uint64_t> &hashes, const char *what) const {
    std::sort(hashes.begin(), hashes.end());
    if (std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end())
        return in_.fault(in_.offset(), "two %ss before this byte have one name", what);
    return {};
}

base::Done Scanner::data() {
    made_.data_offset = base::divide_up(in_.offset(), alignment_) * alignment_;
    const auto end = base::checked_add(made_.data_offset, data_end_);
    if (made_.tensor_count != 0 && (!end || *end > source_.size))
        return in_.fault(made_.data_offset,
                         "the tensors take %llu bytes from here, and the file has %llu in all: it "
                         "is cut short",
                         static_cast<unsigned long long>(data_end_),
                         static_cast<unsigned long long>(source_.size));
    return {};
}

} // namespace

const GgufKey *GgufHeader::find(std::string_view name) const {
    for (const GgufKey &key : keys)
        if (key.name == name)
            return &key;
    return nullptr;
}

base::Result<GgufHeader> read_gguf_header(const Source &source, const Visit &visit,
                                          const GgufLimits &limits) {
    return Scanner(source, limits).run(visit);
}

} // namespace hwa::plan
