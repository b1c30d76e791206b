// SPDX-License-Identifier: MIT
// ONNX files: the dimensions and types of the initializers, out of a protobuf of any size. Tensor
// data is passed over, and files that hold it elsewhere are never opened.
#include "plan/model/read.h"

#include "base/text.h"
#include "base/units.h"
#include "os/file.h"
#include "plan/model/tally.h"

#include <algorithm>

namespace hwa::plan {

using base::Status;
using core::Dtype;
using core::Model;
using ull = unsigned long long;

namespace {

/// Values of TensorProto.DataType in onnx.proto.
struct OnnxType {
    uint64_t id;
    const char *name;
    uint32_t bits;
    Dtype dtype;
};

constexpr OnnxType onnx_types[] = {
    {1, "f32", 32, Dtype::F32},
    {2, "u8", 8, Dtype::U8},
    {3, "i8", 8, Dtype::I8},
    {4, "u16", 16, Dtype::U16},
    {5, "i16", 16, Dtype::I16},
    {6, "i32", 32, Dtype::I32},
    {7, "i64", 64, Dtype::I64},
    {9, "bool", 8, Dtype::Bool},
    {10, "f16", 16, Dtype::F16},
    {11, "f64", 64, Dtype::F64},
    {12, "u32", 32, Dtype::U32},
    {13, "u64", 64, Dtype::U64},
    {14, "c64", 64, Dtype::C64},
    {15, "c128", 128, Dtype::Unknown},
    {16, "bf16", 16, Dtype::Bf16},
    {17, "f8_e4m3", 8, Dtype::F8E4M3},
    {18, "f8_e4m3fnuz", 8, Dtype::Unknown},
    {19, "f8_e5m2", 8, Dtype::F8E5M2},
    {20, "f8_e5m2fnuz", 8, Dtype::Unknown},
    {21, "u4", 4, Dtype::Unknown},
    {22, "i4", 4, Dtype::I4},
    {23, "f4_e2m1", 4, Dtype::F4E2M1},
};

const OnnxType *find_type(uint64_t id) {
    for (const OnnxType &type : onnx_types)
        if (type.id == id)
            return &type;
    return nullptr;
}

enum Wire : uint32_t { Varint = 0, Fixed64 = 1, Length = 2, Fixed32 = 5 };

/// Messages that lead to tensors.
enum class Message { Model, Graph, Node, Attribute, Tensor, Entry };

struct Child {
    Message parent;
    uint64_t field;
    Message message;
};

constexpr Child children[] = {
    {Message::Model, 7, Message::Graph},      {Message::Graph, 1, Message::Node},
    {Message::Graph, 5, Message::Tensor},     {Message::Node, 5, Message::Attribute},
    {Message::Attribute, 5, Message::Tensor}, {Message::Attribute, 6, Message::Graph},
    {Message::Tensor, 13, Message::Entry},
};

struct OnnxTensor {
    std::string name;
    uint64_t type = 0;
    uint64_t elements = 1;
    uint64_t last = 1; ///< dimension
    uint32_t rank = 0;
    bool raw = false;
    uint64_t raw_bytes = 0;
};

class Scanner {
  public:
    Scanner(const Source &source, Tally &tally)
        : in_(source, read_limit), size_(source.size), tally_(tally) {}

    base::Done run() { return message(Message::Model, size_, 0); }
    uint64_t tensors() const { return tensors_; }

  private:
    static constexpr uint64_t read_limit = uint64_t{128} << 20;
    static constexpr uint64_t tensor_limit = 1000000;
    static constexpr uint64_t text_limit = uint64_t{1} << 16;
    static constexpr uint32_t depth_limit = 32;

    base::Result<uint64_t> varint();
    base::Result<uint64_t> length(uint64_t end);
    base::Done message(Message kind, uint64_t end, uint32_t depth);
    base::Done field(Message kind, uint64_t number, uint32_t wire, uint64_t end, uint32_t depth);
    base::Done pass(uint32_t wire, uint64_t end);
    base::Done dimension(uint64_t size);
    base::Done packed_dimensions(uint64_t end);
    base::Done location(uint64_t bytes);
    base::Result<std::string> text(uint64_t bytes);
    base::Done account(uint64_t byte);

