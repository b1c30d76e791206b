// SPDX-License-Identifier: MIT
// The tensor types of GGUF files: blocks of elements that share scales.
#pragma once

#include "core/dtype.h"

#include <cstdint>
#include <span>

namespace hwa::plan {

struct GgmlType {
    uint32_t id; ///< as written in files
    const char *name;
    uint32_t block_elements;
    uint32_t block_bytes;
    core::Dtype dtype; ///< Unknown where the library has no name of its own for it
};

std::span<const GgmlType> ggml_types();

/// The type of that id, or NULL.
const GgmlType *find_ggml_type(uint32_t id);

/// Name of a mix by general.file_type, such as "Q4_K_M"; NULL if it has none.
const char *recipe_name(uint64_t file_type);

} // namespace hwa::plan
