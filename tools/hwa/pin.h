// SPDX-License-Identifier: MIT
// A choice that the user made already, KEY=VALUE, as the library takes it.
#pragma once

#include <hwa/hwa.h>

#include <optional>
#include <string>

namespace hwa::tool {

struct Pin {
    std::string key;
    std::string text; ///< the value, when it is no number
    hwa_attr_type_t type = HWA_ATTR_TEXT;
    int64_t whole = 0;
    double real = 0;

    /// Points into this pin.
    hwa_attr_t attr() const;
};

/// A number is a number, "on" and "off" are 1 and 0, all else is text; none without a key.
std::optional<Pin> parse_pin(const std::string &text);

} // namespace hwa::tool
