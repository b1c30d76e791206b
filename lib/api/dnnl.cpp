// SPDX-License-Identifier: MIT
// Fills the oneDNN table.
#include "api/dnnl.h"

#include "base/text.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
    {"dnnl_sgemm", true, offsetof(Dnnl, dnnl_sgemm)},
    {"dnnl_version", true, offsetof(Dnnl, dnnl_version)},
};

base::Result<Dnnl> load_dnnl(const std::string &directory) {
    static constexpr const char *sonames[] = {"libdnnl.so.3", "libdnnl.so.2"};
    Dnnl table;
    HWA_TRY(table.library, os::load(sonames, directory, symbols, &table));
    const int *numbers = table.dnnl_version();
    if (numbers == nullptr)
        return base::error(base::Status::Unavailable, "%s: does not tell its version",
                           table.library.path.c_str());
    table.version = base::format("%d.%d.%d", numbers[0], numbers[1], numbers[2]);
    return table;
}

} // namespace hwa::api
