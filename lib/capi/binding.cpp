// SPDX-License-Identifier: MIT
// What the arguments of an operation must be to fit its bindings.
#include "capi/entry.h"
#include "capi/launch.h"

#include "core/dtype.h"

namespace hwa::capi {

using base::Status;
using launch::Arg;

using Number = unsigned long long;

/// What an argument says of itself must be what the operation was made for.
static base::Done check_layout(const launch::Binding &binding, const hwa_arg_t &given) {
    const auto dtype = static_cast<core::Dtype>(number(given.dtype));
    if (dtype != core::Dtype::Unknown && dtype != binding.dtype)
        return base::error(Status::Invalid, "%s is %s, not %s", binding.name,
                           core::dtype_name(binding.dtype), core::dtype_name(dtype));
    const size_t rank = binding.dims.size();
    if ((given.shape != nullptr || given.strides != nullptr) && given.rank != rank)
        return base::error(Status::Invalid, "%s has rank %zu, not %u", binding.name, rank,
                           given.rank);
    for (size_t i = 0; i < rank; ++i) {
        if (given.shape != nullptr && given.shape[i] != binding.dims[i])
            return base::error(Status::Invalid, "%s: dimension %zu is %lld, not %lld", binding.name,
                               i, static_cast<long long>(binding.dims[i]),
                               static_cast<long long>(given.shape[i]));
        if (given.strides != nullptr && given.strides[i] != binding.strides[i])
            return base::error(Status::Invalid, "%s: stride %zu is %lld, not %lld", binding.name, i,
                               static_cast<long long>(binding.strides[i]),
                               static_cast<long long>(given.strides[i]));
    }
    return {};
}

static base::Done check_overlap(const hwa_program_t &program, std::span<const hwa_arg_t> given) {
    const auto part = [&](size_t of) {
        return Part{given[of].buffer, given[of].offset, program.bindings[of].size_bytes};
    };
    for (size_t i = 0; i < given.size(); ++i)
        for (size_t j = 0; j < given.size(); ++j) {
            const bool written = (program.bindings[i].flags & launch::BindingOutput) != 0;
            if (program.bindings[i].in_place && coincide(part(i), part(j)))
                continue;
            if (i != j && written && overlap(part(i), part(j)))
                return base::error(Status::Invalid, "%s is written and overlaps %s",
                                   program.bindings[i].name, program.bindings[j].name);
        }
    return {};
}

base::Done check_op(const hwa_program_t &program, std::span<const hwa_arg_t> given,
                    std::span<const Arg> args) {
    for (size_t i = 0; i < given.size(); ++i) {
        const launch::Binding &binding = program.bindings[i];
        if (given[i].buffer == nullptr)
            return base::error(Status::Invalid, "%s must be a buffer", binding.name);
        if ((binding.flags & launch::BindingOutput) != 0 && given[i].buffer->read_only)
            return base::error(Status::Invalid, "%s is written, and its buffer is read-only",
                               binding.name);
        if (args[i].size_bytes < binding.size_bytes)
            return base::error(Status::Range, "%s needs %llu bytes and has %llu", binding.name,
                               Number{binding.size_bytes}, Number{args[i].size_bytes});
        const core::DtypeRow *row = core::find_dtype(binding.dtype);
        // Memory of the caller's may itself start anywhere.
        const auto start = reinterpret_cast<uintptr_t>((*args[i].memory)->host()) + args[i].offset;
        if (row != nullptr && start % row->block_bytes != 0)
            return base::error(Status::Invalid, "%s starts at byte %llu, within an element",
                               binding.name, Number{start});
        HWA_CHECK(check_layout(binding, given[i]));
    }
    return check_overlap(program, given);
}

} // namespace hwa::capi
