// SPDX-License-Identifier: MIT
// The published factors, from paces.csv.
#include "plan/time/pace.h"

namespace hwa::plan {

static constexpr PaceFactor factors[] = {
#include "paces.inc"
};

std::span<const PaceFactor> pace_table() {
    return factors;
}

} // namespace hwa::plan
