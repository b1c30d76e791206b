// SPDX-License-Identifier: MIT
// The tensor types of GGUF files: blocks of elements that share scales.
#pragma once

#include "core/dtype.h"

#include <cstdint>
#include <span>

namespace hwa::plan {

/// Ids as written in files, of the types that mixes are made of.
enum class GgmlId : uint8_t {
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    IQ2_XXS = 16,
    IQ2_XS = 17,
    IQ3_XXS = 18,
    IQ1_S = 19,
    IQ4_NL = 20,
    IQ3_S = 21,
    IQ2_S = 22,
    IQ4_XS = 23,
    IQ1_M = 29,
    BF16 = 30,
    TQ1_0 = 34,
    TQ2_0 = 35,
    MXFP4 = 39,
    NVFP4 = 40,
};

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
