// SPDX-License-Identifier: MIT
// The table of number formats.
#include "core/dtype.h"

namespace hwa::core {

static constexpr DtypeRow rows[] = {
    {Dtype::F64, "f64", 1, 8},
    {Dtype::F32, "f32", 1, 4},
    {Dtype::Tf32, "tf32", 1, 4},
    {Dtype::F16, "f16", 1, 2},
    {Dtype::Bf16, "bf16", 1, 2},
    {Dtype::F8E4M3, "f8_e4m3", 1, 1},
    {Dtype::F8E5M2, "f8_e5m2", 1, 1},
    {Dtype::F4E2M1, "f4_e2m1", 2, 1},
    {Dtype::I32, "i32", 1, 4},
    {Dtype::I8, "i8", 1, 1},
    {Dtype::U8, "u8", 1, 1},
    {Dtype::I4, "i4", 2, 1},
    {Dtype::Bool, "bool", 1, 1},
    {Dtype::I16, "i16", 1, 2},
    {Dtype::U16, "u16", 1, 2},
    {Dtype::U32, "u32", 1, 4},
    {Dtype::I64, "i64", 1, 8},
    {Dtype::U64, "u64", 1, 8},
    {Dtype::C64, "c64", 1, 8},
    {Dtype::Q8_0, "q8_0", 32, 34},
    {Dtype::Q6_K, "q6_k", 256, 210},
    {Dtype::Q5_K, "q5_k", 256, 176},
    {Dtype::Q4_K, "q4_k", 256, 144},
    {Dtype::Q4_0, "q4_0", 32, 18},
    {Dtype::Q3_K, "q3_k", 256, 110},
    {Dtype::Q2_K, "q2_k", 256, 84},
    {Dtype::I4G128, "i4_g128", 256, 133},
    {Dtype::Mxfp4, "mxfp4", 32, 17},
    {Dtype::Nvfp4, "nvfp4", 64, 36},
};

std::span<const DtypeRow> dtypes() {
    return rows;
}

const DtypeRow *find_dtype(Dtype dtype) {
    for (const DtypeRow &row : rows)
        if (row.dtype == dtype)
            return &row;
    return nullptr;
}

const char *dtype_name(Dtype dtype) {
    const DtypeRow *row = find_dtype(dtype);
    return row != nullptr ? row->name : "unknown";
}

Dtype dtype_from_name(std::string_view name) {
    for (const DtypeRow &row : rows)
        if (row.name == name)
            return row.dtype;
    return Dtype::Unknown;
}

double dtype_bits(Dtype dtype) {
    const DtypeRow *row = find_dtype(dtype);
    return row != nullptr ? 8.0 * row->block_bytes / row->block_elements : 0;
}

} // namespace hwa::core
