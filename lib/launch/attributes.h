// SPDX-License-Identifier: MIT
// Reads the attributes of an operation, each by its name and within its range.
#pragma once

#include "base/status.h"
#include "core/device.h"

#include <span>

namespace hwa::launch {

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
