// SPDX-License-Identifier: MIT
// The operations on vectors: fill, copy, axpby and reduce; docs/ops.md.
#pragma once

#include "launch/op.h"

namespace hwa::launch {

enum class Reduction { Sum, Min, Max };

/// The attributes of one of them, checked.
struct Vector {
    uint64_t n = 0;
    core::Dtype dtype = core::Dtype::F32;
    uint32_t element_bytes = 4;
    uint64_t value = 0; ///< fill: the bits of an element
    double alpha = 1;   ///< axpby
    double beta = 1;    ///< axpby; at 0, y is not read
    Reduction how = Reduction::Sum;
};

/// Invalid for a key that is not known, lacks, comes twice or is out of its range; Unsupported for
/// a format that the operation does not take.
base::Result<Vector> read_fill(std::span<const core::Attr> attrs);
base::Result<Vector> read_copy(std::span<const core::Attr> attrs);
base::Result<Vector> read_axpby(std::span<const core::Attr> attrs);
base::Result<Vector> read_reduce(std::span<const core::Attr> attrs);

/// A vector of n elements among the arguments.
Binding vector_binding(const char *name, uint32_t flags, const Vector &vector, uint64_t n);

std::vector<Binding> fill_bindings(const Vector &vector);
std::vector<Binding> copy_bindings(const Vector &vector);
std::vector<Binding> axpby_bindings(const Vector &vector);
std::vector<Binding> reduce_bindings(const Vector &vector);

/// Memory for what a reduction keeps between its parts, with 0 in the first 64 bytes once it is the
/// turn of work that is put in from here on.
base::Done give_scratch(const OpRequest &request, uint64_t size_bytes, Operation &operation);

/// An element of that format, in its lowest bits, as near to `value` as can be; nothing if the
/// format does not reach so far, or has no such number.
std::optional<uint64_t> element_bits(core::Dtype dtype, double value);

} // namespace hwa::launch
