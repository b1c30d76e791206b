// SPDX-License-Identifier: MIT
// The rules for attributes that all operations share.
#include "launch/attributes.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hwa::launch {

using base::Status;
using core::AttrType;

base::Result<double> round_factor(const char *op, const char *key, core::Dtype dtype,
                                  double value) {
    if (dtype == core::Dtype::F64)
        return value;
    if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max()))
        return base::error(Status::Invalid, "%s: %s must be a number that f32 can hold", op, key);
    return static_cast<double>(static_cast<float>(value));
}

const core::Attr *Attributes::find(std::string_view key) const {
    for (const core::Attr &attr : list)
        if (attr.key == key)
            return &attr;
    return nullptr;
}

base::Done Attributes::check(std::span<const char *const> known) const {
    for (const core::Attr &attr : list) {
        const std::string key = base::sanitise(attr.key, 64);
        if (std::find(known.begin(), known.end(), attr.key) == known.end())
            return base::error(Status::Invalid, "%s: there is no attribute \"%s\"", op,
                               key.c_str());
        if (find(attr.key) != &attr)
            return base::error(Status::Invalid, "%s: %s is there twice", op, key.c_str());
    }
    return {};
}

base::Result<uint64_t> Attributes::count(const char *key, int64_t least, int64_t most) const {
    const core::Attr *attr = find(key);
    if (attr == nullptr)
        return base::error(Status::Invalid, "%s: the attribute %s lacks", op, key);
    if (attr->type != AttrType::Int || attr->i < least || attr->i > most)
        return base::error(Status::Invalid, "%s: %s must be an integer from %lld to %lld", op, key,
                           static_cast<long long>(least), static_cast<long long>(most));
    return static_cast<uint64_t>(attr->i);
}

base::Result<double> Attributes::real(const char *key, double otherwise) const {
    const core::Attr *attr = find(key);
    if (attr == nullptr)
        return otherwise;
    if (attr->type == AttrType::Real)
        return attr->r;
    if (attr->type == AttrType::Int)
        return static_cast<double>(attr->i);
    return base::error(Status::Invalid, "%s: %s must be a number", op, key);
}

base::Result<core::Dtype> Attributes::dtype() const {
    const core::Attr *attr = find("dtype");
    if (attr == nullptr)
        return core::Dtype::F32;
    if (attr->type != AttrType::Text)
        return base::error(Status::Invalid, "%s: dtype must be the name of a format", op);
    const core::Dtype dtype = core::dtype_from_name(attr->s);
    if (dtype == core::Dtype::Unknown)
        return base::error(Status::Invalid, "%s: there is no format \"%s\"", op,
                           base::sanitise(attr->s, 32).c_str());
    return dtype;
}

} // namespace hwa::launch
