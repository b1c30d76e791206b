// SPDX-License-Identifier: MIT
// Reads the attributes of an operation, each by its name and within its range.
#pragma once

#include "base/status.h"
#include "core/device.h"

#include <span>

namespace hwa::launch {

/// A factor as elements of that format are multiplied with: in f64 for f64, and else in f32, so
/// that all who multiply agree on which is 0. Invalid past its range.
base::Result<double> round_factor(const char *op, const char *key, core::Dtype dtype, double value);

/// The attributes of one operation. What is not known, comes twice or is out of its range is
/// Invalid.
struct Attributes {
    const char *op;
    std::span<const core::Attr> list;

    const core::Attr *find(std::string_view key) const;
    /// Every key is one of `known` and is there once.
    base::Done check(std::span<const char *const> known) const;
    /// An integer from `least` on that must be there.
    base::Result<uint64_t> count(const char *key, int64_t least, int64_t most) const;
    base::Result<double> real(const char *key, double otherwise) const;
    /// F32 if there is none.
    base::Result<core::Dtype> dtype() const;
};

} // namespace hwa::launch
