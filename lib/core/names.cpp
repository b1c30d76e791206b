// SPDX-License-Identifier: MIT
// Look-up in the tables of words.
#include "core/names.h"

namespace hwa::core {

const char *name_of(std::span<const Name> names, uint32_t value) {
    for (const Name &name : names)
        if (name.value == value)
            return name.text;
    return "unknown";
}

uint32_t value_of(std::span<const Name> names, std::string_view text) {
    for (const Name &name : names)
        if (name.text == text)
            return name.value;
    return 0;
}

base::Status status_from_name(std::string_view name) {
    for (int32_t value = 0; value <= static_cast<int32_t>(base::Status::Crashed); ++value)
        if (base::status_name(static_cast<base::Status>(value)) == name)
            return static_cast<base::Status>(value);
    return base::Status::Internal;
}

} // namespace hwa::core
