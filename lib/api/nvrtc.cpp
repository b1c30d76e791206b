// SPDX-License-Identifier: MIT
// Finds an NVRTC and fills its table.
#include "api/nvrtc.h"

#include "base/text.h"

#include <vector>

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(Nvrtc, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(Nvrtc, name)},
#include "api/nvrtc.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<Nvrtc> load_nvrtc(const std::string &directory, int driver_major) {
    const std::string same = base::format("libnvrtc.so.%d", driver_major);
    // From 11.3 on the number is the release's alone; before that each had a name of its own.
    std::vector<const char *> sonames = {same.c_str(), "libnvrtc.so.13", "libnvrtc.so.12",
                                         "libnvrtc.so.11.2", "libnvrtc.so"};
    if (driver_major == 11)
        sonames = {"libnvrtc.so.11.2", "libnvrtc.so", "libnvrtc.so.12", "libnvrtc.so.13"};
    Nvrtc table;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    if (const nvrtcResult code = table.nvrtcVersion(&table.major, &table.minor);
        code != NVRTC_SUCCESS)
        return base::error(base::Status::Unavailable, "%s: nvrtcVersion answered %s (%d)",
                           table.library.path.c_str(), table.error_name(code), code);
    return table;
}

const char *Nvrtc::error_name(nvrtcResult result) const {
    return nvrtcGetErrorString != nullptr ? nvrtcGetErrorString(result) : "an NVRTC error";
}

} // namespace hwa::api
