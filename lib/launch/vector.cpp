// SPDX-License-Identifier: MIT
// Reads the attributes of operations on vectors and describes their arguments.
#include "launch/vector.h"

#include "base/text.h"
#include "core/dtype.h"
#include "launch/attributes.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

namespace hwa::launch {

using base::Status;
using core::AttrType;
using core::Dtype;

namespace {

/// Formats whose elements are whole bytes; the integers with their range.
struct Element {
    Dtype dtype;
    uint32_t bytes;
    bool integer;
    int64_t least;
    int64_t most;
};
constexpr Element elements[] = {
    {Dtype::F64, 8, false, 0, 0},
    {Dtype::F32, 4, false, 0, 0},
    {Dtype::F16, 2, false, 0, 0},
    {Dtype::Bf16, 2, false, 0, 0},
    {Dtype::I64, 8, true, INT64_MIN, INT64_MAX},
    {Dtype::U64, 8, true, 0, INT64_MAX}, // as far as an attribute reaches
    {Dtype::I32, 4, true, INT32_MIN, INT32_MAX},
    {Dtype::U32, 4, true, 0, UINT32_MAX},
    {Dtype::I16, 2, true, INT16_MIN, INT16_MAX},
    {Dtype::U16, 2, true, 0, UINT16_MAX},
    {Dtype::I8, 1, true, INT8_MIN, INT8_MAX},
    {Dtype::U8, 1, true, 0, UINT8_MAX},
    {Dtype::Bool, 1, true, 0, 1},
};

const Element *find_element(Dtype dtype) {
    for (const Element &row : elements)
        if (row.dtype == dtype)
            return &row;
    return nullptr;
}

/// A format of `mantissa` stored bits whose exponents reach from `least` to `most`, rounded to the
/// nearest and to even.
std::optional<uint64_t> narrow(double value, int mantissa, int least, int most) {
    const uint64_t sign = std::signbit(value) ? 1 : 0;
    const double size = std::fabs(value);
    int exponent = 0;
    std::frexp(size, &exponent);
    const int scale = size == 0 ? least : std::max(exponent - 1, least);
    const auto digits = static_cast<uint64_t>(std::nearbyint(std::ldexp(size, mantissa - scale)));
    // A number below the first power is stored without its leading bit, and with exponent 0.
    const uint64_t bits = digits + (static_cast<uint64_t>(scale - least) << mantissa);
    const auto width = static_cast<unsigned>(mantissa) + (most == 15 ? 5u : 8u);
    if (bits >= (static_cast<uint64_t>(most - least + 2) << mantissa))
        return std::nullopt;
    return bits | sign << width;
}

template <class T> uint64_t bits_of(T value) {
    uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    return bits;
}

/// What all of them have, and the size of an element.
base::Result<Vector> read_vector(const Attributes &attrs, std::span<const Dtype> taken) {
    Vector vector;
    HWA_TRY(vector.dtype, attrs.dtype());
    const Element *element = find_element(vector.dtype);
    const bool known =
        taken.empty() || std::find(taken.begin(), taken.end(), vector.dtype) != taken.end();
    if (element == nullptr || !known)
        return base::error(Status::Unsupported, "%s: does not take %s", attrs.op,
                           core::dtype_name(vector.dtype));
    vector.element_bytes = element->bytes;
    HWA_TRY(vector.n, attrs.count("n", 1, INT64_MAX / element->bytes));
    return vector;
}

base::Result<Vector> read_as(const char *op, std::span<const core::Attr> list,
                             std::span<const char *const> keys, std::span<const Dtype> taken) {
    const Attributes attrs{op, list};
    HWA_CHECK(attrs.check(keys));
    return read_vector(attrs, taken);
}

} // namespace

std::optional<uint64_t> element_bits(Dtype dtype, double value) {
    const Element *element = find_element(dtype);
    if (element == nullptr || std::isnan(value))
        return std::nullopt;
    if (element->integer) {
        // 2^63 is the first real past what fits.
        if (value != std::floor(value) || value < static_cast<double>(element->least) ||
            value >= 0x1p63 || static_cast<int64_t>(value) > element->most)
            return std::nullopt;
        const auto whole = static_cast<uint64_t>(static_cast<int64_t>(value));
        return element->bytes == 8 ? whole : whole & ((uint64_t{1} << 8 * element->bytes) - 1);
    }
    if (dtype == Dtype::F64)
        return bits_of(value);
    if (dtype == Dtype::F16)
        return narrow(value, 10, -14, 15);
    if (dtype == Dtype::Bf16)
        return narrow(value, 7, -126, 127);
    if (std::fabs(value) > static_cast<double>(std::numeric_limits<float>::max()))
        return std::nullopt;
    return bits_of(static_cast<float>(value));
}

base::Result<Vector> read_fill(std::span<const core::Attr> attrs) {
    static constexpr const char *keys[] = {"n", "dtype", "value"};
    HWA_TRY(Vector vector, read_as("fill", attrs, keys, {}));
    const core::Attr *given = Attributes{"fill", attrs}.find("value");
    if (given == nullptr)
        return vector;
    const Element &element = *find_element(vector.dtype);
    std::optional<uint64_t> bits;
    if (given->type == AttrType::Int && element.integer) {
        if (given->i >= element.least && given->i <= element.most) {
            const auto whole = static_cast<uint64_t>(given->i);
            bits = element.bytes == 8 ? whole : whole & ((uint64_t{1} << 8 * element.bytes) - 1);
        }
    } else if (given->type == AttrType::Int) {
        bits = element_bits(vector.dtype, static_cast<double>(given->i));
    } else if (given->type == AttrType::Real) {
        bits = element_bits(vector.dtype, given->r);
    }
    if (!bits)
        return base::error(Status::Invalid, "fill: value must be a number that %s can hold",
                           core::dtype_name(vector.dtype));
    vector.value = *bits;
    return vector;
}

base::Result<Vector> read_copy(std::span<const core::Attr> attrs) {
    static constexpr const char *keys[] = {"n", "dtype"};
    return read_as("copy", attrs, keys, {});
}

base::Result<Vector> read_axpby(std::span<const core::Attr> attrs) {
    static constexpr const char *keys[] = {"n", "dtype", "alpha", "beta"};
    static constexpr Dtype taken[] = {Dtype::F32, Dtype::F64};
    HWA_TRY(Vector vector, read_as("axpby", attrs, keys, taken));
    const Attributes all{"axpby", attrs};
    HWA_TRY(const double alpha, all.real("alpha", 1));
    HWA_TRY(const double beta, all.real("beta", 1));
    HWA_TRY(vector.alpha, round_factor("axpby", "alpha", vector.dtype, alpha));
    HWA_TRY(vector.beta, round_factor("axpby", "beta", vector.dtype, beta));
    return vector;
}

base::Result<Vector> read_reduce(std::span<const core::Attr> attrs) {
    static constexpr const char *keys[] = {"n", "dtype", "op"};
    static constexpr Dtype taken[] = {Dtype::F32, Dtype::F64, Dtype::I32,
                                      Dtype::U32, Dtype::I64, Dtype::U64};
    static constexpr const char *names[] = {"sum", "min", "max"};
    HWA_TRY(Vector vector, read_as("reduce", attrs, keys, taken));
    const core::Attr *given = Attributes{"reduce", attrs}.find("op");
    if (given == nullptr)
        return vector;
    for (int i = 0; i < 3; ++i)
        if (given->type == AttrType::Text && given->s == names[i]) {
            vector.how = static_cast<Reduction>(i);
            return vector;
        }
    return base::error(Status::Invalid, "reduce: op must be \"sum\", \"min\" or \"max\"");
}

Binding vector_binding(const char *name, uint32_t flags, const Vector &vector, uint64_t n) {
    return {name, flags, vector.dtype, {static_cast<int64_t>(n)}, {1}, n * vector.element_bytes};
}

std::vector<Binding> fill_bindings(const Vector &vector) {
    return {vector_binding("Y", BindingOutput, vector, vector.n)};
}

std::vector<Binding> copy_bindings(const Vector &vector) {
    return {vector_binding("X", BindingInput, vector, vector.n),
            vector_binding("Y", BindingOutput, vector, vector.n)};
}

std::vector<Binding> axpby_bindings(const Vector &vector) {
    Binding z = vector_binding("Z", BindingOutput, vector, vector.n);
    z.in_place = true;
    return {vector_binding("X", BindingInput, vector, vector.n),
            vector_binding("Y", vector.beta == 0 ? 0u : uint32_t{BindingInput}, vector, vector.n),
            std::move(z)};
}

std::vector<Binding> reduce_bindings(const Vector &vector) {
    return {vector_binding("X", BindingInput, vector, vector.n),
            vector_binding("Y", BindingOutput, vector, 1)};
}

/// What counts the parts lies in front of them, in a cache line at most.
static constexpr std::byte counter[64] = {};

base::Done give_scratch(const OpRequest &request, uint64_t size_bytes, Operation &operation) {
    MemoryRequest wanted;
    wanted.size_bytes = size_bytes;
    HWA_TRY(operation.scratch, request.queue->allocate(wanted));
    operation.scratch_bytes = size_bytes;
    // Runs come after it on the same queue, so nobody waits for a device that may be busy.
    HWA_TRY(const auto event, request.queue->write(operation.scratch, 0, counter,
                                                   std::min<uint64_t>(size_bytes, sizeof counter)));
    return {};
}

} // namespace hwa::launch
