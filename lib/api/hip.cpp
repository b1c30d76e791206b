// SPDX-License-Identifier: MIT
// Fills the table of HIP's runtime.
#include "api/hip.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(Hip, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(Hip, name)},
#include "api/hip.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<Hip> load_hip(const std::string &directory) {
    Hip table;
    HWA_TRY(table.library, os::load(hip_sonames, directory, symbols, &table));
    return table;
}

const char *Hip::error_name(hipError_t code) const {
    const char *text = hipGetErrorName(code);
    return text != nullptr ? text : "an unknown HIP error";
}

} // namespace hwa::api
