// SPDX-License-Identifier: MIT
// Number formats: names and sizes.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hwa::core {

/// The values of hwa_dtype_t.
enum class Dtype : int32_t {
    Unknown = 0,
    F64 = 1,
    F32 = 2,
    Tf32 = 3,
    F16 = 4,
    Bf16 = 5,
    F8E4M3 = 6,
    F8E5M2 = 7,
    F4E2M1 = 8,
    I32 = 9,
    I8 = 10,
    U8 = 11,
    I4 = 12,
    Bool = 13,
    I16 = 14,
    U16 = 15,
    U32 = 16,
    I64 = 17,
    U64 = 18,
    C64 = 19,
    Q8_0 = 64,
    Q6_K = 65,
    Q5_K = 66,
    Q4_K = 67,
    Q4_0 = 68,
    Q3_K = 69,
    Q2_K = 70,
    I4G128 = 71,
    Mxfp4 = 72,
    Nvfp4 = 73,
};

/// A format in numbers. Blocks of `block_elements` take `block_bytes`, scales included.
struct DtypeRow {
    Dtype dtype;
    const char *name;
    uint32_t block_elements;
    uint32_t block_bytes;
};

/// All known formats.
std::span<const DtypeRow> dtypes();

/// The row of a format, or NULL.
const DtypeRow *find_dtype(Dtype dtype);

/// Short name; "unknown" for what this version does not know.
const char *dtype_name(Dtype dtype);

/// The format of that name, or Unknown.
Dtype dtype_from_name(std::string_view name);

/// Bits of one weight, scales included; 0 if not known.
double dtype_bits(Dtype dtype);

} // namespace hwa::core
