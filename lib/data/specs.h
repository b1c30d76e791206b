// SPDX-License-Identifier: MIT
// Data sheets of chips whose rates follow from no formula.
#pragma once

#include "core/device.h"

#include <span>
#include <string_view>

namespace hwa::data {

/// Peak of a chip in one format, in operations a second.
struct SpecRate {
    core::Dtype dtype;
    double dense;
};

/// One chip, a row of specs.csv. What is 0 or "" the document does not say.
struct Spec {
    const char *name;
    uint64_t memory_bytes;
    core::MemoryKind memory_kind;
    const char *memory_name; ///< "HBM2e"
    uint64_t bytes_per_second;
    uint32_t compute_units;
    uint32_t power_limit_mw;
    SpecRate rates[8]; ///< up to the first without a format
    const char *document;
};

/// The row of that name, or NULL.
const Spec *find_spec(std::string_view name);

std::span<const Spec> specs();

} // namespace hwa::data
