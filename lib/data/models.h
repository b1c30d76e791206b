// SPDX-License-Identifier: MIT
// Models known by name: the numbers of their config.json, from models.csv.
#pragma once

#include <span>
#include <string_view>

namespace hwa::data {

struct KnownModel {
    const char *name;   ///< "meta-llama/Llama-3.2-1B"
    const char *config; ///< JSON
};

/// All of them, by name whatever its case.
std::span<const KnownModel> known_models();

/// The model of that name, or the only one whose name behind the slash it is; case does not count.
/// NULL if there is none.
const KnownModel *find_known_model(std::string_view name);

} // namespace hwa::data
