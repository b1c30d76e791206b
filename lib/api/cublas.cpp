// SPDX-License-Identifier: MIT
// Finds a cuBLASLt and fills its table.
#include "api/cublas.h"

#include "base/text.h"

namespace hwa::api {

static_assert(sizeof(cublasLtMatmulHeuristicResult_t) == 96);

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(Cublas, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(Cublas, name)},
#include "api/cublas.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<Cublas> load_cublas(const char *soname, const std::string &directory) {
    Cublas table;
    HWA_TRY(table.library, os::load({&soname, 1}, directory, symbols, &table));
    const size_t version = table.cublasLtGetVersion();
    table.version =
        base::format("%zu.%zu.%zu", version / 10000, version / 100 % 100, version % 100);
    return table;
}

const char *Cublas::status_name(cublasStatus_t status) const {
    if (cublasLtGetStatusName != nullptr) {
        const char *name = cublasLtGetStatusName(status);
        return name != nullptr ? name : "a status without a name";
    }
    static constexpr struct {
        cublasStatus_t status;
        const char *name;
    } names[] = {
        {CUBLAS_STATUS_NOT_INITIALIZED, "CUBLAS_STATUS_NOT_INITIALIZED"},
        {CUBLAS_STATUS_ALLOC_FAILED, "CUBLAS_STATUS_ALLOC_FAILED"},
        {CUBLAS_STATUS_INVALID_VALUE, "CUBLAS_STATUS_INVALID_VALUE"},
        {CUBLAS_STATUS_ARCH_MISMATCH, "CUBLAS_STATUS_ARCH_MISMATCH"},
        {CUBLAS_STATUS_MAPPING_ERROR, "CUBLAS_STATUS_MAPPING_ERROR"},
        {CUBLAS_STATUS_EXECUTION_FAILED, "CUBLAS_STATUS_EXECUTION_FAILED"},
        {CUBLAS_STATUS_INTERNAL_ERROR, "CUBLAS_STATUS_INTERNAL_ERROR"},
        {CUBLAS_STATUS_NOT_SUPPORTED, "CUBLAS_STATUS_NOT_SUPPORTED"},
        {CUBLAS_STATUS_LICENSE_ERROR, "CUBLAS_STATUS_LICENSE_ERROR"},
    };
    for (const auto &row : names)
        if (row.status == status)
            return row.name;
    return "a cuBLAS status";
}

} // namespace hwa::api
