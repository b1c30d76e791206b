// SPDX-License-Identifier: MIT
// Fills the table of HLML and names its error codes.
#include "api/hlml.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(Hlml, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(Hlml, name)},
#include "api/hlml.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<Hlml> load_hlml(const std::string &directory) {
    static constexpr const char *sonames[] = {"libhlml.so"};
    // Of the Debian and RPM packages, which rely on an entry in ld.so.conf.d.
    static constexpr const char *packaged = "/usr/lib/habanalabs";
    Hlml table;
    auto library = os::load(sonames, directory, symbols, &table);
    if (!library && directory.empty() && library.error().status == base::Status::Unavailable)
        library = os::load(sonames, packaged, symbols, &table);
    HWA_TRY(table.library, std::move(library));
    return table;
}

const char *hlml_error(hlml_return_t code) {
    switch (code) {
#define HWA_CODE(name)                                                                             \
    case name:                                                                                     \
        return #name
        HWA_CODE(HLML_SUCCESS);
        HWA_CODE(HLML_ERROR_UNINITIALIZED);
        HWA_CODE(HLML_ERROR_INVALID_ARGUMENT);
        HWA_CODE(HLML_ERROR_NOT_SUPPORTED);
        HWA_CODE(HLML_ERROR_ALREADY_INITIALIZED);
        HWA_CODE(HLML_ERROR_NOT_FOUND);
        HWA_CODE(HLML_ERROR_INSUFFICIENT_SIZE);
        HWA_CODE(HLML_ERROR_DRIVER_NOT_LOADED);
        HWA_CODE(HLML_ERROR_TIMEOUT);
        HWA_CODE(HLML_ERROR_AIP_IS_LOST);
        HWA_CODE(HLML_ERROR_MEMORY);
        HWA_CODE(HLML_ERROR_NO_DATA);
        HWA_CODE(HLML_ERROR_UNKNOWN);
#undef HWA_CODE
    default:
        return "an unknown code";
    }
}

} // namespace hwa::api
