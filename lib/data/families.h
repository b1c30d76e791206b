// SPDX-License-Identifier: MIT
// Families of networks: what a config.json of each leaves out, from families.csv.
#pragma once

#include <string_view>

namespace hwa::data {

/// JSON of what a model of that model_type has where its config.json is silent; its own model_type
/// is the family of its decoder. NULL if nothing is known.
const char *usual_config(std::string_view family);

} // namespace hwa::data
