// SPDX-License-Identifier: MIT
// Fills the table of AMD's HSA runtime and names its statuses.
#include "api/hsa.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(Hsa, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(Hsa, name)},
#include "api/hsa.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<Hsa> load_hsa(const std::string &directory) {
    // Of AMD's packages, which rely on an entry in ld.so.conf.d.
    static constexpr const char *packaged = "/opt/rocm/lib";
    Hsa table;
    auto library = os::load(hsa_sonames, directory, symbols, &table);
    if (!library && directory.empty() && library.error().status == base::Status::Unavailable)
        library = os::load(hsa_sonames, packaged, symbols, &table);
    HWA_TRY(table.library, std::move(library));
    return table;
}

const char *hsa_status_name(hsa_status_t status) {
    switch (status) {
#define HWA_STATUS(name)                                                                           \
    case name:                                                                                     \
        return #name
        HWA_STATUS(HSA_STATUS_SUCCESS);
        HWA_STATUS(HSA_STATUS_INFO_BREAK);
        HWA_STATUS(HSA_STATUS_ERROR);
        HWA_STATUS(HSA_STATUS_ERROR_INVALID_ARGUMENT);
        HWA_STATUS(HSA_STATUS_ERROR_INVALID_AGENT);
        HWA_STATUS(HSA_STATUS_ERROR_OUT_OF_RESOURCES);
        HWA_STATUS(HSA_STATUS_ERROR_NOT_INITIALIZED);
        HWA_STATUS(HSA_STATUS_ERROR_REFCOUNT_OVERFLOW);
#undef HWA_STATUS
    default:
        return "an unknown status";
    }
}

} // namespace hwa::api
