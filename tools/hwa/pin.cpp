// SPDX-License-Identifier: MIT
// A choice that the user made already, KEY=VALUE, as the library takes it.
#include "pin.h"

#include <charconv>

namespace hwa::tool {

hwa_attr_t Pin::attr() const {
    hwa_attr_t attr = {};
    attr.key = key.c_str();
    attr.type = type;
    attr.i = whole;
    attr.r = real;
    attr.s = type == HWA_ATTR_TEXT ? text.c_str() : nullptr;
    return attr;
}

std::optional<Pin> parse_pin(const std::string &text) {
    const size_t sign = text.find('=');
    if (sign == std::string::npos || sign == 0 || sign + 1 == text.size())
        return std::nullopt;
    Pin pin;
    pin.key = text.substr(0, sign);
    pin.text = text.substr(sign + 1);
    const char *const end = pin.text.data() + pin.text.size();
    const auto whole = std::from_chars(pin.text.data(), end, pin.whole);
    const auto real = std::from_chars(pin.text.data(), end, pin.real);
    if (pin.text == "on" || pin.text == "off") {
        pin.type = HWA_ATTR_INT;
        pin.whole = pin.text == "on";
    } else if (whole.ec == std::errc() && whole.ptr == end) {
        pin.type = HWA_ATTR_INT;
    } else if (real.ec == std::errc() && real.ptr == end) {
        pin.type = HWA_ATTR_REAL;
    }
    return pin;
}

} // namespace hwa::tool
