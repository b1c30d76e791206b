// SPDX-License-Identifier: MIT
// CBLAS as OpenBLAS and BLIS export it, opened at run time.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <string>

namespace hwa::api {

/// What the two libraries have in common, and how each tells its version and the width of its
/// integers. All but the products may be NULL.
struct Blas {
    void *cblas_sgemm = nullptr;
    void *cblas_dgemm = nullptr;
    /// OpenBLAS: "OpenBLAS 0.3.21 USE64BITINT DYNAMIC_ARCH ..."; a build with 64-bit integers may
    /// export the very same names as one with 32.
    const char *(*openblas_get_config)() = nullptr;
    const char *(*bli_info_get_version_str)() = nullptr; ///< BLIS: "0.9.0"
    long (*bli_info_get_blas_int_type_size)() = nullptr; ///< BLIS: 32 or 64
    int (*bli_arch_query_id)() = nullptr;                ///< BLIS: the kernels it chose
    const char *(*bli_arch_string)(int id) = nullptr;    ///< BLIS: their name, such as "zen3"
    os::Library library;

    bool wide = false;    ///< its integers have 64 bits
    std::string version;  ///< "0.3.21"
    bool generic = false; ///< its kernels are for no processor in particular
};

/// Row-major product of `Blas::wide ? int64_t : int32_t`, as cblas.h of the reference BLAS has it.
template <class T, class Int>
using CblasGemm = void (*)(int order, int transpose_a, int transpose_b, Int m, Int n, Int k,
                           T alpha, const T *a, Int lda, const T *b, Int ldb, T beta, T *c,
                           Int ldc);

inline constexpr int cblas_row_major = 101;
inline constexpr int cblas_no_transpose = 111;
inline constexpr int cblas_transpose = 112;

base::Result<Blas> load_openblas(const std::string &directory);
base::Result<Blas> load_blis(const std::string &directory);

} // namespace hwa::api
