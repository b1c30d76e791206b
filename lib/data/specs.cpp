// SPDX-License-Identifier: MIT
// The rows of specs.csv.
#include "data/specs.h"

namespace hwa::data {

using core::Dtype;
using core::MemoryKind;

static constexpr Spec rows[] = {
#include "specs.inc"
};

const Spec *find_spec(std::string_view name) {
    for (const Spec &row : rows)
        if (row.name == name)
            return &row;
    return nullptr;
}

std::span<const Spec> specs() {
    return rows;
}

} // namespace hwa::data