    Window in_;
    uint64_t size_;
    Tally &tally_;
    OnnxTensor tensor_;
    std::string key_; ///< of an entry about external data
    uint64_t tensors_ = 0;
};

base::Result<uint64_t> Scanner::varint() {
    const uint64_t byte = in_.offset();
    uint64_t value = 0;
    for (uint32_t i = 0; i < 10; ++i) {
        HWA_TRY(const uint64_t next, in_.bits(1));
        if (i == 9 && next > 1)
            break;
        value |= (next & 0x7f) << (7 * i);
        if (next < 0x80)
            return value;
    }
    return in_.fault(byte, "a number of more than 64 bits");
}

base::Result<uint64_t> Scanner::length(uint64_t end) {
    const uint64_t byte = in_.offset();
    HWA_TRY(const uint64_t bytes, varint());
    if (in_.offset() > end || bytes > end - in_.offset())
        return in_.fault(byte, "%llu bytes are announced where fewer are left",
                         static_cast<ull>(bytes));
    return bytes;
}

base::Done Scanner::pass(uint32_t wire, uint64_t end) {
    switch (wire) {
    case Varint: {
        HWA_TRY(const uint64_t ignored, varint());
        (void)ignored;
        return {};
    }
    case Fixed64:
        return in_.skip(8);
    case Fixed32:
        return in_.skip(4);
    case Length: {
        HWA_TRY(const uint64_t bytes, length(end));
        return in_.skip(bytes);
    }
    default:
        return in_.fault(in_.offset(), "wire type %u is none of protobuf's", wire);
    }
}

base::Result<std::string> Scanner::text(uint64_t bytes) {
    if (bytes > text_limit)
        return in_.fault(in_.offset(), "a name of %llu bytes; %llu are allowed",
                         static_cast<ull>(bytes), static_cast<ull>(text_limit));
    std::string made;
    made.reserve(bytes);
    for (uint64_t i = 0; i < bytes; ++i) {
        HWA_TRY(const uint64_t next, in_.bits(1));
        made.push_back(static_cast<char>(next));
    }
    return made;
}

base::Done Scanner::dimension(uint64_t size) {
    const auto product = base::checked_mul(tensor_.elements, size);
    if (!product || *product > core::parameter_limit)
        return in_.fault(in_.offset(), "tensor %s: the product of its dimensions overflows",
                         base::sanitise(tensor_.name, 64).c_str());
    tensor_.elements = *product;
    tensor_.last = size;
    if (++tensor_.rank > 32)
        return in_.fault(in_.offset(), "a tensor of more than 32 dimensions");
    return {};
}

base::Done Scanner::packed_dimensions(uint64_t end) {
    while (in_.offset() < end) {
        HWA_TRY(const uint64_t size, varint());
        HWA_CHECK(dimension(size));
    }
    return {};
}

/// Where a tensor's data lies: a file in the same folder or below it.
base::Done Scanner::location(uint64_t bytes) {
    const uint64_t byte = in_.offset();
    HWA_TRY(const std::string path, text(bytes));
    if (key_ != "location")
        return {};
    bool leaves = path.empty() || path[0] == '/' || path.find('\\') != std::string::npos ||
                  path.find('\0') != std::string::npos;
    for (size_t at = 0; at <= path.size() && !leaves;) {
        const size_t slash = std::min(path.find('/', at), path.size());
        leaves = path.compare(at, slash - at, "..") == 0;
        at = slash + 1;
    }
    if (leaves)
        return in_.fault(byte, "tensor %s lies in %s, which is no file of the same folder",
                         base::sanitise(tensor_.name, 64).c_str(),
                         base::sanitise(path, 64).c_str());
    return {};
}

base::Done Scanner::account(uint64_t byte) {
    const std::string shown = base::sanitise(tensor_.name, 64);
    const OnnxType *type = find_type(tensor_.type);
    if (tensor_.type == 8) // texts are no weights
        return {};
    if (type == nullptr)
        return in_.fault(byte, "tensor %s: unknown type %llu", shown.c_str(),
                         static_cast<ull>(tensor_.type));
    if (++tensors_ > tensor_limit)
        return in_.fault(byte, "more than %llu tensors", static_cast<ull>(tensor_limit));
    const auto bits = base::checked_mul(tensor_.elements, type->bits);
    if (!bits)
        return in_.fault(byte, "tensor %s: its bytes overflow", shown.c_str());
    const uint64_t bytes = base::divide_up(*bits, 8);
    if (tensor_.raw && tensor_.raw_bytes != bytes)
        return in_.fault(byte, "tensor %s takes %llu bytes by its shape and has %llu",
                         shown.c_str(), static_cast<ull>(bytes),
                         static_cast<ull>(tensor_.raw_bytes));
    // Shapes and indices are i64, and no parameters.
    const bool weight = type->dtype != Dtype::I64 && type->dtype != Dtype::Bool;
    const uint64_t columns = weight && tensor_.elements != 0 ? tensor_.last : 0;
    const uint64_t rows = columns != 0 ? tensor_.elements / columns : 0;
    if (!tally_.add({tensor_.name, type->name, type->dtype, columns, rows, bytes, tensor_.rank}))
        return in_.fault(byte, "tensor %s is of a layer beyond %llu", shown.c_str(),
                         static_cast<ull>(core::layer_limit));
    return {};
}

base::Done Scanner::field(Message kind, uint64_t number, uint32_t wire, uint64_t end,
                          uint32_t depth) {
    for (const Child &child : children)
        if (child.parent == kind && child.field == number && wire == Length) {
            HWA_TRY(const uint64_t bytes, length(end));
            return message(child.message, in_.offset() + bytes, depth + 1);
        }
    if (kind == Message::Entry && wire == Length && (number == 1 || number == 2)) {
        HWA_TRY(const uint64_t bytes, length(end));
        if (number == 2)
            return location(bytes);
        HWA_TRY(key_, text(bytes));
        return {};
    }
    if (kind != Message::Tensor)
        return pass(wire, end);
    if (number == 1 && wire == Varint) {
        HWA_TRY(const uint64_t size, varint());
        return dimension(size);
    }
    if (number == 2 && wire == Varint) {
        HWA_TRY(tensor_.type, varint());
        return {};
    }
    if (wire != Length || (number != 1 && number != 8 && number != 9))
        return pass(wire, end);
    HWA_TRY(const uint64_t bytes, length(end));
    if (number == 1)
        return packed_dimensions(in_.offset() + bytes);
    if (number == 8) {
        HWA_TRY(tensor_.name, text(bytes));
        return {};
    }
    tensor_.raw = true;
    tensor_.raw_bytes = bytes;
    return in_.skip(bytes);
}

base::Done Scanner::message(Message kind, uint64_t end, uint32_t depth) {
    const uint64_t byte = in_.offset();
    if (depth > depth_limit)
        return in_.fault(byte, "messages nested more than %u deep", depth_limit);
    if (kind == Message::Tensor)
        tensor_ = {};
    if (kind == Message::Entry)
        key_.clear();
    while (in_.offset() < end) {
        HWA_TRY(const uint64_t tag, varint());
        HWA_CHECK(field(kind, tag >> 3, static_cast<uint32_t>(tag & 7), end, depth));
    }
    if (in_.offset() != end)
        return in_.fault(byte, "a message runs past its end");
    return kind == Message::Tensor ? account(byte) : base::Done();
}

} // namespace

base::Done tally_onnx(const Source &source, Tally &tally) {
    Scanner scanner(source, tally);
    HWA_CHECK(scanner.run());
    if (scanner.tensors() == 0)
        return base::error(Status::Parse, "%s: holds no tensors", source.name.c_str());
    return {};
}

} // namespace hwa::plan
