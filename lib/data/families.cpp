// SPDX-License-Identifier: MIT
// The table of families, generated from families.csv.
#include "data/families.h"

namespace hwa::data {

struct UsualConfig {
    std::string_view family;
    const char *config;
};

static constexpr UsualConfig families[] = {
#include "families.inc"
};

const char *usual_config(std::string_view family) {
    for (const UsualConfig &row : families)
        if (row.family == family)
            return row.config;
    return nullptr;
}

} // namespace hwa::data
