// SPDX-License-Identifier: MIT
// The operation "gemm": C = alpha * op(A) * op(B) + beta * C, row by row; docs/ops.md.
#pragma once

#include "launch/op.h"

namespace hwa::launch {

/// The attributes, checked.
struct Gemm {
    uint64_t m = 0; ///< rows of C
    uint64_t n = 0; ///< columns of C
    uint64_t k = 0; ///< columns of op(A), rows of op(B)
    uint64_t lda = 0;
    uint64_t ldb = 0;
    uint64_t ldc = 0;
    bool transpose_a = false;
    bool transpose_b = false;
    double alpha = 1;        ///< at 0, A and B are not read
    double beta = 0;         ///< at 0, C is not read
    bool allow_tf32 = false; ///< whether f32 may be rounded to 10 bits before it is multiplied
    core::Dtype dtype = core::Dtype::F32;

    /// Products that each element of C is the sum of.
    uint64_t depth() const { return alpha == 0 ? 0 : k; }

    uint64_t element_bytes() const {
        return dtype == core::Dtype::F64 ? 8 : dtype == core::Dtype::F32 ? 4 : 2;
    }
};

/// Unsupported unless the format is f32 or f64, which every provider but NVIDIA's stops at.
base::Done check_wide(const Gemm &gemm);

/// Invalid for a key that is not known, lacks, comes twice or is out of its range; Unsupported for
/// a format nobody multiplies yet.
base::Result<Gemm> read_gemm(std::span<const core::Attr> attrs);

/// A, B and C. Invalid if their sizes do not fit in 63 bits.
base::Result<std::vector<Binding>> gemm_bindings(const Gemm &gemm);

} // namespace hwa::launch
