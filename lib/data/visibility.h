// SPDX-License-Identifier: MIT
// Visibility: the variables of the environment that decide which devices a driver shows.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace hwa::data {

/// Those that the drivers behind a runtime ("cuda") or those for a family of devices ("gaudi")
/// obey; none for what is not in the table.
std::span<const char *const> visibility_variables(std::string_view whose);

/// How one is set; nothing if it is not.
using Lookup = std::function<std::optional<std::string>(const char *name)>;

/// Those that are set, as "NAME=value NAME=value", fit to print.
std::string visibility_text(std::string_view whose, const Lookup &lookup);

} // namespace hwa::data
