// SPDX-License-Identifier: MIT
// Attributes as C sees them: those of a list, and the fields of an info struct under their names.
#pragma once

#include <hwa/hwa.h>

#include "base/status.h"
#include "core/facts.h"

#include <span>
#include <string>
#include <vector>

namespace hwa::capi {

/// Copies of what a caller gave; Invalid names the one that is wrong, as "list[2]".
base::Result<std::vector<core::Attr>> attrs_in(std::span<const hwa_attr_t> given, const char *list);

/// The attribute at `index`, into `attr`, which is not NULL.
hwa_status_t give_attr(const std::vector<core::Attr> &attrs, uint32_t index,
                       hwa_attr_t *attr) noexcept;

/// The field or else the attribute of that key, into `attr`; neither pointer is NULL.
hwa_status_t give_attr(const std::vector<core::Attr> &attrs, std::span<const hwa_attr_t> fields,
                       const char *key, hwa_attr_t *attr) noexcept;

/// A number that is known whatever it is, as a field of an info struct.
hwa_attr_t count(const char *key, uint64_t value) noexcept;

// A field of an info struct; of the type HWA_ATTR_NONE while its value is not known.
hwa_attr_t field(const char *key, int64_t value, bool known, core::Source source) noexcept;
hwa_attr_t field(const char *key, double value, core::Source source) noexcept;
hwa_attr_t field(const char *key, const std::string &value, core::Source source) noexcept;

inline hwa_attr_t field(const char *key, const core::Fact<std::string> &fact) noexcept {
    return field(key, fact.value, fact.source);
}
template <class T> hwa_attr_t field(const char *key, const core::Fact<T> &fact) noexcept {
    return field(key, static_cast<int64_t>(fact.value), core::known(fact.value), fact.source);
}

} // namespace hwa::capi
