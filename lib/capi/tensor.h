// SPDX-License-Identifier: MIT
// Tensors in DLPack's terms: the format of an element, and the bytes that all of them take.
#pragma once

#include "base/status.h"
#include "core/dtype.h"

#include <cstdint>
#include <span>

#define HWA_DLPACK_TYPES
#include <hwa/dlpack.h>

namespace hwa::capi {

/// A format that both sides have.
struct Format {
    core::Dtype dtype;
    uint8_t code;
    uint8_t bits;
};

/// Unsupported, with its name, for one that only this side has; and the other way round.
base::Result<Format> format_of(core::Dtype dtype);
base::Result<Format> format_of(const DLDataType &told);

/// The bytes of a tensor, seen from its first element.
struct Extent {
    uint64_t before = 0; ///< where strides turn around
    uint64_t after = 0;  ///< with the first element; 0: there is none
};

/// Strides are in elements; NULL: row by row. Invalid if there cannot be so many bytes.
base::Result<Extent> extent_of(std::span<const int64_t> shape, const int64_t *strides,
                               const Format &format);

} // namespace hwa::capi
