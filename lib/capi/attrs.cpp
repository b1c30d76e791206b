// SPDX-License-Identifier: MIT
// Hands attributes to C.
#include "capi/attrs.h"

#include "base/text.h"
#include "capi/entry.h"

#include <cmath>

namespace hwa::capi {

using base::Status;

static hwa_attr_t attr_out(const core::Attr &attr) {
    hwa_attr_t made = {};
    made.key = attr.key.c_str();
    made.type = static_cast<hwa_attr_type_t>(attr.type);
    made.source = static_cast<hwa_source_t>(attr.source);
    made.i = attr.i;
    made.r = attr.r;
    made.s = or_null(attr.s);
    return made;
}

hwa_status_t give_attr(const std::vector<core::Attr> &attrs, uint32_t index,
                       hwa_attr_t *attr) noexcept {
    *attr = {};
    if (index >= attrs.size())
        return HWA_ERROR_RANGE;
    *attr = attr_out(attrs[index]);
    return HWA_OK;
}

hwa_status_t give_attr(const std::vector<core::Attr> &attrs, std::span<const hwa_attr_t> fields,
                       const char *key, hwa_attr_t *attr) noexcept {
    *attr = {};
    for (const hwa_attr_t &field : fields)
        if (std::strcmp(field.key, key) == 0) {
            if (field.type == HWA_ATTR_NONE)
                return HWA_ERROR_NOT_FOUND;
            *attr = field;
            return HWA_OK;
        }
    const core::Attr *found = core::find_attr(attrs, key);
    if (found == nullptr)
        return HWA_ERROR_NOT_FOUND;
    *attr = attr_out(*found);
    return HWA_OK;
}

static hwa_attr_t make(const char *key, bool known, hwa_attr_type_t type, core::Source source) {
    hwa_attr_t made = {};
    made.key = key;
    made.type = known ? type : HWA_ATTR_NONE;
    made.source = static_cast<hwa_source_t>(known ? source : core::Source::Unknown);
    return made;
}

hwa_attr_t field(const char *key, int64_t value, bool known, core::Source source) noexcept {
    hwa_attr_t made = make(key, known, HWA_ATTR_INT, source);
    made.i = known ? value : 0;
    return made;
}

hwa_attr_t count(const char *key, uint64_t value) noexcept {
    return field(key, static_cast<int64_t>(value), true, core::Source::Derived);
}

hwa_attr_t field(const char *key, double value, core::Source source) noexcept {
    hwa_attr_t made = make(key, core::known(value), HWA_ATTR_REAL, source);
    made.r = value;
    return made;
}

hwa_attr_t field(const char *key, const std::string &value, core::Source source) noexcept {
    hwa_attr_t made = make(key, core::known(value), HWA_ATTR_TEXT, source);
    made.s = or_null(value);
    return made;
}

static base::Result<core::Attr> attr_in(const hwa_attr_t &given, const char *list, uint32_t index) {
    core::Attr attr;
    if (given.key == nullptr || given.key[0] == '\0')
        return base::error(Status::Invalid, "%s[%u]: has no key", list, index);
    attr.key = base::sanitise(given.key, 64);
    attr.type = static_cast<core::AttrType>(number(given.type));
    switch (number(given.type)) {
    case HWA_ATTR_INT:
        attr.i = given.i;
        return attr;
    case HWA_ATTR_REAL:
        if (!std::isfinite(given.r))
            return base::error(Status::Invalid, "%s[%u]: %s is not a finite number", list, index,
                               attr.key.c_str());
        attr.r = given.r;
        return attr;
    case HWA_ATTR_TEXT:
        if (given.s == nullptr)
            return base::error(Status::Invalid, "%s[%u]: %s is a NULL text", list, index,
                               attr.key.c_str());
        attr.s = given.s;
        return attr;
    default:
        return base::error(Status::Invalid, "%s[%u]: %s is of the unknown type %d", list, index,
                           attr.key.c_str(), number(given.type));
    }
}

base::Result<std::vector<core::Attr>> attrs_in(std::span<const hwa_attr_t> given,
                                               const char *list) {
    std::vector<core::Attr> attrs;
    for (size_t i = 0; i < given.size(); ++i) {
        HWA_TRY(core::Attr attr, attr_in(given[i], list, static_cast<uint32_t>(i)));
        attrs.push_back(std::move(attr));
    }
    return attrs;
}

} // namespace hwa::capi
