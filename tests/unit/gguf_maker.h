// SPDX-License-Identifier: MIT
// Writes GGUF bytes, sound or not, and sources over memory.
#pragma once

#include "plan/model/window.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::test {

/// Appends little-endian numbers and lengths with text.
class Bytes {
  public:
    template <class T> Bytes &put(T value) {
        for (size_t i = 0; i < sizeof(T); ++i)
            text_ += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
        return *this;
    }
    Bytes &u32(uint64_t value) { return put(static_cast<uint32_t>(value)); }
    Bytes &u64(uint64_t value) { return put(value); }
    Bytes &text(std::string_view value) {
        u64(value.size());
        text_ += value;
        return *this;
    }
    Bytes &raw(std::string_view value) {
        text_ += value;
        return *this;
    }
    const std::string &str() const { return text_; }
    size_t size() const { return text_.size(); }

  private:
    std::string text_;
};

/// Types of GGUF values.
enum : uint32_t { GgufU8 = 0, GgufU32 = 4, GgufI32 = 5, GgufF32 = 6, GgufText = 8, GgufArray = 9 };
enum : uint32_t { GgufU64 = 10, GgufI64 = 11 };

/// A file in parts: header, keys, tensors, data.
class GgufMaker {
  public:
    uint32_t version = 3;
    uint64_t tensors = 0;
    uint64_t keys = 0;
    Bytes key_bytes;
    Bytes tensor_bytes;
    uint64_t data = 0; ///< bytes of it

    GgufMaker &key(std::string_view name, uint32_t type, const Bytes &value) {
        ++keys;
        key_bytes.text(name).u32(type).raw(value.str());
        return *this;
    }
    GgufMaker &u32(std::string_view name, uint64_t value) {
        return key(name, GgufU32, Bytes().u32(value));
    }
    GgufMaker &text(std::string_view name, std::string_view value) {
        return key(name, GgufText, Bytes().text(value));
    }
    GgufMaker &array(std::string_view name, std::vector<uint32_t> values) {
        Bytes bytes;
        bytes.u32(GgufU32).u64(values.size());
        for (const uint32_t value : values)
            bytes.u32(value);
        return key(name, GgufArray, bytes);
    }
    /// A tensor whose offset follows on those before it.
    GgufMaker &tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type,
                      uint64_t bytes) {
        return tensor_at(name, std::move(dims), type, data, bytes);
    }
    GgufMaker &tensor_at(std::string_view name, std::vector<uint64_t> dims, uint32_t type,
                         uint64_t offset, uint64_t bytes) {
        ++tensors;
        tensor_bytes.text(name).u32(dims.size());
        for (const uint64_t dim : dims)
            tensor_bytes.u64(dim);
        tensor_bytes.u32(type).u64(offset);
        data = std::max(data, offset + (bytes + 31) / 32 * 32);
        return *this;
    }
    std::string header() const {
        Bytes made;
        made.raw("GGUF").u32(version).u64(tensors).u64(keys);
        made.raw(key_bytes.str()).raw(tensor_bytes.str());
        return made.str();
    }
    std::string file() const {
        std::string made = header();
        made.resize((made.size() + 31) / 32 * 32 + data);
        return made;
    }
};

/// A small Llama: 2 layers of width 256, 4 heads, 2 of them for keys and values.
inline GgufMaker small_llama() {
    GgufMaker made;
    made.text("general.architecture", "llama").text("general.name", "Small");
    made.u32("llama.block_count", 2).u32("llama.embedding_length", 256);
    made.u32("llama.feed_forward_length", 512).u32("llama.attention.head_count", 4);
    made.u32("llama.attention.head_count_kv", 2).u32("llama.context_length", 4096);
    made.u32("general.file_type", 15);
    made.key("tokenizer.ggml.tokens", GgufArray,
             Bytes().u32(GgufText).u64(3).text("a").text("b").text("c"));
    made.tensor("token_embd.weight", {256, 1024}, 12, 1024 * 144);
    for (const std::string block : {"blk.0.", "blk.1."}) {
        made.tensor(block + "attn_norm.weight", {256}, 0, 1024);
        made.tensor(block + "attn_q.weight", {256, 256}, 12, 256 * 144);
        made.tensor(block + "ffn_down.weight", {512, 256}, 14, 512 * 210);
    }
    made.tensor("output_norm.weight", {256}, 0, 1024);
    made.tensor("output.weight", {256, 1024}, 14, 1024 * 210);
    return made;
}

/// Text as a source, followed by zeros up to `size`, as in a sparse file; counts what is read.
struct MemorySource {
    std::string text;
    uint64_t size = 0;
    std::shared_ptr<uint64_t> read_end = std::make_shared<uint64_t>(0);

    plan::Source source(std::string name = "m.gguf") const {
        const uint64_t end = std::max<uint64_t>(size, text.size());
        return {std::move(name), end,
                [this, end](uint64_t offset, std::span<char> into) -> base::Result<size_t> {
                    if (offset >= end)
                        return size_t{0};
                    const size_t count =
                        static_cast<size_t>(std::min<uint64_t>(into.size(), end - offset));
                    std::memset(into.data(), 0, count);
                    if (offset < text.size())
                        text.copy(into.data(), count, static_cast<size_t>(offset));
                    *read_end = std::max<uint64_t>(*read_end, offset + count);
                    return count;
                }};
    }
};

} // namespace hwa::test
