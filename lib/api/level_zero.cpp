// SPDX-License-Identifier: MIT
// Fills the table of Level Zero and names its error codes.
#include "api/level_zero.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(LevelZero, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(LevelZero, name)},
#include "api/level_zero.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<LevelZero> load_level_zero(const std::string &directory) {
    static constexpr const char *sonames[] = {"libze_loader.so.1"};
    LevelZero table;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    return table;
}

const char *level_zero_error(ze_result_t code) {
    switch (code) {
#define HWA_CODE(name)                                                                             \
    case name:                                                                                     \
        return #name
        HWA_CODE(ZE_RESULT_SUCCESS);
        HWA_CODE(ZE_RESULT_NOT_READY);
        HWA_CODE(ZE_RESULT_ERROR_DEVICE_LOST);
        HWA_CODE(ZE_RESULT_ERROR_OUT_OF_HOST_MEMORY);
        HWA_CODE(ZE_RESULT_ERROR_OUT_OF_DEVICE_MEMORY);
        HWA_CODE(ZE_RESULT_ERROR_DEVICE_REQUIRES_RESET);
        HWA_CODE(ZE_RESULT_ERROR_INSUFFICIENT_PERMISSIONS);
        HWA_CODE(ZE_RESULT_ERROR_NOT_AVAILABLE);
        HWA_CODE(ZE_RESULT_ERROR_DEPENDENCY_UNAVAILABLE);
        HWA_CODE(ZE_RESULT_ERROR_UNINITIALIZED);
        HWA_CODE(ZE_RESULT_ERROR_UNSUPPORTED_VERSION);
        HWA_CODE(ZE_RESULT_ERROR_UNSUPPORTED_FEATURE);
        HWA_CODE(ZE_RESULT_ERROR_INVALID_ARGUMENT);
        HWA_CODE(ZE_RESULT_ERROR_UNKNOWN);
#undef HWA_CODE
    default:
        return "an unknown code";
    }
}

} // namespace hwa::api
