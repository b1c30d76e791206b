// SPDX-License-Identifier: MIT
// Multiply-adds per clock of a core of Apple's graphics: 128 in f32, which with 8 cores and 1.278
// GHz are the 2.6 TFLOPS that Apple tells of the M1. In f16 it is no faster.
#include "data/rates.h"

namespace hwa::data {

using core::Dtype;

static constexpr MacRate agx[] = {{Dtype::F32, 128, 0}, {Dtype::F16, 128, 0}};

std::span<const MacRate> apple_rates(std::string_view architecture) {
    if (architecture == "agx-g13" || architecture == "agx-g14")
        return agx;
    return {};
}

} // namespace hwa::data
