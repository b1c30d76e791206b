// SPDX-License-Identifier: MIT
// The header of a GGUF file: the keys planning needs and a visit to each tensor's description.
#pragma once

#include "base/status.h"
#include "plan/model/ggml_types.h"
#include "plan/model/window.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hwa::plan {

/// A key with whole numbers, a text, or an array of whole numbers (one for each layer).
struct GgufKey {
    std::string name;
    uint64_t byte = 0; ///< where its value starts
    std::string text;
    std::vector<uint64_t> numbers;
    uint64_t count = 0; ///< elements of an array; 1 otherwise
    bool array = false;
    bool whole = true; ///< false if the value is no whole number from 0 up
};

/// A tensor's description.
struct GgufTensor {
    std::string name;
    const GgmlType *type = nullptr;
    uint32_t rank = 0;
    uint64_t row = 0; ///< elements of the first dimension
    uint64_t elements = 0;
    uint64_t bytes = 0;
};

struct GgufHeader {
    uint32_t version = 0;
    uint64_t tensor_count = 0;
    uint64_t data_offset = 0;
    std::vector<GgufKey> keys; ///< those that planning may need

    const GgufKey *find(std::string_view name) const;
};

/// What a header may hold before it is refused.
struct GgufLimits {
    uint64_t keys = 100000;
    uint64_t kept_keys = 256;
    uint64_t tensors = 1000000;
    uint64_t dims = 8;
    uint64_t text_bytes = uint64_t{1} << 20;
    uint64_t alignment = uint64_t{1} << 20;
    uint64_t read_bytes = uint64_t{128} << 20; ///< real headers stay below 32 MiB
};

/// Reads a header, calling `visit` for each tensor in turn.
base::Result<GgufHeader>
read_gguf_header(const Source &source, const std::function<base::Done(const GgufTensor &)> &visit,
                 const GgufLimits &limits = {});

} // namespace hwa::plan
