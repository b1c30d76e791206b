// SPDX-License-Identifier: MIT
// Fills the table of NVML.
#include "api/nvml.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(Nvml, name)},
#define HWA_OPTIONAL(name) {#name, false, offsetof(Nvml, name)},
#include "api/nvml.def"
#undef HWA_OPTIONAL
#undef HWA_REQUIRED
};

base::Result<Nvml> load_nvml(const std::string &directory) {
    // Not the name without a number: what bears it in /usr/lib can be a stub to link with.
    static constexpr const char *sonames[] = {"libnvidia-ml.so.1"};
    static constexpr const char *wsl = "/usr/lib/wsl/lib";
    Nvml table;
    auto library = os::load(sonames, directory, symbols, &table);
    if (!library && directory.empty() && library.error().status == base::Status::Unavailable)
        library = os::load(sonames, wsl, symbols, &table);
    HWA_TRY(table.library, std::move(library));
    return table;
}

} // namespace hwa::api
