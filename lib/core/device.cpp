// SPDX-License-Identifier: MIT
// Look-up and ordered insertion for the lists of a device, and the names of kinds.
#include "core/device.h"

#include <algorithm>

namespace hwa::core {

Attr attr_int(std::string key, int64_t value, Source source) {
    Attr attr;
    attr.key = std::move(key);
    attr.type = AttrType::Int;
    attr.source = source;
    attr.i = value;
    return attr;
}

Attr attr_real(std::string key, double value, Source source) {
    Attr attr;
    attr.key = std::move(key);
    attr.type = AttrType::Real;
    attr.source = source;
    attr.r = value;
    return attr;
}

Attr attr_text(std::string key, std::string value, Source source) {
    Attr attr;
    attr.key = std::move(key);
    attr.type = AttrType::Text;
    attr.source = source;
    attr.s = std::move(value);
    return attr;
}

const Attr *find_attr(const std::vector<Attr> &attrs, std::string_view key) {
    const auto at = std::lower_bound(attrs.begin(), attrs.end(), key,
                                     [](const Attr &a, std::string_view k) { return a.key < k; });
    return at != attrs.end() && at->key == key ? &*at : nullptr;
}

void put_attr(std::vector<Attr> &attrs, Attr attr) {
    const auto at = std::lower_bound(attrs.begin(), attrs.end(), attr.key,
                                     [](const Attr &a, const std::string &k) { return a.key < k; });
    if (at == attrs.end() || at->key != attr.key)
        attrs.insert(at, std::move(attr));
    else if (attr.source < at->source)
        *at = std::move(attr);
}

const Attr *Device::find_attr(std::string_view key) const {
    return core::find_attr(attrs, key);
}

void Device::put_attr(Attr attr) {
    core::put_attr(attrs, std::move(attr));
}

const Compute *Device::find_compute(Dtype dtype) const {
    for (const Compute &row : compute)
        if (row.dtype == dtype)
            return &row;
    return nullptr;
}

void Device::put_compute(Compute row) {
    const auto at = std::lower_bound(compute.begin(), compute.end(), row.dtype,
                                     [](const Compute &a, Dtype d) { return a.dtype < d; });
    if (at == compute.end() || at->dtype != row.dtype)
        compute.insert(at, row);
    else if (at->source == Source::Unknown || row.source < at->source)
        *at = row;
}

static constexpr const char *kind_names[] = {"unknown", "cpu",  "gpu", "npu",    "tpu",
                                             "asic",    "fpga", "dpu", "offload"};

const char *kind_name(Kind kind) {
    const auto index = static_cast<size_t>(kind);
    return index < std::size(kind_names) ? kind_names[index] : "unknown";
}

Kind kind_from_name(std::string_view name) {
    for (size_t i = 0; i < std::size(kind_names); ++i)
        if (name == kind_names[i])
            return static_cast<Kind>(i);
    return Kind::Unknown;
}

} // namespace hwa::core
