// SPDX-License-Identifier: MIT
// Formats as a table, and sizes with every step checked.
#include "capi/tensor.h"

#include "base/units.h"

#include <optional>

namespace hwa::capi {

using base::Status;
using core::Dtype;

/// Formats that both sides have. E4M3 is the one with NaN and without infinities.
static constexpr Format formats[] = {
    {Dtype::F64, kDLFloat, 64},
    {Dtype::F32, kDLFloat, 32},
    {Dtype::F16, kDLFloat, 16},
    {Dtype::Bf16, kDLBfloat, 16},
    {Dtype::F8E4M3, kDLFloat8_e4m3fn, 8},
    {Dtype::F8E5M2, kDLFloat8_e5m2, 8},
    {Dtype::F4E2M1, kDLFloat4_e2m1fn, 4},
    {Dtype::I64, kDLInt, 64},
    {Dtype::I32, kDLInt, 32},
    {Dtype::I16, kDLInt, 16},
    {Dtype::I8, kDLInt, 8},
    {Dtype::I4, kDLInt, 4},
    {Dtype::U64, kDLUInt, 64},
    {Dtype::U32, kDLUInt, 32},
    {Dtype::U16, kDLUInt, 16},
    {Dtype::U8, kDLUInt, 8},
    {Dtype::Bool, kDLBool, 8},
    {Dtype::C64, kDLComplex, 64},
};

base::Result<Format> format_of(Dtype dtype) {
    for (const Format &row : formats)
        if (row.dtype == dtype)
            return row;
    return base::error(Status::Unsupported, "DLPack has no format %s", core::dtype_name(dtype));
}

base::Result<Format> format_of(const DLDataType &told) {
    for (const Format &row : formats)
        if (row.code == told.code && row.bits == told.bits && told.lanes == 1)
            return row;
    return base::error(Status::Unsupported,
                       "elements of DLPack's type %u with %u bits and %u lanes are not known",
                       told.code, told.bits, told.lanes);
}

static base::Error too_large() {
    return base::error(Status::Invalid, "the tensor has more bytes than there can be");
}

/// True if there are no elements; a failure if there cannot be so many.
static base::Result<bool> is_empty(std::span<const int64_t> shape) {
    bool empty = false;
    for (size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] < 0)
            return base::error(Status::Invalid, "dimension %zu of the tensor is %lld", i,
                               static_cast<long long>(shape[i]));
        empty = empty || shape[i] == 0;
    }
    return empty;
}

/// How far the elements reach from the first one, counted in elements.
static base::Result<Extent> reach(std::span<const int64_t> shape, const int64_t *strides) {
    Extent far;
    uint64_t row = 1; // the stride of a dimension where rows follow each other
    for (size_t i = shape.size(); i-- > 0;) {
        const auto count = static_cast<uint64_t>(shape[i]);
        const bool back = strides != nullptr && strides[i] < 0;
        const uint64_t given = strides == nullptr ? row : static_cast<uint64_t>(strides[i]);
        const auto path = base::checked_mul(count - 1, back ? 0 - given : given);
        uint64_t &side = back ? far.before : far.after;
        const auto sum = path ? base::checked_add(side, *path) : std::nullopt;
        const auto next = base::checked_mul(row, count);
        if (!sum || !next)
            return too_large();
        side = *sum;
        row = *next;
    }
    return far;
}

base::Result<Extent> extent_of(std::span<const int64_t> shape, const int64_t *strides,
                               const Format &format) {
    HWA_TRY(const bool empty, is_empty(shape));
    if (empty)
        return Extent{};
    HWA_TRY(const Extent far, reach(shape, strides));
    if (format.bits < 8 && far.before != 0)
        return base::error(Status::Unsupported, "elements of %u bits in falling order",
                           format.bits);
    const auto count = base::checked_add(far.after, 1);
    const auto before = base::checked_mul(far.before, format.bits);
    const auto after = count ? base::checked_mul(*count, format.bits) : std::nullopt;
    if (!before || !after || *before > INT64_MAX || *after > INT64_MAX)
        return too_large();
    return Extent{*before / 8, base::divide_up(*after, 8)};
}

} // namespace hwa::capi
