// SPDX-License-Identifier: MIT
// Reads the attributes of a product and describes its three matrices.
#include "launch/gemm.h"

#include "base/text.h"
#include "base/units.h"
#include "launch/attributes.h"

namespace hwa::launch {

using base::Status;
using core::AttrType;

namespace {

/// Largest number of rows or columns: what a 32-bit BLAS can be told.
constexpr int64_t extent_limit = INT32_MAX;

struct Extent {
    const char *key;
    uint64_t Gemm::*field;
};
constexpr Extent extents[] = {{"m", &Gemm::m},     {"n", &Gemm::n},     {"k", &Gemm::k},
                              {"lda", &Gemm::lda}, {"ldb", &Gemm::ldb}, {"ldc", &Gemm::ldc}};

struct Switch {
    const char *key;
    bool Gemm::*field;
};
constexpr Switch switches[] = {{"transpose_a", &Gemm::transpose_a},
                               {"transpose_b", &Gemm::transpose_b},
                               {"allow_tf32", &Gemm::allow_tf32}};

struct Factor {
    const char *key;
    double Gemm::*field;
};
constexpr Factor factors[] = {{"alpha", &Gemm::alpha}, {"beta", &Gemm::beta}};

base::Error bad(const core::Attr &attr, const char *must) {
    return base::error(Status::Invalid, "gemm: %s must be %s", attr.key.c_str(), must);
}

base::Done read_dtype(const core::Attr &attr, Gemm &gemm) {
    if (attr.type != AttrType::Text)
        return bad(attr, "the name of a format");
    gemm.dtype = core::dtype_from_name(attr.s);
    if (gemm.dtype == core::Dtype::Unknown)
        return base::error(Status::Invalid, "gemm: there is no format \"%s\"",
                           base::sanitise(attr.s, 32).c_str());
    switch (gemm.dtype) {
    case core::Dtype::F64:
    case core::Dtype::F32:
    case core::Dtype::F16:
    case core::Dtype::Bf16:
        return {};
    default:
        return base::error(Status::Unsupported, "gemm: takes f64, f32, f16 and bf16, not %s",
                           core::dtype_name(gemm.dtype));
    }
}

base::Done read_one(const core::Attr &attr, Gemm &gemm) {
    for (const Extent &row : extents)
        if (attr.key == row.key) {
            if (attr.type != AttrType::Int || attr.i < 1 || attr.i > extent_limit)
                return bad(attr, "an integer from 1 to 2147483647");
            gemm.*row.field = static_cast<uint64_t>(attr.i);
            return {};
        }
    for (const Switch &row : switches)
        if (attr.key == row.key) {
            if (attr.type != AttrType::Int || (attr.i != 0 && attr.i != 1))
                return bad(attr, "the integer 0 or 1");
            gemm.*row.field = attr.i == 1;
            return {};
        }
    for (const Factor &row : factors)
        if (attr.key == row.key) {
            if (attr.type != AttrType::Real && attr.type != AttrType::Int)
                return bad(attr, "a number");
            gemm.*row.field = attr.type == AttrType::Real ? attr.r : static_cast<double>(attr.i);
            return {};
        }
    if (attr.key == "dtype")
        return read_dtype(attr, gemm);
    return base::error(Status::Invalid, "gemm: there is no attribute \"%s\"",
                       base::sanitise(attr.key, 64).c_str());
}

/// A leading dimension that was not given is the number of columns; one that was must hold them.
base::Done settle(uint64_t &leading, uint64_t columns, const char *key) {
    if (leading == 0)
        leading = columns;
    if (leading < columns)
        return base::error(Status::Invalid, "gemm: %s is %llu, and a row has %llu elements", key,
                           static_cast<unsigned long long>(leading),
                           static_cast<unsigned long long>(columns));
    return {};
}

base::Result<Binding> matrix(const char *name, uint32_t flags, const Gemm &gemm, uint64_t rows,
                             uint64_t columns, uint64_t leading) {
    const auto before = base::checked_mul(rows - 1, leading);
    const auto elements = before ? base::checked_add(*before, columns) : std::nullopt;
    const auto bytes = elements ? base::checked_mul(*elements, gemm.element_bytes()) : std::nullopt;
    if (!bytes || *bytes > INT64_MAX)
        return base::error(Status::Invalid, "gemm: the matrix %s does not fit in 63 bits", name);
    return Binding{name,
                   flags,
                   gemm.dtype,
                   {static_cast<int64_t>(rows), static_cast<int64_t>(columns)},
                   {static_cast<int64_t>(leading), 1},
                   *bytes};
}

} // namespace

base::Result<Gemm> read_gemm(std::span<const core::Attr> attrs) {
    Gemm gemm;
    for (size_t i = 0; i < attrs.size(); ++i) {
        for (size_t j = 0; j < i; ++j)
            if (attrs[i].key == attrs[j].key)
                return base::error(Status::Invalid, "gemm: %s is there twice",
                                   base::sanitise(attrs[i].key, 64).c_str());
        HWA_CHECK(read_one(attrs[i], gemm));
    }
    for (const char *key : {"m", "n", "k"})
        for (const Extent &row : extents)
            if (std::string_view(key) == row.key && gemm.*row.field == 0)
                return base::error(Status::Invalid, "gemm: the attribute %s lacks", key);
    for (const Factor &row : factors) {
        HWA_TRY(gemm.*row.field, round_factor("gemm", row.key, gemm.dtype, gemm.*row.field));
    }
    HWA_CHECK(settle(gemm.lda, gemm.transpose_a ? gemm.m : gemm.k, "lda"));
    HWA_CHECK(settle(gemm.ldb, gemm.transpose_b ? gemm.k : gemm.n, "ldb"));
    HWA_CHECK(settle(gemm.ldc, gemm.n, "ldc"));
    return gemm;
}

base::Done check_wide(const Gemm &gemm) {
    if (gemm.dtype != core::Dtype::F32 && gemm.dtype != core::Dtype::F64)
        return base::error(Status::Unsupported,
                           "multiplies f32 and f64; f16 and bf16 are for cuBLASLt on NVIDIA "
                           "devices");
    return {};
}

base::Result<std::vector<Binding>> gemm_bindings(const Gemm &gemm) {
    const uint64_t a_rows = gemm.transpose_a ? gemm.k : gemm.m;
    const uint64_t a_columns = gemm.transpose_a ? gemm.m : gemm.k;
    const uint64_t b_rows = gemm.transpose_b ? gemm.n : gemm.k;
    const uint64_t b_columns = gemm.transpose_b ? gemm.k : gemm.n;
    const uint32_t c_flags = gemm.beta == 0 ? BindingOutput : BindingInput | BindingOutput;
    HWA_TRY(Binding a, matrix("A", BindingInput, gemm, a_rows, a_columns, gemm.lda));
    HWA_TRY(Binding b, matrix("B", BindingInput, gemm, b_rows, b_columns, gemm.ldb));
    HWA_TRY(Binding c, matrix("C", c_flags, gemm, gemm.m, gemm.n, gemm.ldc));
    return std::vector<Binding>{std::move(a), std::move(b), std::move(c)};
}

} // namespace hwa::launch
