// SPDX-License-Identifier: MIT
// oneDNN, as far as its releases 2 and 3 have the same functions, opened at run time.
#pragma once

#include "base/status.h"
#include "os/library.h"

#include <string>

namespace hwa::api {

struct Dnnl {
    /// Row-major. Transposed: 'T', else 'N'. Answers dnnl_status_t, 0 for success.
    int (*dnnl_sgemm)(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k,
                      float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                      float beta, float *c, int64_t ldc) = nullptr;
    /// The first three members of dnnl_version_t: major, minor, patch.
    const int *(*dnnl_version)() = nullptr;
    os::Library library;

    std::string version; ///< "2.6.3"
};

base::Result<Dnnl> load_dnnl(const std::string &directory);

} // namespace hwa::api
