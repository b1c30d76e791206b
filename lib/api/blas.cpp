// SPDX-License-Identifier: MIT
// Fills the CBLAS table and finds out with which integers it wants to be called.
#include "api/blas.h"

#include "base/text.h"

namespace hwa::api {

#define HWA_ROW(name, required)                                                                    \
    { #name, required, offsetof(Blas, name) }
static constexpr os::Symbol symbols[] = {
    HWA_ROW(cblas_sgemm, true),
    HWA_ROW(cblas_dgemm, true),
    HWA_ROW(openblas_get_config, false),
    HWA_ROW(bli_info_get_version_str, false),
    HWA_ROW(bli_info_get_blas_int_type_size, false),
    HWA_ROW(bli_arch_query_id, false),
    HWA_ROW(bli_arch_string, false),
};
#undef HWA_ROW

base::Result<Blas> load_openblas(const std::string &directory) {
    static constexpr const char *sonames[] = {"libopenblas.so.0", "libopenblas64.so.0"};
    Blas table;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    if (table.openblas_get_config == nullptr)
        return base::error(base::Status::Unsupported, "%s: does not tell its configuration",
                           table.library.path.c_str());
    const auto words = base::split(table.openblas_get_config(), ' ');
    for (const std::string_view word : words)
        table.wide = table.wide || word == "USE64BITINT";
    if (words.size() > 1)
        table.version = base::sanitise(words[1], 32);
    return table;
}

base::Result<Blas> load_blis(const std::string &directory) {
    static constexpr const char *sonames[] = {"libblis.so.4"};
    Blas table;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    if (table.bli_info_get_blas_int_type_size == nullptr)
        return base::error(base::Status::Unsupported, "%s: does not tell the width of its integers",
                           table.library.path.c_str());
    table.wide = table.bli_info_get_blas_int_type_size() == 64;
    if (table.bli_info_get_version_str != nullptr)
        table.version = base::sanitise(table.bli_info_get_version_str(), 32);
    if (table.bli_arch_query_id != nullptr && table.bli_arch_string != nullptr) {
        const char *kernels = table.bli_arch_string(table.bli_arch_query_id());
        table.generic = kernels != nullptr && std::string_view(kernels) == "generic";
    }
    return table;
}

} // namespace hwa::api
