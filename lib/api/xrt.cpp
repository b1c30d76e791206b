// SPDX-License-Identifier: MIT
// Fills the table of XRT.
#include "api/xrt.h"

namespace hwa::api {

static constexpr os::Symbol symbols[] = {
#define HWA_REQUIRED(name) {#name, true, offsetof(Xrt, name)},
#define HWA_CARDS(name)
#include "api/xrt.def"
#undef HWA_CARDS
#undef HWA_REQUIRED
};

static constexpr os::Symbol card_symbols[] = {
#define HWA_REQUIRED(name)
#define HWA_CARDS(name) {#name, true, offsetof(XrtCards, name)},
#include "api/xrt.def"
#undef HWA_CARDS
#undef HWA_REQUIRED
};

base::Result<Xrt> load_xrt(const std::string &directory) {
    // Of AMD's own packages, which rely on a script that each shell has to source.
    static constexpr const char *packaged = "/opt/xilinx/xrt/lib";
    Xrt table;
    auto library = os::load(xrt_sonames, directory, symbols, &table);
    if (!library && directory.empty() && library.error().status == base::Status::Unavailable)
        library = os::load(xrt_sonames, packaged, symbols, &table);
    HWA_TRY(table.library, std::move(library));
    const char *const same[] = {table.library.path.c_str()};
    XrtCards cards;
    if (os::load(same, "", card_symbols, &cards))
        table.cards = cards;
    return table;
}

} // namespace hwa::api
